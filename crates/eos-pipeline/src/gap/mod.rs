//! The generalization gap: how far the embeddings of unseen rows leave the range of the training
//! rows of their class (Dablain et al. 2022), and what goes with it.
//!
//! The gap of a class is the mean over dimensions of max(0, upper_unseen − upper_train) +
//! max(0, lower_train − lower_unseen), in units of the embeddings; that of a model the mean over
//! classes. Ends are a class's least and greatest value (the paper's) or, between quantiles q and
//! 1 − q, linear between the values at (n − 1) q of the n sorted ones (type 7 of Hyndman and Fan,
//! NumPy's default).
//!
//! Interpolation within a class, as SMOTE's, leaves the gap between least and greatest values exactly
//! unchanged: it stays in the class's box. It does change the gap between quantiles, as it moves
//! weight within the box.
//!
//! Both depend on the number of rows. Few rows span less: for uniform values the expected lower end
//! of n rows is (1 + (n − 1) q) / (n + 1), too high by (1 − 2q) / (n + 1), and the upper end as much
//! too low. So a class of few training rows has a gap to more unseen rows even where both come from
//! one distribution, with quantiles too, though their ends stray less than the outermost values.
//! [`EqualRows`] takes that out: every class is measured with the same number of rows.
//!
//! A figure that is missing, such as the gap of a class that one side has no row of, is NaN, and null
//! in JSON; means and correlations leave it out.

mod analysis;
mod check;
mod correlation;
mod dimensions;
mod equal_rows;
mod files;
mod geometry;
mod plots;
mod ranges;
mod run_rows;
mod table;

pub use analysis::{Analysis, ByClass, ByOutcome, Measured, OfSet, Options, Request, Set, analyse};
pub use correlation::{Correlation, EXACT, spearman};
pub use dimensions::Dimensions;
pub use equal_rows::{EqualRows, Subsets};
pub use files::{write_csv, write_files};
pub use geometry::Geometry;
pub use run_rows::{Method, RunRows};
pub use table::render;

use eos_tensor::Rows;
use ranges::{Members, Ranges, members};
use serde::{Deserialize, Deserializer, Serialize};

/// The gap of every class and of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Mean over dimensions, `[C]`; NaN where either side has no row of the class.
    #[serde(deserialize_with = "figures")]
    pub per_class: Vec<f64>,
    /// Mean over the classes that both sides have rows of; NaN where there is none.
    #[serde(deserialize_with = "figure")]
    pub mean: f64,
    /// As `mean`, but summed over dimensions.
    #[serde(deserialize_with = "figure")]
    pub sum: f64,
}

/// A number, or null for one that is missing.
fn figure<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

fn figures<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let figures: Vec<Option<f64>> = Vec::deserialize(from)?;
    Ok(figures.into_iter().map(|f| f.unwrap_or(f64::NAN)).collect())
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
    let known = range(train, train_labels, classes);
    let unseen = range(test, test_labels, classes);
    known.gap(&unseen)
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
    let known = range(train, train_labels, classes);
    let [true_positives, false_negatives, false_positives] =
        by_outcome(test_labels, predicted, classes)
            .map(|members| known.gap(&Ranges::of(test, &members, 0.0)));
    OutcomeGap {
        true_positives,
        false_negatives,
        false_positives,
    }
}

fn range(rows: Rows<'_>, labels: &[u32], classes: usize) -> Ranges {
    Ranges::of(rows, &of_labels(labels, classes), 0.0)
}

fn of_labels(labels: &[u32], classes: usize) -> Members {
    members(labels.len(), classes, |row| Some(labels[row]))
}

/// Names of the parts of [`by_outcome`].
const OUTCOMES: [&str; 3] = ["true positives", "false negatives", "false positives"];

/// True positives, false negatives and false positives of each class.
fn by_outcome(labels: &[u32], predicted: &[u32], classes: usize) -> [Members; 3] {
    let right = |row: usize| predicted[row] == labels[row];
    let of = |class: &dyn Fn(usize) -> Option<u32>| members(labels.len(), classes, class);
    [
        of(&|row| right(row).then_some(labels[row])),
        of(&|row| (!right(row)).then_some(labels[row])),
        of(&|row| (!right(row)).then_some(predicted[row])),
    ]
}

#[cfg(test)]
mod tests;
