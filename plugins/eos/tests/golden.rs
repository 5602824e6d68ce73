//! EOS against the authors' script, whose bases, enemies and draws the golden files hold.

mod common;

use common::{Set, golden, numbers, rows_of};
use eos_plugin::Recipe;
use eos_plugin_eos::{Bases, Compat, ENTRY, Pick, targets};
use eos_tensor::{Backend, Classes, CpuBackend};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The bases of a class by the plugin's own functions.
fn bases(set: &Set, class: u32, k: usize, compat: Compat) -> Bases {
    let members = set.members(class);
    let near = set.neighbours(&members, k, Classes::Any);
    let mut bases = Bases::default();
    for (q, &base) in members.iter().enumerate() {
        bases.push(base, targets(base, near.of(q), &set.labels, compat));
    }
    bases
}

fn per_class(case: &Value) -> Vec<(u32, &Value)> {
    let classes = case["expect"]["per_class"].as_object().unwrap();
    classes
        .iter()
        .map(|(class, expect)| (class.parse().unwrap(), expect))
        .collect()
}

fn lists(value: &Value) -> Vec<Vec<u32>> {
    value.as_array().unwrap().iter().map(rows_of).collect()
}

#[test]
fn bases_and_enemies_are_those_of_the_script_and_so_is_its_slip() {
    let mut compared = 0;
    for case in golden("eos.json") {
        let (set, k) = (
            Set::of(&case),
            case["params"]["K"].as_u64().unwrap() as usize,
        );
        for (class, expect) in per_class(&case) {
            for (compat, column) in [
                (Compat::None, "enemies"),
                (Compat::Reference, "used_by_reference"),
            ] {
                let bases = bases(&set, class, k, compat);
                assert_eq!(bases.rows(), rows_of(&expect["bases"]), "{}", case["name"]);
                let got: Vec<&[u32]> = (0..bases.rows().len()).map(|b| bases.targets(b)).collect();
                assert_eq!(got, lists(&expect[column]), "{} {column}", case["name"]);
                compared += got.len();
            }
        }
    }
    assert!(compared > 200, "{compared} bases were compared");
}

#[test]
fn through_the_boundary_every_row_goes_from_a_base_to_one_of_its_enemies() {
    for case in golden("eos.json") {
        let (set, k) = (Set::of(&case), case["params"]["K"].as_u64().unwrap());
        let classes = per_class(&case);
        let mut wanted = vec![0; set.labels.iter().max().unwrap().to_owned() as usize + 1];
        for (class, expect) in &classes {
            wanted[*class as usize] = expect["n"].as_u64().unwrap();
        }
        for (compat, column) in [("none", "enemies"), ("reference", "used_by_reference")] {
            let params = format!("k = {k}\ncompat = '{compat}'");
            let made = set.sample(&ENTRY, &wanted, &params).unwrap();
            let recipes = made.recipe.unwrap();
            for (class, expect) in &classes {
                let bases = rows_of(&expect["bases"]);
                let allowed: BTreeMap<u32, Vec<u32>> =
                    bases.into_iter().zip(lists(&expect[column])).collect();
                let own = recipes.iter().filter(|r| r.label == *class);
                assert_eq!(own.clone().count() as u64, wanted[*class as usize]);
                // Without a base by the definition, the case is for the tests of the fallback.
                if !allowed.is_empty() {
                    assert!(own.clone().all(|r| r.from == r.base));
                    assert!(own.clone().all(|r| allowed[&r.base].contains(&r.to)));
                    let drawn: BTreeSet<u32> = own.map(|r| r.base).collect();
                    assert!(drawn.len() > 1 || allowed.len() == 1, "draws differ");
                }
            }
        }
    }
}

#[test]
fn the_scripts_own_draws_make_its_rows() {
    let mut compared = 0;
    for case in golden("eos_replay.json") {
        let (set, k) = (
            Set::of(&case),
            case["params"]["K"].as_u64().unwrap() as usize,
        );
        for (class, expect) in per_class(&case) {
            for (compat, name) in [(Compat::None, "intended"), (Compat::Reference, "reference")] {
                compared += replay(&set, k, class, expect, compat, name);
            }
        }
    }
    assert!(compared > 400, "{compared} rows were compared");
}

/// Repeats one class's draws; `name` is that of the golden file's columns.
fn replay(set: &Set, k: usize, class: u32, expect: &Value, compat: Compat, name: &str) -> usize {
    let bases = bases(set, class, k, compat);
    let (numbered, column, ratio) = (
        rows_of(&expect["base_pos"]),
        rows_of(&expect["j"]),
        numbers(&expect["r"]),
    );
    let (base, to) = (
        rows_of(&expect["base"]),
        rows_of(&expect[format!("neighbor_{name}")]),
    );
    let mut recipes = Vec::new();
    for (i, &number) in numbered.iter().enumerate() {
        // The script draws the enemy's position in the list of neighbours, the plugin its number
        // among the enemies.
        let near = set.neighbours(&[base[i]], k, Classes::Any);
        let nearer = &near.of(0)[..column[i] as usize];
        let target = nearer
            .iter()
            .filter(|&&row| set.labels[row as usize] != class)
            .count();
        let pick = Pick {
            base: number as usize,
            target,
            ratio: ratio[i] as f32,
        };
        let recipe = bases.recipe(class, pick);
        assert_eq!(
            (recipe.base, recipe.from, recipe.to),
            (base[i], base[i], to[i])
        );
        recipes.push(recipe);
    }
    if compat == Compat::Reference {
        check_shares(set, &recipes, expect);
    }
    check_rows(set, &recipes, expect, name);
    recipes.len()
}

/// How often the script's slip meets an enemy after all, and how often the base itself.
fn check_shares(set: &Set, recipes: &[Recipe], expect: &Value) {
    let share = |hit: &dyn Fn(&Recipe) -> bool| {
        recipes.iter().filter(|r| hit(r)).count() as f64 / recipes.len() as f64
    };
    let enemy = share(&|r| set.labels[r.to as usize] != r.label);
    let own = share(&|r| r.to == r.base);
    assert!((enemy - expect["share_reference_is_enemy"].as_f64().unwrap()).abs() < 1e-9);
    assert!((own - expect["share_reference_is_self"].as_f64().unwrap()).abs() < 1e-9);
}

/// The rows of `recipes` against the first two and the sum that the script gave.
fn check_rows(set: &Set, recipes: &[Recipe], expect: &Value, name: &str) {
    let host = |r: &Recipe| {
        let Recipe {
            label,
            base,
            from,
            to,
            ratio,
        } = *r;
        eos_tensor::Recipe {
            label,
            base,
            from,
            to,
            ratio,
        }
    };
    let recipes: Vec<eos_tensor::Recipe> = recipes.iter().map(host).collect();
    let mut rows = vec![0.0; recipes.len() * set.dims];
    CpuBackend::new()
        .interpolate(set.view(), &recipes, &mut rows)
        .unwrap();
    let scale = set
        .rows
        .iter()
        .fold(0f64, |most, v| most.max(f64::from(v.abs())));
    let first: Vec<f64> = expect[format!("first2_{name}")]
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
    let wanted = expect[format!("sum_{name}")].as_f64().unwrap();
    let magnitude: f64 = rows.iter().map(|&v| f64::from(v.abs())).sum();
    assert!((sum - wanted).abs() <= 1e-6 * magnitude, "{sum} {wanted}");
}
