//! Where the values of a class lie, dimension by dimension.

use super::Gap;
use eos_tensor::Rows;
use rayon::prelude::*;

/// Rows of each class, `[C]` lists in rising order.
pub(super) type Members = Vec<Vec<u32>>;

/// The rows that `class` puts into each of `classes` classes.
pub(super) fn members(
    rows: usize,
    classes: usize,
    class: impl Fn(usize) -> Option<u32>,
) -> Members {
    let mut members = vec![Vec::new(); classes];
    for row in 0..rows {
        if let Some(class) = class(row) {
            members[class as usize].push(row as u32);
        }
    }
    members
}

/// Lower and upper end of each class and dimension.
pub(super) struct Ranges {
    dims: usize,
    /// `[C, D]`; of no meaning where a class has no row.
    ends: Vec<[f64; 2]>,
    /// Rows of each class, `[C]`.
    pub counts: Vec<usize>,
}

impl Ranges {
    /// Between the `q` and the 1 − `q` quantile of each class and dimension.
    pub fn of(rows: Rows<'_>, members: &Members, q: f64) -> Self {
        let of_class = |members: &Vec<u32>| match q == 0.0 {
            true => extremes(rows, members),
            false => quantiles(rows, members, q),
        };
        let ends: Vec<Vec<[f64; 2]>> = members.par_iter().map(of_class).collect();
        Self {
            dims: rows.dims(),
            ends: ends.concat(),
            counts: members.iter().map(Vec::len).collect(),
        }
    }

    /// Ends of a class, `[D]`.
    pub fn class(&self, class: usize) -> &[[f64; 2]] {
        &self.ends[class * self.dims..][..self.dims]
    }

    /// How far `other` lies outside, mean over dimensions of each class and over classes.
    pub fn gap(&self, other: &Self) -> Gap {
        let of_class = |c: usize| match self.counts[c].min(other.counts[c]) {
            0 => f64::NAN,
            _ => {
                let pairs = self.class(c).iter().zip(other.class(c));
                pairs
                    .map(|(inner, outer)| beyond(inner, outer))
                    .sum::<f64>()
                    / self.dims as f64
            }
        };
        let per_class: Vec<f64> = (0..self.counts.len()).map(of_class).collect();
        let mean = mean(&per_class);
        Gap {
            per_class,
            mean,
            sum: mean * self.dims as f64,
        }
    }
}

/// How far the range `outer` leaves the range `inner` on both sides together.
pub(super) fn beyond(inner: &[f64; 2], outer: &[f64; 2]) -> f64 {
    (outer[1] - inner[1]).max(0.0) + (inner[0] - outer[0]).max(0.0)
}

/// Mean of the values that are there; NaN where none is.
pub(super) fn mean(values: &[f64]) -> f64 {
    let there: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    match there.len() {
        0 => f64::NAN,
        n => there.iter().sum::<f64>() / n as f64,
    }
}

fn extremes(rows: Rows<'_>, members: &[u32]) -> Vec<[f64; 2]> {
    let mut ends = vec![[f64::INFINITY, f64::NEG_INFINITY]; rows.dims()];
    for row in members {
        for (end, value) in ends.iter_mut().zip(rows.row(*row as usize)) {
            let value = f64::from(*value);
            *end = [end[0].min(value), end[1].max(value)];
        }
    }
    ends
}

fn quantiles(rows: Rows<'_>, members: &[u32], q: f64) -> Vec<[f64; 2]> {
    let mut column = Vec::with_capacity(members.len());
    let of_dimension = |d: usize| {
        column.clear();
        column.extend(members.iter().map(|row| rows.row(*row as usize)[d]));
        column.sort_unstable_by(f32::total_cmp);
        [quantile(&column, q), quantile(&column, 1.0 - q)]
    };
    (0..rows.dims()).map(of_dimension).collect()
}

/// The quantile of sorted values, linear between the two at (n − 1) · q; NaN of none.
fn quantile(sorted: &[f32], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = last as f64 * q;
    let below = (place as usize).min(last);
    let [low, high] = [below, (below + 1).min(last)].map(|at| f64::from(sorted[at]));
    low + (high - low) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_values() {
        // As numpy.quantile([1, 2, 4, 8], q).
        let values = [1.0, 2.0, 4.0, 8.0];
        for (q, wanted) in [(0.0, 1.0), (0.25, 1.75), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)] {
            assert!((quantile(&values, q) - wanted).abs() < 1e-12, "{q}");
        }
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
        assert!(quantile(&[], 0.3).is_nan());
    }

    #[test]
    fn the_expected_end_of_few_uniform_values_is_the_one_documented() {
        // Values at their expected places k / (n + 1): the end is at (1 + (n − 1) q) / (n + 1).
        let n = 9;
        let values: Vec<f32> = (1..=n).map(|k| k as f32 / (n + 1) as f32).collect();
        assert!((quantile(&values, 0.05) - 1.4 / 10.0).abs() < 1e-7);
    }
}
