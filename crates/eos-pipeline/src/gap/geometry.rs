//! How the unseen rows of a class lie beside its training rows.

use super::ByClass;
use super::ranges::Members;
use eos_tensor::Rows;
use rayon::prelude::*;
use serde::Serialize;

/// Means and spreads of the unseen rows beside those of the training rows, class by class, with the
/// rank correlation of each with the number of training rows. NaN (null in JSON) where a class has
/// too few rows.
///
/// With mean m and spread s = √(Σ ‖x − m‖² / (n − 1)) of the n rows of a class, for training and
/// unseen rows, and g the mean of all training rows. A mean of few rows strays by chance, so that
/// shift and share grow as n falls even where nothing moves; what chance alone makes of them stands
/// beside each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Geometry {
    /// ‖m_unseen − m_train‖, in units of the embeddings. Either side needs a row.
    pub shift: ByClass,
    /// What the shift would be (root mean square) if both sides had one true mean:
    /// √(s_train² / n_train + s_unseen² / n_unseen). Either side needs two rows.
    pub shift_by_chance: Vec<f64>,
    /// Shift over s_train.
    pub relative_shift: ByClass,
    /// Share of the way from m_train to g: (m_unseen − m_train) · (g − m_train) / ‖g − m_train‖².
    pub towards_global_mean: ByClass,
    /// What that share would be on average if both sides had one true mean:
    /// s_train² / (n_train ‖g − m_train‖²).
    pub towards_by_chance: Vec<f64>,
    /// s_unseen / s_train. Either side needs two rows.
    pub spread_ratio: ByClass,
}

/// Mean and spread of the rows of a class.
struct Moments {
    rows: f64,
    /// `[D]`; zeros where there is no row.
    mean: Vec<f64>,
    /// NaN below two rows.
    spread: f64,
}

impl Moments {
    fn of(rows: Rows<'_>, members: &[u32]) -> Self {
        let count = members.len() as f64;
        let each = || members.iter().map(|row| rows.row(*row as usize));
        let mut mean = vec![0.0; rows.dims()];
        for row in each() {
            let sums = mean.iter_mut().zip(row);
            sums.for_each(|(sum, value)| *sum += f64::from(*value));
        }
        mean.iter_mut().for_each(|sum| *sum /= count.max(1.0));
        let square = |(value, mean): (&f32, &f64)| (f64::from(*value) - mean).powi(2);
        let squares = each().map(|row| row.iter().zip(&mean).map(square).sum::<f64>());
        let spread = match members.len() {
            0 | 1 => f64::NAN,
            _ => (squares.sum::<f64>() / (count - 1.0)).sqrt(),
        };
        Self {
            rows: count,
            mean,
            spread,
        }
    }

    fn of_classes(rows: Rows<'_>, members: &Members) -> Vec<Self> {
        let of = |members: &Vec<u32>| Self::of(rows, members);
        members.par_iter().map(of).collect()
    }

    /// Square of the distance that the mean is from its true place by chance, in expectation.
    fn chance(&self) -> f64 {
        self.spread.powi(2) / self.rows
    }
}

/// Figures of one class.
struct OfClass {
    shift: f64,
    shift_by_chance: f64,
    relative_shift: f64,
    towards: f64,
    towards_by_chance: f64,
    spread_ratio: f64,
}

impl OfClass {
    fn new(train: &Moments, unseen: &Moments, global: &[f64]) -> Self {
        let there = train.rows.min(unseen.rows) > 0.0;
        let step: Vec<f64> = difference(&unseen.mean, &train.mean);
        let way = difference(global, &train.mean);
        let length = dot(&way, &way);
        // A class at the global mean has no way to go.
        let whole = if there && length > 0.0 {
            length
        } else {
            f64::NAN
        };
        let shift = if there {
            dot(&step, &step).sqrt()
        } else {
            f64::NAN
        };
        Self {
            shift,
            shift_by_chance: (train.chance() + unseen.chance()).sqrt(),
            relative_shift: finite(shift / train.spread),
            towards: dot(&step, &way) / whole,
            towards_by_chance: train.chance() / whole,
            spread_ratio: finite(unseen.spread / train.spread),
        }
    }
}

/// Figures of the classes of training rows and unseen ones, each with the rows of its classes.
pub(super) fn geometry(train: (Rows<'_>, &Members), unseen: (Rows<'_>, &Members)) -> Geometry {
    let [train, unseen] = [train, unseen].map(|(rows, members)| Moments::of_classes(rows, members));
    let sizes: Vec<f64> = train.iter().map(|class| class.rows).collect();
    let mut global = vec![0.0; train[0].mean.len()];
    for class in &train {
        let share = class.rows / sizes.iter().sum::<f64>();
        let sums = global.iter_mut().zip(&class.mean);
        sums.for_each(|(sum, mean)| *sum += share * mean);
    }
    let classes: Vec<OfClass> = train
        .iter()
        .zip(&unseen)
        .map(|(train, unseen)| OfClass::new(train, unseen, &global))
        .collect();
    let each = |figure: &dyn Fn(&OfClass) -> f64| classes.iter().map(figure).collect();
    let by_class = |figure: &dyn Fn(&OfClass) -> f64| ByClass::new(each(figure), &sizes);
    Geometry {
        shift: by_class(&|class| class.shift),
        shift_by_chance: each(&|class| class.shift_by_chance),
        relative_shift: by_class(&|class| class.relative_shift),
        towards_global_mean: by_class(&|class| class.towards),
        towards_by_chance: each(&|class| class.towards_by_chance),
        spread_ratio: by_class(&|class| class.spread_ratio),
    }
}

/// NaN for a ratio to a class without spread.
fn finite(ratio: f64) -> f64 {
    if ratio.is_finite() { ratio } else { f64::NAN }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::of_labels;
    use super::*;

    fn of(train: &[f32], labels: &[u32], unseen: &[f32], unseen_labels: &[u32]) -> Geometry {
        let rows = |values| Rows::new(values, 2).unwrap();
        let members = [labels, unseen_labels].map(|labels| of_labels(labels, 3));
        geometry((rows(train), &members[0]), (rows(unseen), &members[1]))
    }

    #[test]
    fn two_classes_by_hand() {
        // Class 0: (±1, 0), mean 0, spread √2; class 1: (8, ±2), mean (8, 0), spread √8; all: (4, 0).
        let train = [-1.0, 0.0, 1.0, 0.0, 8.0, -2.0, 8.0, 2.0];
        // Class 0 has gone to (1, 0), a quarter of the way, with spread √8; class 1 to (8, 3).
        let unseen = [-1.0, 0.0, 3.0, 0.0, 8.0, 3.0];
        let found = of(&train, &[0, 0, 1, 1], &unseen, &[0, 0, 1]);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert_eq!(found.shift.per_class[..2], [1.0, 3.0]);
        assert!(near(
            found.shift_by_chance[0],
            (2.0_f64 / 2.0 + 8.0 / 2.0).sqrt()
        ));
        assert!(near(found.relative_shift.per_class[0], 0.5_f64.sqrt()));
        assert_eq!(found.towards_global_mean.per_class[..2], [0.25, 0.0]);
        assert!(near(found.towards_by_chance[0], 1.0 / 16.0));
        assert!(near(found.spread_ratio.per_class[0], 2.0));
        // One row has no spread; a class that nobody has seen has nothing.
        assert!(found.spread_ratio.per_class[1].is_nan());
        assert!(found.shift.per_class[2].is_nan());
        assert!(found.towards_by_chance[2].is_nan());
    }

    #[test]
    fn a_class_without_spread_or_at_the_global_mean_has_no_ratios() {
        // Both classes lie at the origin, which is the mean of all; class 0 has equal rows.
        let train = [0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0];
        let found = of(&train, &[0, 0, 1, 1], &[0.0, 2.0, 0.0, 2.0], &[0, 1]);
        assert!(found.relative_shift.per_class[0].is_nan());
        assert_eq!(found.relative_shift.per_class[1], 2.0 / 2.0_f64.sqrt());
        assert!(
            found.towards_global_mean.per_class[..2]
                .iter()
                .all(|v| v.is_nan())
        );
    }
}
