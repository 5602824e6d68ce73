//! The two directions along which embeddings vary most.

use eos_tensor::Rows;

/// Values that the covariance is summed over, rows · D²; of more rows every n-th is taken.
const WORK: usize = 1 << 28;
/// Iterations at most; where two variances are nearly equal any rotation of their directions is as good.
const ITERATIONS: usize = 500;
/// A change of a direction by less than this ends the iteration.
const SETTLED: f64 = 1e-10;

/// Principal components: a plane through the mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pca {
    mean: Vec<f64>,
    /// Two directions of length 1 `[2][D]`, that of the greater variance first.
    axes: [Vec<f64>; 2],
    /// Share of the variance along each direction, in [0, 1].
    pub explained: [f64; 2],
}

impl Pca {
    /// Of `rows` `[N, D]`, N ≥ 1, each as much as `weights` `[N]` says. In double precision and one order: the same bits
    /// on any number of threads. The greatest entry of each direction is positive.
    pub fn of(rows: Rows<'_>, weights: &[f64]) -> Self {
        let dims = rows.dims();
        let step = (rows.len() * dims * dims).div_ceil(WORK).max(1);
        let taken = || (0..rows.len()).step_by(step);
        let total: f64 = taken().map(|row| weights[row]).sum();
        let mut mean = vec![0.0; dims];
        for row in taken() {
            for (mean, value) in mean.iter_mut().zip(rows.row(row)) {
                *mean += weights[row] / total * f64::from(*value);
            }
        }
        let covariance = covariance(rows, taken(), &mean, |row| weights[row] / total);
        let whole: f64 = (0..dims).map(|d| covariance[d * dims + d]).sum();
        let axes = subspace(&covariance, dims);
        let explained = [0, 1].map(|a| {
            let along: f64 = dot(&axes[a], &product(&covariance, &axes[a]));
            if whole > 0.0 { along / whole } else { 0.0 }
        });
        Self {
            mean,
            axes,
            explained,
        }
    }

    /// Where a row `[D]` lies in the plane.
    pub fn project(&self, row: &[f32]) -> [f64; 2] {
        let along = |axis: &[f64]| -> f64 {
            let parts = row.iter().zip(&self.mean).zip(axis);
            parts.map(|((v, mean), a)| (f64::from(*v) - mean) * a).sum()
        };
        [along(&self.axes[0]), along(&self.axes[1])]
    }
}

/// `[D, D]`, row-major.
fn covariance(
    rows: Rows<'_>,
    taken: impl Iterator<Item = usize>,
    mean: &[f64],
    weight: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let dims = mean.len();
    let mut sums = vec![0.0; dims * dims];
    let mut centred = vec![0.0; dims];
    for row in taken {
        for ((c, value), mean) in centred.iter_mut().zip(rows.row(row)).zip(mean) {
            *c = f64::from(*value) - mean;
        }
        for (a, sums) in sums.chunks_exact_mut(dims).enumerate() {
            let factor = weight(row) * centred[a];
            for (sum, value) in sums.iter_mut().zip(&centred) {
                *sum += factor * value;
            }
        }
    }
    sums
}

/// Orthogonal iteration from a fixed start. The second direction is kept orthogonal to the first, which so turns to
/// the greatest variance as in the power method.
fn subspace(matrix: &[f64], dims: usize) -> [Vec<f64>; 2] {
    // Irrational steps: orthogonal to no direction that data are likely to have.
    let start =
        |factor: f64| -> Vec<f64> { (0..dims).map(|d| ((d + 1) as f64 * factor).sin()).collect() };
    let mut axes = [0.754_877_666, 0.569_840_291].map(start);
    orthonormalise(&mut axes);
    for _ in 0..ITERATIONS {
        let mut next = axes.each_ref().map(|axis| product(matrix, axis));
        orthonormalise(&mut next);
        let pairs = next.iter().flatten().zip(axes.iter().flatten());
        let moved = pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        axes = next;
        if moved < SETTLED {
            break;
        }
    }
    for axis in &mut axes {
        let greatest = axis
            .iter()
            .copied()
            .max_by(|a, b| a.abs().total_cmp(&b.abs()));
        if greatest.is_some_and(|value| value < 0.0) {
            axis.iter_mut().for_each(|value| *value = -*value);
        }
    }
    axes
}

/// Makes both directions orthogonal and of length 1; one that has nothing of its own becomes 0.
fn orthonormalise(axes: &mut [Vec<f64>; 2]) {
    let [first, second] = axes;
    let length = dot(first, first).sqrt();
    scale(first, length, 0.0);
    let before = dot(second, second).sqrt();
    // Once more, for what rounding leaves of a direction that is nearly the first.
    for _ in 0..2 {
        let along = dot(first, second);
        for (value, first) in second.iter_mut().zip(first.iter()) {
            *value -= along * first;
        }
    }
    let length = dot(second, second).sqrt();
    scale(second, length, 1e-12 * before);
}

/// Divides by `length`, or clears the axis where that is not above `least`.
fn scale(axis: &mut [f64], length: f64, least: f64) {
    let factor = if length > least { 1.0 / length } else { 0.0 };
    axis.iter_mut().for_each(|value| *value *= factor);
}

fn product(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix
        .chunks_exact(vector.len())
        .map(|row| dot(row, vector))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_axes_of_a_flat_cloud_are_found_and_ordered_by_variance() {
        // Variance 8 along (3, 4, 0) / 5, 2 along z, none along (4, −3, 0) / 5; mean (1, 1, 1).
        let mut values = Vec::new();
        for (a, b) in [(4.0, 0.0), (-4.0, 0.0), (0.0, 2.0), (0.0, -2.0)] {
            values.extend([1.0 + 0.6 * a, 1.0 + 0.8 * a, 1.0 + b].map(|v: f64| v as f32));
        }
        let rows = Rows::new(&values, 3).unwrap();
        let pca = Pca::of(rows, &[1.0; 4]);
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
        for (got, wanted) in pca.axes[0].iter().zip([0.6, 0.8, 0.0]) {
            close(*got, wanted);
        }
        for (got, wanted) in pca.axes[1].iter().zip([0.0, 0.0, 1.0]) {
            close(*got, wanted);
        }
        close(pca.explained[0], 0.8);
        close(pca.explained[1], 0.2);
        let [x, y] = pca.project(rows.row(0));
        close(x, 4.0);
        close(y, 0.0);
    }

    #[test]
    fn equal_rows_lie_in_one_point_and_one_dimension_on_a_line() {
        let pca = Pca::of(Rows::new(&[2.0, 3.0, 2.0, 3.0], 2).unwrap(), &[1.0; 2]);
        assert_eq!(
            (pca.explained, pca.project(&[2.0, 3.0])),
            ([0.0; 2], [0.0; 2])
        );
        let line = Pca::of(Rows::new(&[1.0, 3.0], 1).unwrap(), &[1.0; 2]);
        assert_eq!(line.explained, [1.0, 0.0]);
        assert_eq!(line.project(&[3.0]), [1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn no_other_direction_has_more_variance(
            values in proptest::collection::vec(-1.0f32..1.0, 5 * 30),
            other in proptest::collection::vec(-1.0f64..1.0, 5),
        ) {
            let rows = Rows::new(&values, 5).unwrap();
            let pca = Pca::of(rows, &[1.0; 30]);
            let matrix = covariance(rows, 0..30, &pca.mean, |_| 1.0 / 30.0);
            let variance = |axis: &[f64]| dot(axis, &product(&matrix, axis));
            let length = dot(&other, &other);
            prop_assert!(variance(&other) / length.max(1e-9) <= variance(&pca.axes[0]) * 1.02 + 1e-9);
            prop_assert!(dot(&pca.axes[0], &pca.axes[1]).abs() < 1e-9);
            prop_assert!(variance(&pca.axes[1]) <= variance(&pca.axes[0]) * 1.02 + 1e-9);
        }
    }
}
