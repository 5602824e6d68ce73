//! Making a balanced set imbalanced by a known rule, and splitting off validation rows.

use crate::{
    error::{DataError, Fault},
    image_set::class_counts,
    mt19937::Mt19937,
};
use eos_tensor::{PhiloxRng, stream};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// How class sizes fall from the first class to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImbalanceKind {
    /// n_c = int(max · ratio^(−c / (C − 1))): a long tail.
    #[serde(rename = "exp", alias = "exponential")]
    Exponential,
    /// The first half of the classes (the larger half where C is odd) keep max rows, the others
    /// int(max / ratio).
    Step,
}

/// Which rows of a class are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subset {
    /// Each class's rows shuffled by a generator of (seed, class).
    #[default]
    Seeded,
    /// The rows that the reference scripts keep: one NumPy generator (`RandomState(seed)`) shuffles
    /// the rows of every class in turn. For comparison with checkpoints trained by them.
    Reference,
}

/// A rule that keeps fewer rows of the later classes.
///
/// ```
/// use eos_data::{Imbalance, ImbalanceKind, Subset};
/// let cifar = Imbalance {
///     kind: ImbalanceKind::Exponential,
///     ratio: 100.0,
///     seed: 0,
///     subset: Subset::Seeded,
/// };
/// assert_eq!(cifar.counts(&[5000; 10]), [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imbalance {
    /// The shape of the fall.
    pub kind: ImbalanceKind,
    /// Largest class over smallest, at least 1.
    pub ratio: f64,
    /// Seed of the choice among a class's rows.
    #[serde(default)]
    pub seed: u64,
    /// How that choice is made.
    #[serde(default)]
    pub subset: Subset,
}

impl Imbalance {
    /// Rows kept of each class, of `per_class` that there are.
    ///
    /// max is the size of the largest class, or, where some class has fewer rows than the rule
    /// would then keep of it, the largest number for which every class has enough: the ratio holds
    /// in either case. (SVHN with 100:1: 4,948, the rows of digit 0, not the 13,861 of digit 1.)
    ///
    /// A ratio that is not a number of at least 1 keeps everything; [`select`](Self::select)
    /// refuses it.
    pub fn counts(&self, per_class: &[usize]) -> Vec<usize> {
        if !self.ratio.is_finite() || self.ratio < 1.0 {
            return per_class.to_vec();
        }
        let classes = per_class.len();
        let kept = |max: usize, class| (max as f64 * self.share(class, classes)) as usize;
        let enough = |max: &usize| (0..classes).all(|c| kept(*max, c) <= per_class[c]);
        // `enough` is true up to some number and false beyond it.
        let (mut low, mut high) = (0, per_class.iter().copied().max().unwrap_or(0));
        while low < high {
            let middle = high - (high - low) / 2;
            if enough(&middle) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        (0..classes).map(|class| kept(low, class)).collect()
    }

    /// Share of max that a class keeps, as the reference computes it: (1 / ratio)^(c / (C − 1)).
    fn share(&self, class: usize, classes: usize) -> f64 {
        match self.kind {
            _ if class == 0 => 1.0,
            ImbalanceKind::Exponential => {
                (1.0 / self.ratio).powf(class as f64 / (classes as f64 - 1.0))
            }
            ImbalanceKind::Step if class < classes.div_ceil(2) => 1.0,
            ImbalanceKind::Step => 1.0 / self.ratio,
        }
    }

    /// The rows kept: class by class, each class's rows in the order in which they were drawn.
    ///
    /// The rows of a class, in file order, are shuffled as [`Subset`] says, and the first n_c are
    /// kept.
    ///
    /// # Errors
    /// [`DataError::Request`] for a ratio that is not a finite number of at least 1 or that leaves
    /// a class without rows, and for a seed that NumPy does not take; [`DataError::Value`] for a class that has none to begin with or a
    /// label that is not below `classes`.
    pub fn select(&self, labels: &[u32], classes: usize) -> Result<Vec<u32>, DataError> {
        let fault = |field: &str| Fault::argument("imbalance", field);
        if !self.ratio.is_finite() || self.ratio < 1.0 {
            return Err(fault("ratio")
                .got(self.ratio.to_string())
                .wanted("a finite number of at least 1")
                .next("give the largest class over the smallest, such as 100")
                .request());
        }
        let mut members = members("imbalance", labels, classes)?;
        let per_class: Vec<usize> = members.iter().map(Vec::len).collect();
        if let Some(class) = per_class.iter().position(|count| *count == 0) {
            return Err(fault(&format!("class {class}"))
                .got("no rows")
                .wanted("at least 1")
                .next("check the data, or remove the class")
                .value());
        }
        let counts = self.counts(&per_class);
        if let Some(class) = counts.iter().position(|count| *count == 0) {
            return Err(fault("ratio")
                .got(format!(
                    "{}, which keeps none of class {class}'s {} rows",
                    self.ratio, per_class[class]
                ))
                .wanted("at least 1 row of every class")
                .next(format!(
                    "choose a ratio of at most {}",
                    counts.iter().max().unwrap_or(&1)
                ))
                .request());
        }
        self.shuffle(&mut members)?;
        for (rows, count) in members.iter_mut().zip(counts) {
            rows.truncate(count);
        }
        Ok(members.concat())
    }

    fn shuffle(&self, members: &mut [Vec<u32>]) -> Result<(), DataError> {
        match self.subset {
            Subset::Seeded => {
                for (class, rows) in members.iter_mut().enumerate() {
                    let mut rng = PhiloxRng::new(self.seed, stream::IMBALANCE, class as u64);
                    rows.shuffle(&mut rng);
                }
            }
            Subset::Reference => {
                let seed = u32::try_from(self.seed).map_err(|_| {
                    Fault::argument("imbalance", "seed of the reference's subset")
                        .got(self.seed.to_string())
                        .wanted("a seed below 2³², as NumPy takes it")
                        .next("choose a smaller seed, or subset = \"seeded\"")
                        .request()
                })?;
                let mut generator = Mt19937::new(seed);
                for rows in members {
                    generator.shuffle(rows);
                }
            }
        }
        Ok(())
    }
}

/// Rows to train on and rows held out, each in rising order and together every row once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to train on.
    pub train: Vec<u32>,
    /// Rows held out.
    pub validation: Vec<u32>,
}

/// Holds out `share` of every class's rows, chosen by (seed, class).
///
/// A class of n rows gives share · n of them, rounded to the nearest, but at least 1 and at most
/// n − 1: a class of two or more is on both sides. A class of one row keeps it for training. A share
/// of 0 holds out nothing.
///
/// # Errors
/// [`DataError::Request`] for a share outside [0, 1), [`DataError::Value`] for a label that is not
/// below `classes`.
pub fn stratified_split(
    labels: &[u32],
    classes: usize,
    share: f64,
    seed: u64,
) -> Result<Split, DataError> {
    if !(0.0..1.0).contains(&share) {
        return Err(Fault::argument("split", "share")
            .got(share.to_string())
            .wanted("a share of at least 0 and below 1")
            .next("give the share of each class to hold out, such as 0.1")
            .request());
    }
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for (class, mut rows) in members("split", labels, classes)?.into_iter().enumerate() {
        rows.shuffle(&mut PhiloxRng::new(seed, stream::SPLIT, class as u64));
        let held = if share == 0.0 || rows.len() < 2 {
            0
        } else {
            ((rows.len() as f64 * share).round() as usize).clamp(1, rows.len() - 1)
        };
        validation.extend_from_slice(&rows[..held]);
        train.extend_from_slice(&rows[held..]);
    }
    train.sort_unstable();
    validation.sort_unstable();
    Ok(Split { train, validation })
}

/// Row numbers of each class in rising order.
fn members(place: &str, labels: &[u32], classes: usize) -> Result<Vec<Vec<u32>>, DataError> {
    let counts = class_counts(labels, classes);
    let mut members: Vec<Vec<u32>> = counts.into_iter().map(Vec::with_capacity).collect();
    for (row, label) in labels.iter().enumerate() {
        let Some(rows) = members.get_mut(*label as usize) else {
            return Err(Fault::argument(place, format!("label of row {row}"))
                .got(label.to_string())
                .wanted(format!("a class index below {classes}"))
                .next("correct the label or the number of classes")
                .value());
        };
        rows.push(row as u32);
    }
    Ok(members)
}
