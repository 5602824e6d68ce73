//! How much a class counts in the loss, by its number of rows.

use crate::ModelError;
use serde::{Deserialize, Serialize};

/// Weights of the classes, `[C]`, that sum to C.
///
/// ```
/// use eos_model::ClassWeights;
/// let weights = ClassWeights::Inverse.of(&[30, 10], 0.0)?;
/// assert_eq!(weights, [0.5, 1.5]);
/// assert_eq!(ClassWeights::None.of(&[30, 10], 0.0)?, [1.0, 1.0]);
/// # Ok::<(), eos_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClassWeights {
    /// Every class alike.
    #[default]
    None,
    /// In proportion to 1 / n for n rows.
    Inverse,
    /// In proportion to (1 − β) / (1 − βⁿ), the inverse of the effective number of rows (Cui et
    /// al. 2019): from alike at β = 0 to inverse as β comes near 1.
    Effective,
}

impl ClassWeights {
    /// β of the reference.
    pub const BETA: f64 = 0.9999;

    /// The weights of classes with `counts` rows; `beta` in [0, 1) is of [`Effective`](Self::Effective)
    /// alone.
    ///
    /// # Errors
    /// [`ModelError::Option`] for another β, [`ModelError::EmptyClass`] where a class has no rows.
    pub fn of(self, counts: &[usize], beta: f64) -> Result<Vec<f64>, ModelError> {
        self.check(beta)?;
        let one: &dyn Fn(f64) -> f64 = match self {
            Self::None => return Ok(vec![1.0; counts.len()]),
            Self::Inverse => &|n| 1.0 / n,
            Self::Effective => &|n| (1.0 - beta) / -(n * beta.ln()).exp_m1(),
        };
        let counts = known(counts, "class weights")?;
        let raw: Vec<f64> = counts.into_iter().map(one).collect();
        let factor = raw.len() as f64 / raw.iter().sum::<f64>();
        Ok(raw.into_iter().map(|weight| weight * factor).collect())
    }

    /// Refuses a β that the effective number cannot have.
    ///
    /// # Errors
    /// [`ModelError::Option`].
    pub fn check(self, beta: f64) -> Result<(), ModelError> {
        match self {
            Self::Effective if !(0.0..1.0).contains(&beta) => Err(ModelError::Option {
                field: "beta",
                got: beta,
                wanted: "a number from 0 to below 1, such as 0.9999",
            }),
            _ => Ok(()),
        }
    }
}

/// The counts, none of which may be 0 where `what` is made of them.
pub(crate) fn known(counts: &[usize], what: &'static str) -> Result<Vec<f64>, ModelError> {
    match counts.iter().position(|n| *n == 0) {
        Some(class) => Err(ModelError::EmptyClass { class, what }),
        None => Ok(counts.iter().map(|n| *n as f64).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_numbers_go_from_alike_to_inverse() {
        let counts = [5000, 500, 50];
        let of = |beta| ClassWeights::Effective.of(&counts, beta).unwrap();
        let inverse = ClassWeights::Inverse.of(&counts, 0.0).unwrap();
        let near = |a: &[f64], b: &[f64], by| a.iter().zip(b).all(|(a, b)| (a - b).abs() < by);
        assert!(near(&of(0.0), &[1.0; 3], 1e-12), "{:?}", of(0.0));
        assert!(near(&of(1.0 - 1e-12), &inverse, 1e-6));
        // (1 − β) / (1 − βⁿ) at β = 0.9999 by hand: 1 / 3934.8, 1 / 487.7, 1 / 49.88.
        let weights = of(0.9999);
        assert!((weights[2] / weights[0] - 3934.8 / 49.88).abs() < 0.01);
        assert!((weights[1] / weights[0] - 3934.8 / 487.7).abs() < 0.01);
        assert!((weights.iter().sum::<f64>() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_weight_is_refused() {
        let told = |weights: ClassWeights, counts: &[usize], beta| {
            weights.of(counts, beta).unwrap_err().to_string()
        };
        assert!(told(ClassWeights::Effective, &[1], 1.0).contains("beta is 1"));
        let empty = told(ClassWeights::Inverse, &[3, 0], 0.0);
        assert!(empty.contains("class 1 has no rows"), "{empty}");
    }
}
