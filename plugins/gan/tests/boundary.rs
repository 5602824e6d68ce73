//! Through the boundary: what holds for any data, and what happens to odd data.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::{Set, edge_sets};
use contract::{check, sets};
use eos_plugin_gan::ENTRY;
use eos_registry::Error;
use proptest::prelude::*;

/// Lowest and highest value of a dimension.
fn range(rows: &[f32], dims: usize, j: usize) -> (f32, f32) {
    let values = rows.iter().skip(j).step_by(dims);
    values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
        (low.min(*v), high.max(*v))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_contract_holds_and_no_value_leaves_the_range_of_its_dimension(
        case in sets(), epochs in 1..9, batch in 1..40, hidden in 1..40, noise in 1..9,
    ) {
        let params = format!(
            "epochs = {epochs}\nbatch = {batch}\nhidden = {hidden}\nnoise = {noise}"
        );
        let made = check(&ENTRY, &case, &params, |_, _| false);
        let (set, dims) = (&case.0, case.0.dims);
        for j in (0..dims).filter(|_| !made.rows.is_empty()) {
            let ((low, high), (least, most)) = (range(&set.rows, dims, j), range(&made.rows, dims, j));
            prop_assert!(low <= least && most <= high, "{low} {least} {most} {high}");
        }
    }
}

/// Batches whose products dfdx spreads over threads.
#[test]
fn wide_networks_give_the_same_bits_on_any_number_of_threads() {
    let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    let set = Set {
        rows: (0..300 * 40).map(wave).collect(),
        dims: 40,
        labels: (0..300).map(|i| u32::from(i % 7 == 0)).collect(),
    };
    let case = (set, vec![10, 5_000]);
    check(&ENTRY, &case, "epochs = 4\nhidden = 160", |_, _| false);
}

#[test]
fn another_seed_makes_other_rows_and_values_stay_at_or_above_0_where_the_data_do() {
    let set = Set {
        rows: (0..200)
            .map(|i| if i % 3 == 0 { 0.0 } else { (i % 17) as f32 })
            .collect(),
        dims: 5,
        labels: (0..40).map(|i| u32::from(i % 4 == 0)).collect(),
    };
    let other = |seed| {
        let request = eos_registry::Request {
            rows: set.view(),
            labels: &set.labels,
            wanted: &[30, 30],
            seed,
            params: &toml::Table::new(),
        };
        let services = &mut eos_registry::Services {
            backend: &eos_tensor::CpuBackend::new(),
            threads: 2,
            progress: &mut |_, _| true,
        };
        let plugin = eos_registry::Plugin::from_entry(&ENTRY).unwrap();
        plugin.sample(&request, services).unwrap().rows
    };
    let (first, second) = (other(1), other(2));
    assert_ne!(first, second);
    assert!(first.iter().chain(&second).all(|value| *value >= 0.0));
}

#[test]
fn odd_data_is_no_end() {
    for edge in edge_sets("SMOTE") {
        let made = edge.set.sample(&ENTRY, &edge.wanted, "epochs = 5").unwrap();
        assert!(made.rows.iter().all(|v| v.is_finite()), "{}", edge.name);
    }
    let huge = Set {
        rows: vec![3.4e38, -3.4e38, 1e38, -1e38, 0.0, 2e38],
        dims: 2,
        labels: vec![0, 0, 1],
    };
    let made = huge.sample(&ENTRY, &[5, 5], "").unwrap();
    assert!(made.rows.iter().all(|v| v.is_finite()));
    let alone = Set {
        rows: vec![0.0, 1.0, 2.0],
        dims: 1,
        labels: vec![0; 3],
    };
    assert_eq!(alone.sample(&ENTRY, &[30], "").unwrap().rows.len(), 30);
    assert!(alone.sample(&ENTRY, &[0], "").unwrap().labels.is_empty());
}

#[test]
fn the_only_row_of_a_class_is_spread_out_as_classes_are() {
    let set = Set {
        rows: (0..41)
            .map(|i| if i < 40 { (i % 10) as f32 } else { 30.0 })
            .chain([0.0])
            .collect(),
        dims: 2,
        labels: (0..21).map(|i| u32::from(i == 20)).collect(),
    };
    let made = set.sample(&ENTRY, &[0, 50], "").unwrap();
    let first = &made.rows[..2];
    assert!(made.rows.chunks(2).any(|row| row != first));
    // Between the two classes there are 20 units.
    assert!(
        made.rows.chunks(2).all(|row| row[0] > 20.0),
        "{:?}",
        made.rows
    );
}

#[test]
fn rows_that_do_not_differ_are_copied_and_told_of() {
    let equal = Set {
        rows: vec![0.1; 40],
        dims: 2,
        labels: (0..20).map(|i| i % 2).collect(),
    };
    let made = equal.sample(&ENTRY, &[3, 4], "").unwrap();
    assert_eq!(made.rows, vec![0.1; 14]);
    assert_eq!(
        made.notes[1..],
        [
            "class 0: 3 of its 3 synthetic rows are copies of training rows",
            "class 1: 4 of its 4 synthetic rows are copies of training rows",
            "from a synthetic row to the nearest training row it is 0.000 (median), from a training \
             row to the nearest other 0.000; nearest in class 0: 0.000 and 0.000",
        ]
    );
}

#[test]
fn training_is_told_of_and_can_be_stopped() {
    let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    let set = Set {
        rows: (0..20_000 * 16).map(wave).collect(),
        dims: 16,
        labels: (0..20_000).map(|i| u32::from(i % 3 == 0)).collect(),
    };
    for params in ["", "batch = 2048\nhidden = 512"] {
        let (mut asked, mut before) = (false, 0);
        let go_on = &mut |done, total| {
            if total == 0 {
                return true;
            }
            assert!(done >= before && done <= total, "{before} {done} {total}");
            before = done;
            asked |= done > 1;
            !asked
        };
        let stopped = set.sample_on(&ENTRY, &[0, 10], params, 2, go_on);
        assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    }
}
