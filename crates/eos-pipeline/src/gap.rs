//! The generalization gap: how far test embeddings leave the range of the training embeddings.

use eos_tensor::Rows;
use serde::{Deserialize, Serialize};

/// The gap of every class and of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Mean over dimensions, `[C]`; 0 where either side has no row of the class.
    pub per_class: Vec<f64>,
    /// Mean over the classes that both sides have rows of.
    pub mean: f64,
    /// As `mean`, but summed over dimensions.
    pub sum: f64,
}

/// The gap of the rows measured on, apart by what a head made of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeGap {
    /// Rows named as what they are.
    pub true_positives: Gap,
    /// Rows of a class that are named otherwise (the paper's authors call these false positives).
    pub false_negatives: Gap,
    /// Rows named as a class that they are not of, against the training range of that class.
    pub false_positives: Gap,
}

/// Per class the mean over dimensions of max(0, max_test − max_train) + max(0, min_train − min_test)
/// (PAPER: generalization gap); `train` may include synthetic rows.
///
/// ```
/// use eos_pipeline::gap::gap;
/// use eos_tensor::Rows;
/// let train = Rows::new(&[0.0, 0.0, 1.0, 1.0], 2)?;
/// let test = Rows::new(&[0.5, 3.0, -1.0, 0.5], 2)?;
/// // Dimension 0 falls short by 1 below, dimension 1 by 2 above.
/// assert_eq!(gap(train, &[0, 0], test, &[0, 0], 1).mean, 1.5);
/// # Ok::<(), eos_tensor::Error>(())
/// ```
pub fn gap(
    train: Rows<'_>,
    train_labels: &[u32],
    test: Rows<'_>,
    test_labels: &[u32],
    classes: usize,
) -> Gap {
    let known = Ranges::of(train, classes, |row| Some(train_labels[row]));
    known.gap(test, |row| Some(test_labels[row]))
}

/// The gap apart by outcome, given the class `[N]` that a head names for each row of `test`.
pub fn gap_by_outcome(
    train: Rows<'_>,
    train_labels: &[u32],
    test: Rows<'_>,
    test_labels: &[u32],
    predicted: &[u32],
    classes: usize,
) -> OutcomeGap {
    let known = Ranges::of(train, classes, |row| Some(train_labels[row]));
    let right = |row: usize| predicted[row] == test_labels[row];
    OutcomeGap {
        true_positives: known.gap(test, |row| right(row).then_some(test_labels[row])),
        false_negatives: known.gap(test, |row| (!right(row)).then_some(test_labels[row])),
        false_positives: known.gap(test, |row| (!right(row)).then_some(predicted[row])),
    }
}

/// Least and greatest value of each class and dimension.
struct Ranges {
    classes: usize,
    dims: usize,
    /// `[C, D]`.
    bounds: Vec<(f32, f32)>,
    /// Whether a class has rows, `[C]`.
    seen: Vec<bool>,
}

impl Ranges {
    /// Of the rows that `class` puts into a class.
    fn of(rows: Rows<'_>, classes: usize, class: impl Fn(usize) -> Option<u32>) -> Self {
        let dims = rows.dims();
        let mut bounds = vec![(f32::INFINITY, f32::NEG_INFINITY); classes * dims];
        let mut seen = vec![false; classes];
        for row in 0..rows.len() {
            let Some(class) = class(row) else { continue };
            let class = class as usize;
            seen[class] = true;
            let bounds = &mut bounds[class * dims..][..dims];
            for (bound, value) in bounds.iter_mut().zip(rows.row(row)) {
                *bound = (bound.0.min(*value), bound.1.max(*value));
            }
        }
        Self {
            classes,
            dims,
            bounds,
            seen,
        }
    }

    /// How far the rows that `class` puts into a class leave its range here.
    fn gap(&self, rows: Rows<'_>, class: impl Fn(usize) -> Option<u32>) -> Gap {
        let other = Self::of(rows, self.classes, class);
        let beyond = |at: usize| {
            let (inner, outer) = (self.bounds[at], other.bounds[at]);
            f64::from(outer.1 - inner.1).max(0.0) + f64::from(inner.0 - outer.0).max(0.0)
        };
        let both = |c: usize| self.seen[c] && other.seen[c];
        let of_class = |c: usize| match both(c) {
            true => {
                (0..self.dims)
                    .map(|j| beyond(c * self.dims + j))
                    .sum::<f64>()
                    / self.dims as f64
            }
            false => 0.0,
        };
        let per_class: Vec<f64> = (0..self.classes).map(of_class).collect();
        let counted = (0..self.classes).filter(|c| both(*c)).count();
        let mean = per_class.iter().sum::<f64>() / counted.max(1) as f64;
        Gap {
            per_class,
            mean,
            sum: mean * self.dims as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eos_tensor::{Backend, CpuBackend, PhiloxRng, Recipe};

    #[test]
    fn outcomes_are_told_apart() {
        // One dimension; class 0 ranges over [0, 1], class 1 over [4, 5]; class 2 is never seen.
        let train = Rows::new(&[0.0, 1.0, 4.0, 5.0], 1).unwrap();
        let test = Rows::new(&[1.5, 3.0, 4.5, 2.0, 9.0], 1).unwrap();
        let (labels, predicted) = ([0, 0, 1, 1, 2], [0, 1, 1, 0, 1]);
        let split = gap_by_outcome(train, &[0, 0, 1, 1], test, &labels, &predicted, 3);
        assert_eq!(split.true_positives.per_class, [0.5, 0.0, 0.0]);
        assert_eq!(split.false_negatives.per_class, [2.0, 2.0, 0.0]);
        // Named 0: the row at 2; named 1: those at 3 and 9.
        assert_eq!(split.false_positives.per_class, [1.0, 5.0, 0.0]);
        assert_eq!(split.false_positives.mean, 3.0);
        let whole = gap(train, &[0, 0, 1, 1], test, &labels, 3);
        assert_eq!((whole.per_class[0], whole.mean), (2.0, 2.0));
    }

    #[test]
    fn interpolation_within_a_class_leaves_the_gap_unchanged() {
        let mut rng = PhiloxRng::new(4, 0, 0);
        let mut draw = |n: usize| -> Vec<f32> { (0..n * 5).map(|_| rng.normal()).collect() };
        let (train, test) = (draw(30), draw(40));
        let labels = |n: u32| -> Vec<u32> { (0..n).map(|i| i % 3).collect() };
        let rows = Rows::new(&train, 5).unwrap();
        let held = Rows::new(&test, 5).unwrap();
        let before = gap(rows, &labels(30), held, &labels(40), 3);
        let recipe: Vec<Recipe> = (0..200u32)
            .map(|i| {
                let (base, to) = (i % 30, (i % 3 + 3 * (i % 10)) % 30);
                let ratio = (i % 17) as f32 / 17.0;
                Recipe {
                    label: i % 3,
                    base,
                    from: base,
                    to,
                    ratio,
                }
            })
            .collect();
        let mut all = train.clone();
        all.resize((30 + 200) * 5, 0.0);
        CpuBackend::new()
            .interpolate(rows, &recipe, &mut all[150..])
            .unwrap();
        let grown: Vec<u32> = labels(30)
            .into_iter()
            .chain(recipe.iter().map(|r| r.label))
            .collect();
        let after = gap(Rows::new(&all, 5).unwrap(), &grown, held, &labels(40), 3);
        assert!((after.mean - before.mean).abs() < 1e-6 && before.mean > 0.1);
    }
}
