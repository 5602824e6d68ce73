//! Everything about the gap of some sets of rows at once.

use super::equal_rows::{EqualRows, Subsets};
use super::geometry::{Geometry, geometry};
use super::ranges::{Members, Ranges};
use super::{Correlation, Gap, by_outcome, of_labels, spearman};
use crate::Error;
use crate::phases::Labelled;
use eos_model::Head;
use serde::Serialize;

/// Rows whose range is measured against, under a name.
#[derive(Debug, Clone, Copy)]
pub struct Set<'a> {
    /// As tables and files have it.
    pub name: &'a str,
    /// The training rows, or these with synthetic ones.
    pub data: Labelled<'a>,
    /// The head whose outcomes and norms go with it.
    pub head: Option<&'a Head>,
}

/// How the gap is measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Ranges lie between this quantile and 1 minus it; 0, the least and greatest value, to below 0.5.
    pub quantile: f64,
    /// Whether also with equally many rows of every class.
    pub equal_rows: Option<EqualRows>,
}

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Names, `[C]`.
    pub classes: &'a [String],
    /// The training rows first, then sets in their stead, each of another name.
    pub sets: &'a [Set<'a>],
    /// Rows that the network has not seen.
    pub test: Labelled<'a>,
    /// How.
    pub options: Options,
}

/// A figure of each class and its rank correlation with the number of training rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByClass {
    /// `[C]`; NaN where it is missing.
    pub per_class: Vec<f64>,
    /// With class size; `None` where all that are there are equal, or fewer than two.
    pub correlation: Option<Correlation>,
}

impl ByClass {
    pub(super) fn new(per_class: Vec<f64>, sizes: &[f64]) -> Self {
        Self {
            correlation: spearman(sizes, &per_class),
            per_class,
        }
    }
}

/// A gap with its rank correlation with the number of training rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The gap.
    #[serde(flatten)]
    pub gap: Gap,
    /// With class size; negative where small classes have the wider gaps.
    pub correlation: Option<Correlation>,
    /// Unseen rows of each class that it was measured with, `[C]`.
    pub rows: Vec<usize>,
}

/// Gaps of the unseen rows apart by what a head made of them, as in [`OutcomeGap`](super::OutcomeGap).
///
/// Each is measured with its own number of rows, and more rows reach farther.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByOutcome {
    /// Rows named as what they are.
    pub true_positives: Measured,
    /// Rows of a class that are named otherwise.
    pub false_negatives: Measured,
    /// Rows named as a class that they are not of.
    pub false_positives: Measured,
}

/// What one set came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfSet {
    /// Its name.
    pub name: String,
    /// Its rows of each class, `[C]`.
    pub counts: Vec<usize>,
    /// Of all unseen rows.
    pub gap: Measured,
    /// With equally many rows of every class, where asked for.
    pub equal_rows: Option<Measured>,
    /// By its head's outcomes, where it has a head.
    pub by_outcome: Option<ByOutcome>,
    /// Euclidean norm of its head's weights.
    pub head_norms: Option<ByClass>,
}

/// The generalization gap of some sets and the geometry behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Names, `[C]`.
    pub classes: Vec<String>,
    /// Training rows of each class, `[C]`: the class size of every correlation.
    pub train_counts: Vec<usize>,
    /// Unseen rows of each class, `[C]`.
    pub test_counts: Vec<usize>,
    /// D.
    pub dims: usize,
    /// Ranges lie between this quantile and 1 minus it.
    pub quantile: f64,
    /// The control of equally many rows.
    pub subsets: Option<Subsets>,
    /// The training rows first.
    pub sets: Vec<OfSet>,
    /// Of the training rows and the unseen ones.
    pub geometry: Geometry,
}

impl Analysis {
    /// The classes from the one with the most training rows to the one with the fewest.
    pub fn largest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by_key(|c| std::cmp::Reverse(self.train_counts[*c]));
        order
    }
}

/// Measures every set.
///
/// ```
/// use eos_pipeline::gap::{Options, Request, Set, analyse};
/// use eos_pipeline::phases::Labelled;
/// use eos_tensor::Rows;
/// let (train, test) = ([0.0, 1.0, 5.0, 6.0, 7.0], [0.0, 4.0, 6.5]);
/// let train = Labelled { rows: Rows::new(&train, 1)?, labels: &[0, 0, 1, 1, 1] };
/// let found = analyse(&Request {
///     classes: &["rare".to_owned(), "common".to_owned()],
///     sets: &[Set { name: "training rows", data: train, head: None }],
///     test: Labelled { rows: Rows::new(&test, 1)?, labels: &[0, 0, 1] },
///     options: Options::default(),
/// })?;
/// assert_eq!(found.sets[0].gap.gap.per_class, [3.0, 0.0]);
/// # Ok::<(), eos_pipeline::Error>(())
/// ```
///
/// # Errors
/// [`Error::Request`] for labels of other lengths or classes, sides of other dimensions, a head of
/// other classes or dimensions, two sets of one name, and options out of range.
pub fn analyse(request: &Request<'_>) -> Result<Analysis, Error> {
    request.check()?;
    let Request {
        sets,
        test,
        options,
        ..
    } = *request;
    let classes = request.classes.len();
    let members: Vec<Members> = sets
        .iter()
        .map(|set| of_labels(set.data.labels, classes))
        .collect();
    let unseen = of_labels(test.labels, classes);
    let counts = |members: &Members| members.iter().map(Vec::len).collect::<Vec<usize>>();
    let train_counts = counts(&members[0]);
    let sizes: Vec<f64> = train_counts.iter().map(|count| *count as f64).collect();
    let measured = |gap: Gap, rows: Vec<usize>| Measured {
        correlation: spearman(&sizes, &gap.per_class),
        gap,
        rows,
    };
    let subsets = options
        .equal_rows
        .and_then(|control| Subsets::new(control, &members, &unseen));
    let of_set = |(set, members): (&Set<'_>, &Members)| -> Result<OfSet, Error> {
        let known = Ranges::of(set.data.rows, members, options.quantile);
        let against = |unseen: &Members| {
            let gap = known.gap(&Ranges::of(test.rows, unseen, options.quantile));
            measured(gap, counts(unseen))
        };
        let equal = |subsets: &Subsets| {
            let (known, unseen) = ((set.data.rows, members), (test.rows, &unseen));
            let gap = subsets.gap(known, unseen, options.quantile);
            let rows = gap.per_class.iter().map(|gap| match gap.is_nan() {
                true => 0,
                false => subsets.test_rows,
            });
            measured(gap.clone(), rows.collect())
        };
        let outcomes = |head: &Head| -> Result<ByOutcome, Error> {
            let named = head.predict(test.rows.data())?;
            let [true_positives, false_negatives, false_positives] =
                by_outcome(test.labels, &named, classes).map(|unseen| against(&unseen));
            Ok(ByOutcome {
                true_positives,
                false_negatives,
                false_positives,
            })
        };
        let norms = |head: &Head| {
            let norms = head.weight_norms().into_iter().map(f64::from);
            ByClass::new(norms.collect(), &sizes)
        };
        Ok(OfSet {
            name: set.name.to_owned(),
            counts: counts(members),
            gap: against(&unseen),
            equal_rows: subsets.as_ref().map(equal),
            by_outcome: set.head.map(outcomes).transpose()?,
            head_norms: set.head.map(norms),
        })
    };
    Ok(Analysis {
        classes: request.classes.to_vec(),
        test_counts: counts(&unseen),
        dims: test.rows.dims(),
        quantile: options.quantile,
        sets: sets
            .iter()
            .zip(&members)
            .map(of_set)
            .collect::<Result<_, _>>()?,
        geometry: geometry((sets[0].data.rows, &members[0]), (test.rows, &unseen)),
        subsets,
        train_counts,
    })
}
