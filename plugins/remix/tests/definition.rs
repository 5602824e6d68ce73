//! Remix by its definition, through the boundary.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::Set;
use contract::{check, edges, sets};
use eos_plugin_remix::{ENTRY, keeps, symmetric_beta};
use eos_tensor::philox::{Philox, below};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// 12 rows of class 0, 4 of class 1, 2 of class 2.
fn set() -> Set {
    let labels = [vec![0; 12], vec![1; 4], vec![2; 2]].concat();
    Set {
        rows: (0..18).map(|i| i as f32).collect(),
        dims: 1,
        labels,
    }
}

/// Mean ratio and count of each (class, partner's class), from the boundary.
fn sampled(params: &str) -> BTreeMap<(u32, u32), (f64, f64)> {
    let set = set();
    let made = set.sample(&ENTRY, &[20_000; 3], params).unwrap();
    let mut all: BTreeMap<_, (f64, f64)> = BTreeMap::new();
    for r in made.recipe.unwrap() {
        let entry = all.entry((r.label, set.labels[r.to as usize])).or_default();
        *entry = (entry.0 + f64::from(r.ratio), entry.1 + 1.0);
    }
    all.into_iter()
        .map(|(pair, (sum, n))| (pair, (sum / n, n / 20_000.0)))
        .collect()
}

/// The definition as it stands: pairs of any rows, labelled by the rule.
fn defined(alpha: f64, kappa: f64, tau: f64) -> BTreeMap<(u32, u32), (f64, f64)> {
    let (set, words, sizes) = (set(), Philox::new(5), [12, 4, 2]);
    let mut all: BTreeMap<(u32, u32), (f64, f64)> = BTreeMap::new();
    for pair in 0..400_000 {
        let [i, j, ..] = words.block(pair, 0, 0);
        let [u, v, sign, _] = words.block(pair, 0, 1);
        let [i, j] = [i, j].map(|word| set.labels[below(word, 18) as usize]);
        let weight = symmetric_beta(alpha, [u, v, sign]);
        let (n_i, n_j) = (f64::from(sizes[i as usize]), f64::from(sizes[j as usize]));
        let keeps_i = if n_i / n_j >= kappa && weight < tau {
            false
        } else if n_i / n_j <= 1.0 / kappa && 1.0 - weight < tau {
            true
        } else {
            weight >= 0.5
        };
        let (pair, ratio) = if keeps_i {
            ((i, j), 1.0 - weight)
        } else {
            ((j, i), weight)
        };
        let entry = all.entry(pair).or_default();
        *entry = (entry.0 + ratio, entry.1 + 1.0);
    }
    let totals = [0, 1, 2].map(|c| {
        all.iter()
            .filter(|(p, _)| p.0 == c)
            .map(|(_, e)| e.1)
            .sum::<f64>()
    });
    let share = |((c, other), (sum, n)): ((u32, u32), (f64, f64))| {
        ((c, other), (sum / n, n / totals[c as usize]))
    };
    all.into_iter().map(share).collect()
}

/// Drawing pairs given the kept class is drawing pairs until that class is kept.
#[test]
fn partners_and_weights_are_distributed_as_by_drawing_until_the_counts_are_met() {
    for (alpha, kappa, tau) in [
        (1.0, 3.0, 0.5),
        (1.0, 3.0, 0.9),
        (0.3, 2.0, 0.7),
        (4.0, 5.0, 1.0),
    ] {
        let got = sampled(&format!(
            "alpha = {alpha:?}\nkappa = {kappa:?}\ntau = {tau:?}"
        ));
        let wanted = defined(alpha, kappa, tau);
        assert_eq!(
            got.keys().collect::<Vec<_>>(),
            wanted.keys().collect::<Vec<_>>()
        );
        for (pair, (ratio, share)) in got {
            let (ratio_wanted, share_wanted) = wanted[&pair];
            assert!(
                (share - share_wanted).abs() < 0.02,
                "{pair:?}: {share} {share_wanted}"
            );
            assert!(
                (ratio - ratio_wanted).abs() < 0.03,
                "{pair:?}: {ratio} {ratio_wanted}"
            );
        }
    }
}

#[test]
fn a_large_tau_lets_rare_classes_go_deep_into_large_ones() {
    let deepest = |params: &str| {
        let made = set().sample(&ENTRY, &[0, 0, 2000], params).unwrap();
        made.recipe
            .unwrap()
            .iter()
            .map(|r| r.ratio)
            .fold(0.0, f32::max)
    };
    assert!(deepest("") <= 0.5);
    assert!(deepest("tau = 0.9") > 0.85 && deepest("tau = 0.9") < 0.9);
}

#[test]
fn parameters_out_of_range_are_refused() {
    for params in ["alpha = 0.0", "kappa = 0.5", "tau = 1.5"] {
        let said = set()
            .sample(&ENTRY, &[0, 0, 1], params)
            .unwrap_err()
            .to_string();
        assert!(said.starts_with("plugin 'remix': bad parameters"), "{said}");
    }
}

#[test]
fn edge_cases_are_balanced_wherever_the_peers_smote_balances_them() {
    let outcome = edges(&ENTRY, "SMOTE", "");
    assert!(outcome.both > 8 && outcome.neither > 2, "{outcome:?}");
    assert_eq!(outcome.stricter, [""; 0]);
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), alpha in 0.05..5.0, kappa in 1.0..5.0, tau in 0.0..=1.0) {
        let params = format!("alpha = {alpha:?}\nkappa = {kappa:?}\ntau = {tau:?}");
        check(&ENTRY, &case, &params, |set, r| {
            let of = |row: u32| set.counts()[set.labels[row as usize] as usize] as usize;
            let weight = 1.0 - f64::from(r.ratio);
            // The ratio is rounded to f32, so the weight is known to its last bits only.
            let near = |w: f64| keeps(w, of(r.base), of(r.to), kappa, tau);
            r.from == r.base && (near(weight - 1e-7) || near(weight + 1e-7))
        });
    }
}
