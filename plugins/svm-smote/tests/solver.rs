//! The solver against the conditions that define its solution.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
mod plain;

use common::Set;
use plain::Fit;
use proptest::prelude::*;

/// Rows of two classes, of which each has one at least.
fn sets() -> impl Strategy<Value = Set> {
    let sizes = (1usize..40, 1usize..20, 1usize..5);
    sizes.prop_flat_map(|(a, b, dims)| {
        // A coarse grid, so that rows repeat.
        let values = proptest::collection::vec(-6i8..6, (a + b) * dims);
        values.prop_map(move |values| Set {
            rows: values.iter().map(|&v| f32::from(v) / 4.0).collect(),
            dims,
            labels: (0..a + b).map(|i| u32::from(i >= a)).collect(),
        })
    })
}

/// The conditions of Karush, Kuhn and Tucker, with decisions by the plain formula.
fn check(set: &Set, gamma: f64, cost: f64, tolerance: f64) {
    let fit = Fit::new(set, (0, 1), gamma, cost, tolerance);
    assert!(fit.solution.converged);
    let alpha = &fit.solution.alpha;
    let sum: f64 = fit.signs.iter().zip(alpha).map(|(y, a)| y * a).sum();
    assert!(sum.abs() < 1e-9 * cost * alpha.len() as f64, "sum {sum}");
    // Kernels are kept in f32.
    let allowed = tolerance + 1e-6 * cost * alpha.len() as f64;
    for ((&row, sign), &alpha) in fit.rows.iter().zip(&fit.signs).zip(alpha) {
        assert!((0.0..=cost).contains(&alpha));
        let margin = sign * fit.decision(set, gamma, row) - 1.0;
        if alpha < cost {
            assert!(margin >= -allowed, "row {row}: margin {margin}");
        }
        if alpha > 0.0 {
            assert!(margin <= allowed, "row {row}: margin {margin}");
        }
    }
}

proptest! {
    #[test]
    fn a_solution_is_optimal_within_its_tolerance(
        set in sets(), gamma in 0.01f64..4.0, cost in 0.1f64..10.0,
    ) {
        check(&set, gamma, cost, 1e-3);
        check(&set, gamma, cost, 1e-6);
    }

    #[test]
    fn memory_for_two_kernel_rows_gives_the_same_bits(set in sets()) {
        let [all, two] = [usize::MAX, 0].map(|bytes| {
            Fit::within(&set, (0, 1), 0.5, 1.0, 1e-6, bytes)
        });
        prop_assert_eq!(&all.solution.alpha, &two.solution.alpha);
        prop_assert_eq!(all.solution.bias, two.solution.bias);
        prop_assert!(all.filled <= two.filled && all.filled <= all.rows.len());
    }
}

#[test]
fn two_rows_meet_halfway() {
    let set = Set {
        rows: vec![0.0, 1.0],
        dims: 1,
        labels: vec![0, 1],
    };
    // Both are on the margin: α(1 − K) = 1, or α = C where that is less.
    let kernel = (-1f64).exp();
    let free = Fit::new(&set, (0, 1), 1.0, 100.0, 1e-9).solution;
    assert!(
        free.alpha
            .iter()
            .all(|a| (a * (1.0 - kernel) - 1.0).abs() < 1e-6)
    );
    let bound = Fit::new(&set, (0, 1), 1.0, 1.0, 1e-9).solution;
    assert_eq!((bound.alpha, bound.bias), (vec![1.0; 2], 0.0));
}

#[test]
fn rows_that_are_all_equal_end_at_the_bound() {
    let set = Set {
        rows: vec![2.5; 9],
        dims: 1,
        labels: vec![0, 0, 0, 0, 0, 0, 1, 1, 1],
    };
    let solution = Fit::new(&set, (0, 1), 1.0, 1.0, 1e-3).solution;
    assert!(solution.converged);
    assert_eq!(solution.alpha[6..], [1.0; 3]);
    assert_eq!(solution.alpha[..6].iter().sum::<f64>(), 3.0);
}
