//! The kernel K(a, b) = exp(−γ · ‖a − b‖²) over the rows of one problem.

use eos_plugin::math::exp;
use std::ops::Range;

/// Rows whose kernels are computed side by side.
pub const LANES: usize = 32;

/// Moves rows to their mean and stretches them by √γ, so that the kernel of the results is
/// exp(−‖a − b‖²): no distance of finite rows overflows, and an offset costs no precision.
#[derive(Clone, Debug)]
pub struct Scale {
    mean: Vec<f64>,
    root: f64,
}

impl Scale {
    /// For the rows `values`, `[N, D]` with D = `dims`.
    pub fn new(values: &[f32], dims: usize, gamma: f64) -> Self {
        let mut mean = vec![0.0; dims];
        for row in values.chunks_exact(dims.max(1)) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        let rows = (values.len() / dims.max(1)).max(1) as f64;
        mean.iter_mut().for_each(|sum| *sum /= rows);
        Self {
            mean,
            root: gamma.sqrt(),
        }
    }
}

/// γ = 1 / (D · variance of all values), which scikit-learn calls "scale"; 1 where all values are
/// equal.
///
/// ```
/// // Mean 2, variance 1, D = 2.
/// assert_eq!(eos_plugin_svm_smote::gamma(&[1.0, 3.0, 3.0, 1.0], 2), 0.5);
/// ```
pub fn gamma(values: &[f32], dims: usize) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2));
    let variance = squares.sum::<f64>() / n;
    if variance > 0.0 {
        1.0 / (dims as f64 * variance)
    } else {
        1.0
    }
}

/// The rows of one problem in panels of [`LANES`] rows, each panel column by column: the kernels
/// of a panel's rows are computed together in vector registers, each as a plain sum over columns.
#[derive(Clone, Debug)]
pub struct Kernel {
    panels: Vec<f32>,
    dims: usize,
    len: usize,
}

impl Kernel {
    /// Over the rows numbered `rows` of `values`, in that order.
    pub fn new(values: &[f32], dims: usize, scale: &Scale, rows: &[u32]) -> Self {
        let mut panels = vec![0.0; rows.len().div_ceil(LANES) * LANES * dims];
        for (at, &row) in rows.iter().enumerate() {
            let panel = &mut panels[at / LANES * LANES * dims..];
            let row = &values[row as usize * dims..][..dims];
            for (j, (value, mean)) in row.iter().zip(&scale.mean).enumerate() {
                panel[j * LANES + at % LANES] = ((f64::from(*value) - mean) * scale.root) as f32;
            }
        }
        Self {
            panels,
            dims,
            len: rows.len(),
        }
    }

    /// Rows of the problem.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the problem has no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Values in a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Panels, the last of them filled up with zeros.
    pub fn panels(&self) -> usize {
        self.len.div_ceil(LANES)
    }

    /// Row `q`, `[D]`, as it stands in its panel.
    fn row(&self, q: usize) -> Vec<f32> {
        let panel = &self.panels[q / LANES * LANES * self.dims..];
        (0..self.dims)
            .map(|j| panel[j * LANES + q % LANES])
            .collect()
    }

    /// Writes the kernels of row `q` with the rows of `panels` to `out`, [`LANES`] a panel.
    ///
    /// The code is compiled for the widest vectors of the processor too. Its operations stay the
    /// same ones in the same order, so its bits do.
    pub fn fill(&self, q: usize, panels: Range<usize>, out: &mut [f32]) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || self.compute(q, panels, out),
        );
    }

    #[inline(always)]
    fn compute(&self, q: usize, panels: Range<usize>, out: &mut [f32]) {
        let (row, size) = (self.row(q), LANES * self.dims);
        let panels = &self.panels[panels.start * size..panels.end * size];
        if size == 0 {
            return out.fill(1.0);
        }
        for (panel, out) in panels.chunks_exact(size).zip(out.chunks_exact_mut(LANES)) {
            let mut sums = [0f32; LANES];
            for (column, value) in panel.as_chunks::<LANES>().0.iter().zip(&row) {
                for lane in 0..LANES {
                    let t = column[lane] - value;
                    sums[lane] += t * t;
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = exp(-f64::from(sum)) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_kernels_of_the_formula() {
        let (n, dims, gamma) = (77u32, 5, 0.3);
        let values: Vec<f32> = (0..n * dims).map(|i| 1e3 + (i as f32).sin()).collect();
        let dims = dims as usize;
        let rows: Vec<u32> = (0..n).rev().collect();
        let kernel = Kernel::new(&values, dims, &Scale::new(&values, dims, gamma), &rows);
        let (mut out, mut part) = (vec![0.0; 96], vec![0.0; 64]);
        let at = |row: u32, j: usize| f64::from(values[row as usize * dims + j]);
        for q in [0, 31, 32, 76] {
            kernel.fill(q, 0..kernel.panels(), &mut out);
            kernel.fill(q, 1..3, &mut part);
            assert_eq!(out[32..], part);
            kernel.compute(q, 1..3, &mut part);
            assert_eq!(out[32..], part, "bits without wider vectors");
            assert_eq!(out[q], 1.0);
            for (i, &row) in rows.iter().enumerate() {
                let squared: f64 = (0..dims)
                    .map(|j| (at(row, j) - at(rows[q], j)).powi(2))
                    .sum();
                let exact = (-gamma * squared).exp();
                assert!((f64::from(out[i]) - exact).abs() < 1e-6, "row {q}, {i}");
            }
        }
    }

    #[test]
    fn the_largest_values_have_kernels_too() {
        let values = [3.4e38, 0.0, -3.4e38, 1.0f32];
        let scale = Scale::new(&values, 1, gamma(&values, 1));
        let kernel = Kernel::new(&values, 1, &scale, &[0, 1, 2, 3]);
        let mut out = vec![0.0; 32];
        kernel.fill(0, 0..1, &mut out);
        assert!(out[..4].iter().all(|k| (0.0..=1.0).contains(k)));
        // The variance is (3.4e38)² / 2, so γ‖a − b‖² is 2 and 8.
        assert!((out[1] - (-2f32).exp()).abs() < 1e-6 && (out[2] - (-8f32).exp()).abs() < 1e-6);
        assert_eq!(gamma(&[4.0; 6], 3), 1.0);
    }
}
