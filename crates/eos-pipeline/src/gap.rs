//! The generalization gap: how far test embeddings leave the range of the training embeddings.

use eos_tensor::Rows;
use serde::{Deserialize, Serialize};

/// The gap of every class and of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Mean over dimensions, `[C]`; 0 where either side has no row of the class.
    pub per_class: Vec<f64>,
    /// Mean over classes.
    pub mean: f64,
    /// As `mean`, but summed over dimensions.
    pub sum: f64,
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
    let dims = train.dims();
    let (train, test) = (
        ranges(train, train_labels, classes),
        ranges(test, test_labels, classes),
    );
    let mut per_class = vec![0.0; classes];
    for (c, gap) in per_class.iter_mut().enumerate() {
        let beyond = |j: usize| {
            let (inner, outer) = (train[c * dims + j], test[c * dims + j]);
            f64::from(outer.1 - inner.1).max(0.0) + f64::from(inner.0 - outer.0).max(0.0)
        };
        let seen = train_labels.contains(&(c as u32)) && test_labels.contains(&(c as u32));
        if seen {
            *gap = (0..dims).map(beyond).sum::<f64>() / dims as f64;
        }
    }
    let mean = per_class.iter().sum::<f64>() / classes.max(1) as f64;
    let sum = mean * dims as f64;
    Gap {
        per_class,
        mean,
        sum,
    }
}

/// Least and greatest value of each class and dimension, `[C, D]`.
fn ranges(rows: Rows<'_>, labels: &[u32], classes: usize) -> Vec<(f32, f32)> {
    let dims = rows.dims();
    let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); classes * dims];
    for (i, label) in labels.iter().enumerate() {
        let ranges = &mut ranges[*label as usize * dims..][..dims];
        for (range, value) in ranges.iter_mut().zip(rows.row(i)) {
            *range = (range.0.min(*value), range.1.max(*value));
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use eos_tensor::{Backend, CpuBackend, PhiloxRng, Recipe};

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
