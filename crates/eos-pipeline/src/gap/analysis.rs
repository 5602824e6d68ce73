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
    let Request { sets, test, .. } = *request;
    let classes = request.classes.len();
    let of_set = |set: &Set<'_>| of_labels(set.data.labels, classes);
    let members: Vec<Members> = sets.iter().map(of_set).collect();
    let unseen = of_labels(test.labels, classes);
    let train_counts = counts(&members[0]);
    let control = request.options.equal_rows;
    let measuring = Measuring {
        request,
        sizes: train_counts.iter().map(|count| *count as f64).collect(),
        subsets: control.and_then(|control| Subsets::new(control, &members, &unseen)),
        unseen,
    };
    let measured = sets.iter().zip(&members);
    let measured = measured.map(|(set, members)| measuring.set(set, members));
    let unseen = &measuring.unseen;
    Ok(Analysis {
        classes: request.classes.to_vec(),
        test_counts: counts(unseen),
        dims: test.rows.dims(),
        quantile: request.options.quantile,
        sets: measured.collect::<Result<_, _>>()?,
        geometry: geometry((sets[0].data.rows, &members[0]), (test.rows, unseen)),
        subsets: measuring.subsets,
        train_counts,
    })
}

fn counts(members: &Members) -> Vec<usize> {
    members.iter().map(Vec::len).collect()
}

/// What every set is measured with.
struct Measuring<'a> {
    request: &'a Request<'a>,
    /// Class sizes, `[C]`.
    sizes: Vec<f64>,
    subsets: Option<Subsets>,
    /// Unseen rows of each class.
    unseen: Members,
}

impl Measuring<'_> {
    fn set(&self, set: &Set<'_>, members: &Members) -> Result<OfSet, Error> {
        let known = Ranges::of(set.data.rows, members, self.request.options.quantile);
        let by_outcome = set.head.map(|head| self.by_outcome(&known, head));
        let norms = |head: &Head| {
            let norms = head.weight_norms().into_iter().map(f64::from);
            ByClass::new(norms.collect(), &self.sizes)
        };
        let subsets = self.subsets.as_ref();
        Ok(OfSet {
            name: set.name.to_owned(),
            counts: counts(members),
            gap: self.against(&known, &self.unseen),
            equal_rows: subsets.map(|subsets| self.equal_rows(subsets, set, members)),
            by_outcome: by_outcome.transpose()?,
            head_norms: set.head.map(norms),
        })
    }

    fn by_outcome(&self, known: &Ranges, head: &Head) -> Result<ByOutcome, Error> {
        let test = self.request.test;
        let named = head.predict(test.rows.data())?;
        let [true_positives, false_negatives, false_positives] =
            by_outcome(test.labels, &named, self.sizes.len())
                .map(|unseen| self.against(known, &unseen));
        Ok(ByOutcome {
            true_positives,
            false_negatives,
            false_positives,
        })
    }

    fn against(&self, known: &Ranges, unseen: &Members) -> Measured {
        let options = self.request.options;
        let gap = known.gap(&Ranges::of(
            self.request.test.rows,
            unseen,
            options.quantile,
        ));
        self.measured(gap, counts(unseen))
    }

    fn equal_rows(&self, subsets: &Subsets, set: &Set<'_>, members: &Members) -> Measured {
        let known = (set.data.rows, members);
        let unseen = (self.request.test.rows, &self.unseen);
        let gap = subsets.gap(known, unseen, self.request.options.quantile);
        let rows = |gap: &f64| if gap.is_nan() { 0 } else { subsets.test_rows };
        let rows = gap.per_class.iter().map(rows).collect();
        self.measured(gap, rows)
    }

    fn measured(&self, gap: Gap, rows: Vec<usize>) -> Measured {
        Measured {
            correlation: spearman(&self.sizes, &gap.per_class),
            gap,
            rows,
        }
    }
}
