//! SVM-SMOTE against imbalanced-learn, whose support vectors and danger sets the golden file
//! holds; libsvm found them.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
mod plain;

use common::{Set, golden, numbers, rows_of};
use eos_plugin_svm_smote::{ENTRY, Kind, gamma, inwards, kind};
use eos_tensor::Classes;
use plain::Fit;
use serde_json::Value;
use std::collections::BTreeSet;

const TOLERANCE: f64 = 1e-3;

/// The machines of all pairs of classes, in the peer's order.
fn fits(set: &Set) -> Vec<Fit> {
    let classes: BTreeSet<u32> = set.labels.iter().copied().collect();
    let classes: Vec<u32> = classes.into_iter().collect();
    let pairs = classes.iter().enumerate();
    pairs
        .flat_map(|(at, &a)| classes[at + 1..].iter().map(move |&b| (a, b)))
        .map(|(a, b)| Fit::new(set, (a, b), gamma(&set.rows, set.dims), 1.0, TOLERANCE))
        .collect()
}

fn per_class(case: &Value) -> Vec<(u32, &Value)> {
    let classes = case["expect"]["per_class"].as_object().unwrap();
    classes
        .iter()
        .map(|(class, expect)| (class.parse().unwrap(), expect))
        .collect()
}

#[test]
fn the_support_vectors_are_those_of_libsvm() {
    let mut cases = 0;
    for case in golden("svm_smote.json") {
        let (set, expect) = (Set::of(&case), &case["expect"]);
        let wanted = case["params"]["gamma_value"].as_f64().unwrap();
        assert!((gamma(&set.rows, set.dims) / wanted - 1.0).abs() < 1e-12);
        let fits = fits(&set);
        let support: BTreeSet<u32> = fits.iter().flat_map(Fit::support).collect();
        let theirs: BTreeSet<u32> = rows_of(&expect["support"]).into_iter().collect();
        assert_eq!(support, theirs, "{}", case["name"]);
        let count = |class| {
            let own = |row: &&u32| set.labels[**row as usize] == class;
            support.iter().filter(own).count() as u32
        };
        let classes = rows_of(&expect["n_support"]).len() as u32;
        let counts: Vec<u32> = (0..classes).map(count).collect();
        assert_eq!(counts, rows_of(&expect["n_support"]));
        // With two classes the peer's sign is turned around.
        let sign = if fits.len() == 1 { -1.0 } else { 1.0 };
        for (fit, wanted) in fits.iter().zip(numbers(&expect["intercept"])) {
            let bias = sign * fit.solution.bias;
            assert!((bias - wanted).abs() < TOLERANCE, "{bias} {wanted}");
        }
        let most = fits.iter().flat_map(|fit| &fit.solution.alpha);
        let most = most.fold(0f64, |most, &alpha| most.max(alpha));
        assert_eq!(most, expect["dual_coef_abs_max"].as_f64().unwrap());
        cases += 1;
    }
    assert_eq!(cases, 4);
}

/// Rows of the given kind among the peer's support vectors.
fn of_kind(set: &Set, vectors: &[u32], class: u32, m: usize, wanted: Kind) -> Vec<u32> {
    let near = set.neighbours(vectors, m, Classes::Any);
    let kinds = (0..vectors.len()).map(|q| kind(near.of(q), &set.labels, class));
    let rows = vectors.iter().zip(kinds);
    rows.filter(|(_, kind)| *kind == wanted)
        .map(|(row, _)| *row)
        .collect()
}

#[test]
fn noise_danger_and_safety_are_those_of_the_peer() {
    let mut compared = 0;
    for case in golden("svm_smote.json") {
        let (set, m) = (Set::of(&case), &case["params"]["m_neighbors"]);
        let m = m.as_u64().unwrap() as usize;
        for (class, expect) in per_class(&case) {
            let vectors = rows_of(&expect["support"]);
            for (kind, name) in [
                (Kind::Noise, "noise"),
                (Kind::Danger, "danger"),
                (Kind::Safe, "safe"),
            ] {
                let rows = of_kind(&set, &vectors, class, m, kind);
                assert_eq!(rows, rows_of(&expect[name]), "{} {name}", case["name"]);
                compared += rows.len();
            }
        }
    }
    assert!(compared > 80, "{compared} support vectors were compared");
}

/// The peer's sizes afterwards follow from its draw of the fraction; for the first class that it
/// samples, that draw is known. Where it falls short, the other way makes the rest here.
#[test]
fn the_peers_fraction_makes_the_peers_counts() {
    let mut short = 0;
    for case in golden("svm_smote.json") {
        let (set, expect) = (Set::of(&case), &case["expect"]);
        let fraction = expect["beta_fraction_first_class_seed0"].as_f64().unwrap();
        let (class, sets) = per_class(&case)[0];
        let size = |name: &str| sets[name].as_array().unwrap().len();
        let (own, most) = (set.members(class).len(), set.members(0).len());
        let wanted = (most - own) as u64;
        let (danger, safe) = (size("danger"), size("safe"));
        let of_both = inwards(fraction, wanted, 1, 1);
        let made = if danger > 0 { of_both } else { 0 };
        let made = made + if safe > 0 { wanted - of_both } else { 0 };
        let theirs = expect["counts_seed0"][class.to_string()].as_u64().unwrap();
        assert_eq!(own as u64 + made, theirs, "{}", case["name"]);
        short += u32::from(made < wanted);
        let ours = inwards(fraction, wanted, danger, safe);
        assert!(ours <= wanted && (danger > 0 || ours == 0) && (safe > 0 || ours == wanted));
    }
    assert_eq!(short, 1);
}

#[test]
fn through_the_boundary_rows_are_made_at_the_peers_support_vectors_only() {
    let mut compared = 0;
    for case in golden("svm_smote.json") {
        let (set, params) = (Set::of(&case), &case["params"]);
        let params = format!(
            "k = {}\nm = {}",
            params["k_neighbors"], params["m_neighbors"]
        );
        let most = set.members(0).len() as u64;
        let classes = per_class(&case);
        let mut wanted = vec![0; classes.len() + 1];
        for (class, _) in &classes {
            wanted[*class as usize] = 4 * most;
        }
        let made = set.sample(&ENTRY, &wanted, &params).unwrap();
        let recipes = made.recipe.unwrap();
        for (class, expect) in classes {
            let own: Vec<_> = recipes.iter().filter(|r| r.label == class).collect();
            assert_eq!(own.len() as u64, 4 * most);
            let (danger, safe) = (rows_of(&expect["danger"]), rows_of(&expect["safe"]));
            let near = set.neighbours(&set.members(class), 3, Classes::Same);
            for r in own {
                let inward = r.ratio > 0.0 || (r.ratio == 0.0 && danger.contains(&r.base));
                let bases = if inward { &danger } else { &safe };
                assert!(bases.contains(&r.base), "{} {r:?}", case["name"]);
                assert!(r.from == r.base && (-0.5..1.0).contains(&r.ratio));
                let q = set.members(class).binary_search(&r.base).unwrap();
                assert!(near.of(q).contains(&r.to));
                compared += 1;
            }
            let drawn: BTreeSet<u32> = recipes
                .iter()
                .filter(|r| r.label == class)
                .map(|r| r.base)
                .collect();
            assert!(drawn.len() > (danger.len() + safe.len()) / 2);
        }
    }
    assert!(compared > 1000, "{compared} recipes were compared");
}
