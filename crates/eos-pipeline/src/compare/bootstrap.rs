//! How sure a difference of balanced accuracies is: the paired bootstrap over the rows measured on.

use super::outcome::Outcome;
use eos_tensor::{PhiloxRng, stream};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Times that rows are drawn anew.
const RESAMPLES: u64 = 2000;
/// Share of the differences that lie within the interval.
const LEVEL: f64 = 0.95;

/// A difference of balanced accuracies, in [-1, 1], and where it lies in 95 of 100 draws of the rows measured on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// As measured.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Difference {
    /// Whether the interval leaves 0 out.
    pub fn is_clear(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The difference of each method to the baseline, seeds paired: each has an outcome a seed, in one order.
///
/// Rows are drawn within their classes, as many as there are, the same ones for every method (percentile interval,
/// Efron and Tibshirani 1993). A row counts by the share of seeds that name it correctly; where seeds are measured on
/// different rows, each seed's rows count apart. So the interval tells how much hangs on these rows, not on the seeds.
pub(crate) fn differences(baseline: &[Outcome], methods: &[&[Outcome]]) -> Vec<Difference> {
    let table = Table::of(baseline, methods);
    let measured = table.mean(|rows, at| rows[at]);
    let drawn: Vec<Vec<f64>> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| {
            let mut rng = PhiloxRng::new(0, stream::BOOTSTRAP, resample);
            table.mean(|rows, _| rows[rng.below(rows.len() as u32) as usize])
        })
        .collect();
    let interval = |(m, mean): (usize, &f64)| {
        let mut values: Vec<f64> = drawn.iter().map(|one| one[m]).collect();
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - LEVEL) / 2.0;
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        Difference {
            mean: *mean,
            low: at(tail),
            high: at(1.0 - tail),
        }
    };
    measured.iter().enumerate().map(interval).collect()
}

/// How much more often each row is named correctly than by the baseline.
struct Table {
    /// Rows of each class that has any.
    classes: Vec<Vec<usize>>,
    /// Methods.
    width: usize,
    /// `[N, M]`, so that a drawn row is added to every method's sum at once.
    values: Vec<f64>,
}

impl Table {
    fn of(baseline: &[Outcome], methods: &[&[Outcome]]) -> Self {
        let shared = baseline
            .windows(2)
            .all(|two| two[0].labels == two[1].labels);
        let labels: Vec<u32> = match shared {
            true => baseline
                .first()
                .map_or(Vec::new(), |one| one.labels.clone()),
            false => baseline.iter().flat_map(|one| one.labels.clone()).collect(),
        };
        let base = correctness(baseline, shared);
        let each: Vec<Vec<f64>> = methods.iter().map(|m| correctness(m, shared)).collect();
        let row = |row: usize| each.iter().map(move |one| (row, one));
        let all = (0..labels.len()).flat_map(row);
        let values = all.map(|(row, one)| one[row] - base[row]).collect();
        let mut classes = vec![Vec::new(); 1 + labels.iter().max().map_or(0, |l| *l as usize)];
        for (row, label) in labels.iter().enumerate() {
            classes[*label as usize].push(row);
        }
        classes.retain(|rows| !rows.is_empty());
        Self {
            classes,
            width: methods.len(),
            values,
        }
    }

    /// For each method the mean over classes of the mean over as many rows as they have; `pick` says which, given the
    /// rows of a class and a position among them.
    fn mean(&self, mut pick: impl FnMut(&[usize], usize) -> usize) -> Vec<f64> {
        let mut total = vec![0.0; self.width];
        let mut sums = vec![0.0; self.width];
        for rows in &self.classes {
            sums.fill(0.0);
            for at in 0..rows.len() {
                let values = &self.values[pick(rows, at) * self.width..][..self.width];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value;
                }
            }
            for (total, sum) in total.iter_mut().zip(&sums) {
                *total += sum / (rows.len() * self.classes.len()) as f64;
            }
        }
        total
    }
}

/// Share of the seeds that name each row correctly; each seed's rows behind one another where they are not the same.
fn correctness(seeds: &[Outcome], shared: bool) -> Vec<f64> {
    let of = |one: &Outcome| -> Vec<f64> {
        let pairs = one.labels.iter().zip(&one.predicted);
        pairs
            .map(|(label, named)| f64::from(u8::from(label == named)))
            .collect()
    };
    let all = seeds.iter().map(of);
    match shared {
        false => all.flatten().collect(),
        true => all
            .reduce(|sum, one| sum.iter().zip(&one).map(|(a, b)| a + b).collect())
            .unwrap_or_default()
            .into_iter()
            .map(|sum| sum / seeds.len() as f64)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::outcome;

    #[test]
    fn the_difference_is_that_of_the_balanced_accuracies_and_lies_within() {
        // Class 0: 3 of 4 against 2 of 4; class 1: 2 of 2 against 1 of 2.
        let labels = [0, 0, 0, 0, 1, 1];
        let base = [outcome(&labels, &[0, 0, 1, 1, 1, 0])];
        let better = [outcome(&labels, &[0, 0, 0, 1, 1, 1])];
        let found = differences(&base, &[&better, &base]);
        assert!((found[0].mean - (0.25 + 0.5) / 2.0).abs() < 1e-12);
        assert!(found[0].low <= found[0].mean && found[0].mean <= found[0].high);
        let same = Difference {
            mean: 0.0,
            low: 0.0,
            high: 0.0,
        };
        assert_eq!(found[1], same);
    }

    #[test]
    fn the_interval_is_about_as_wide_as_theory_has_it() {
        // One class of n rows, p of which one method alone names correctly: deviation sqrt(p (1 − p) / n).
        let n = 400;
        let labels = vec![0; n];
        let none = vec![1; n];
        let some: Vec<u32> = (0..n as u32).map(|i| u32::from(i % 4 != 0)).collect();
        let found = differences(&[outcome(&labels, &none)], &[&[outcome(&labels, &some)]]);
        let half = 1.96 * (0.25f64 * 0.75 / n as f64).sqrt();
        assert!((found[0].mean - 0.25).abs() < 1e-12);
        assert!((found[0].high - 0.25 - half).abs() < 0.006, "{found:?}");
        assert!((0.25 - found[0].low - half).abs() < 0.006, "{found:?}");
    }

    #[test]
    fn seeds_on_one_set_of_rows_are_averaged_and_on_others_stand_apart() {
        let base = [outcome(&[0, 0], &[1, 1]), outcome(&[0, 0], &[1, 1])];
        // Each seed names the other row: every draw of two rows comes to a half.
        let turns = [outcome(&[0, 0], &[0, 1]), outcome(&[0, 0], &[1, 0])];
        let found = differences(&base, &[&turns])[0];
        assert_eq!((found.low, found.mean, found.high), (0.5, 0.5, 0.5));
        let base = [outcome(&[0, 0], &[1, 1]), outcome(&[0, 0, 0], &[1, 1, 1])];
        let other = [outcome(&[0, 0], &[0, 1]), outcome(&[0, 0, 0], &[0, 0, 1])];
        assert!((differences(&base, &[&other])[0].mean - 0.6).abs() < 1e-12);
    }
}
