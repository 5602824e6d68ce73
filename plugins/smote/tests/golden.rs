//! SMOTE against imbalanced-learn, whose neighbours and draws the golden file holds.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::{Set, golden, numbers, rows_of};
use eos_plugin_smote::{ENTRY, peer_row, step};
use eos_tensor::{Backend, Classes, CpuBackend, Recipe};
use serde_json::Value;

fn per_class(case: &Value) -> Vec<(u32, &Value)> {
    let classes = case["expect"]["per_class"].as_object().unwrap();
    classes
        .iter()
        .map(|(class, expect)| (class.parse().unwrap(), expect))
        .collect()
}

#[test]
fn the_peers_draws_make_the_peers_rows() {
    let mut compared = 0;
    for case in golden("smote.json") {
        let (set, k) = (
            Set::of(&case),
            case["params"]["k_neighbors"].as_u64().unwrap() as usize,
        );
        for (class, expect) in per_class(&case) {
            let members = set.members(class);
            assert_eq!(members, rows_of(&expect["class_indices"]));
            let near = set.neighbours(&members, k, Classes::Same);
            let lists: Vec<Vec<u32>> = expect["neighbors_global"]
                .as_array()
                .unwrap()
                .iter()
                .map(rows_of)
                .collect();
            assert!(lists.iter().enumerate().all(|(q, list)| near.of(q) == list));
            let (rows, cols) = (rows_of(&expect["rows"]), rows_of(&expect["cols"]));
            let steps = numbers(&expect["steps"]);
            let recipes = (0..rows.len()).map(|i| {
                let q = rows[i] as usize;
                step(
                    class,
                    members[q],
                    &lists[q],
                    cols[i] as usize,
                    steps[i] as f32,
                )
            });
            let recipes: Vec<Recipe> = recipes
                .map(|r| Recipe {
                    label: r.label,
                    base: r.base,
                    from: r.from,
                    to: r.to,
                    ratio: r.ratio,
                })
                .collect();
            check_rows(&set, &recipes, expect);
            compared += recipes.len();
        }
    }
    assert!(compared > 400, "{compared} rows were compared");
}

/// The rows of `recipes` against the first three and the sum that the peer gave.
fn check_rows(set: &Set, recipes: &[Recipe], expect: &Value) {
    let mut rows = vec![0.0; recipes.len() * set.dims];
    CpuBackend::new()
        .interpolate(set.view(), recipes, &mut rows)
        .unwrap();
    let scale = set
        .rows
        .iter()
        .fold(0f64, |most, v| most.max(f64::from(v.abs())));
    let first: Vec<f64> = expect["first3"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(numbers)
        .collect();
    for (got, wanted) in rows.iter().zip(&first) {
        assert!(
            (f64::from(*got) - wanted).abs() <= 1e-6 * scale,
            "{got} {wanted}"
        );
    }
    let sum: f64 = rows.iter().map(|&v| f64::from(v)).sum();
    let magnitude: f64 = rows.iter().map(|&v| f64::from(v.abs())).sum();
    let wanted = expect["sum"].as_f64().unwrap();
    assert!((sum - wanted).abs() <= 1e-6 * magnitude, "{sum} {wanted}");
}

/// The peer's f32 rows to the last bit, which f32 arithmetic would miss.
#[test]
fn the_peers_arithmetic_makes_the_peers_bits() {
    let (mut compared, mut differ) = (0, 0);
    for case in golden("smote.json") {
        if case["params"]["dtype"] != "float32" {
            continue;
        }
        let set = Set::of(&case);
        for (_, expect) in per_class(&case) {
            let members = rows_of(&expect["class_indices"]);
            let (rows, cols) = (rows_of(&expect["rows"]), rows_of(&expect["cols"]));
            let steps = numbers(&expect["steps"]);
            for (i, wanted) in expect["first3"].as_array().unwrap().iter().enumerate() {
                let q = rows[i] as usize;
                let to = rows_of(&expect["neighbors_global"][q])[cols[i] as usize];
                let [base, to] = [members[q], to].map(|row| set.view().row(row as usize));
                let wanted: Vec<f32> = numbers(wanted).iter().map(|v| *v as f32).collect();
                assert_eq!(peer_row(base, to, steps[i]), wanted, "{}", case["name"]);
                let pairs = base.iter().zip(to).zip(&wanted);
                let rounded = |(b, t): (&f32, &f32)| b + steps[i] as f32 * (t - b);
                differ += pairs.filter(|(pair, w)| rounded(*pair) != **w).count();
                compared += 1;
            }
        }
    }
    assert!(
        compared > 15 && differ > 0,
        "{compared} rows, {differ} values"
    );
}

#[test]
fn through_the_boundary_every_row_goes_to_one_of_the_peers_neighbours() {
    for case in golden("smote.json") {
        let (set, k) = (Set::of(&case), &case["params"]["k_neighbors"]);
        for (class, expect) in per_class(&case) {
            let mut wanted = vec![0; *set.labels.iter().max().unwrap() as usize + 1];
            wanted[class as usize] = 200;
            let made = set.sample(&ENTRY, &wanted, &format!("k = {k}")).unwrap();
            let members = rows_of(&expect["class_indices"]);
            for r in made.recipe.unwrap() {
                let q = members.iter().position(|&row| row == r.base).unwrap();
                assert!(rows_of(&expect["neighbors_global"][q]).contains(&r.to));
            }
        }
    }
}
