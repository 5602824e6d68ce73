//! The smoothed bootstrap against imbalanced-learn: its constants, and rows by their draws.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::{Set, golden, numbers};
use contract::{check, edges, sets};
use eos_plugin_smoothed_bootstrap::{ENTRY, deviations, smoothing_constant};
use proptest::prelude::*;

fn class_rows(set: &Set, class: u32) -> Vec<&[f32]> {
    let rows = set.rows.chunks(set.dims).zip(&set.labels);
    rows.filter(|(_, l)| **l == class)
        .map(|(row, _)| row)
        .collect()
}

/// The golden constant counts all rows, N, not those of the class.
#[test]
fn constant_and_deviations_are_the_peers() {
    let (mut cases, mut classes) = (0, 0);
    for case in golden("random_over.json") {
        let (set, expect) = (Set::of(&case), &case["expect"]);
        let constant = expect["smoothing_constant"].as_f64().unwrap();
        let ours = smoothing_constant(set.labels.len(), set.dims);
        assert!(
            (ours - constant).abs() <= 1e-12 * constant,
            "{ours} {constant}"
        );
        cases += 1;
        for (class, theirs) in expect["class_std_ddof0"].as_object().into_iter().flatten() {
            let rows = class_rows(&set, class.parse().unwrap());
            let ours = deviations(rows.into_iter(), set.dims);
            for (ours, theirs) in ours.iter().zip(numbers(theirs)) {
                assert!((ours - theirs).abs() <= 1e-12 * theirs, "{ours} {theirs}");
            }
            classes += 1;
        }
    }
    assert!(cases == 8 && classes > 8, "{cases} {classes}");
}

/// Mean and deviation of what is made: those of the class, and the noise's on top.
#[test]
fn the_noise_is_normal_with_the_bandwidth() {
    let rows = vec![0.0, 10.0, 2.0, -10.0, 1.0, 0.0, 5.0, 5.0];
    let set = Set {
        rows,
        dims: 2,
        labels: vec![0, 0, 1, 1],
    };
    for (bandwidth, n) in [("all", 4), ("class", 2)] {
        let params = format!("shrinkage = 0.5\nbandwidth = '{bandwidth}'");
        let made = set.sample(&ENTRY, &[40_000, 0], &params).unwrap();
        assert!(made.recipe.is_none() && made.notes.is_empty());
        // Deviations of class 0 are 1 and 10 about means of 1 and 0.
        for (j, (mean, deviation)) in [(1.0, 1.0), (0.0, 10.0)].into_iter().enumerate() {
            let h = 0.5 * smoothing_constant(n, 2) * deviation;
            let noise: Vec<f64> = made
                .rows
                .chunks(2)
                .map(|row| (f64::from(row[j]) - mean) / deviation)
                .map(|v| (v - v.signum()) * deviation / h)
                .collect();
            let moment = |p: i32| noise.iter().map(|z| z.powi(p)).sum::<f64>() / 40_000.0;
            // The nearer of the two bases is taken for the base: with h below a half it is it.
            assert!(h / deviation < 0.45);
            assert!(moment(1).abs() < 0.03, "{}", moment(1));
            assert!((moment(2) - 1.0).abs() < 0.06, "{}", moment(2));
        }
    }
}

#[test]
fn without_noise_rows_are_repeated_and_rows_that_do_not_differ_say_so() {
    let set = Set {
        rows: vec![0.1, 0.2, 0.3, 7.0],
        dims: 1,
        labels: vec![0, 0, 0, 1],
    };
    let made = set.sample(&ENTRY, &[50, 2], "shrinkage = 0.0").unwrap();
    assert!(made.rows.iter().all(|v| set.rows.contains(v)) && made.notes.is_empty());
    let made = set.sample(&ENTRY, &[1, 2], "").unwrap();
    assert_eq!(made.rows[1..], [7.0, 7.0]);
    let note = "class 1: its 2 synthetic rows are copies: its rows do not differ";
    assert_eq!(made.notes, [note]);
    let said = set
        .sample(&ENTRY, &[1, 0], "shrinkage = -1")
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("plugin 'smoothed-bootstrap': bad parameters"),
        "{said}"
    );
}

#[test]
fn edge_cases_are_balanced_wherever_the_peer_balances_finite_rows() {
    let outcome = edges(&ENTRY, "RandomOverSampler", "shrinkage = 0.1");
    assert!(outcome.both > 12, "{outcome:?}");
    // The peer makes 33 rows with 32 labels of them.
    assert_eq!(outcome.stricter, ["length_mismatch"]);
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), shrinkage in 0.0..3.0) {
        check(&ENTRY, &case, &format!("shrinkage = {shrinkage:?}"), |_, _| false);
    }
}
