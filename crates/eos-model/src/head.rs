//! The classifier head: one layer on embeddings, as plain numbers.

use crate::ModelError;
use eos_tensor::{PhiloxRng, stream};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Rows that one task scores.
const TILE: usize = 256;

/// Norms below this count as this much, as in PyTorch's `normalize`.
pub(crate) const LEAST_NORM: f32 = 1e-12;

/// How a head makes logits of a row x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadKind {
    /// w_c · x + b_c.
    #[default]
    Linear,
    /// cos(w_c, x), without bias: the head that LDAM trains. The factor s belongs to the loss.
    Normalised,
}

impl fmt::Display for HeadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Linear => "linear",
            Self::Normalised => "normalised",
        })
    }
}

/// logits = rows · weightᵀ + bias, or the cosines of rows and weights.
///
/// ```
/// use eos_model::{Head, HeadKind};
/// let (weight, bias) = (vec![1.0, 0.0, 0.0, 2.0], vec![0.5, 0.0]);
/// let head = Head { kind: HeadKind::Linear, weight, bias, classes: 2, dims: 2 };
/// assert_eq!(head.logits(&[1.0, 3.0])?, [1.5, 6.0]);
/// assert_eq!(head.predict(&[1.0, 3.0, 4.0, 0.0])?, [1, 0]);
/// let head = Head { kind: HeadKind::Normalised, bias: vec![], ..head };
/// assert_eq!(head.logits(&[3.0, 4.0])?, [0.6, 0.8]);
/// # Ok::<(), eos_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Linear or normalised.
    pub kind: HeadKind,
    /// `[C, D]`.
    pub weight: Vec<f32>,
    /// `[C]`; empty where the head is normalised.
    pub bias: Vec<f32>,
    /// C.
    pub classes: usize,
    /// D.
    pub dims: usize,
}

impl Head {
    /// A fresh head from the stream of head initialisation. Linear: Kaiming normal weights, bias
    /// uniform within ± 1/√D, as the reference's. Normalised: directions uniform on the sphere.
    pub fn fresh(kind: HeadKind, classes: usize, dims: usize, seed: u64) -> Self {
        let rng = PhiloxRng::new(seed, stream::HEAD_INITIALISATION, 0);
        Self::draw(kind, classes, dims, rng)
    }

    pub(crate) fn draw(kind: HeadKind, classes: usize, dims: usize, mut rng: PhiloxRng) -> Self {
        let deviation = (2.0 / dims as f32).sqrt();
        let bound = 1.0 / (dims as f32).sqrt();
        let mut weight: Vec<f32> = (0..classes * dims)
            .map(|_| deviation * rng.normal())
            .collect();
        let bias = match kind {
            HeadKind::Linear => (0..classes)
                .map(|_| bound * (2.0 * rng.unit() - 1.0))
                .collect(),
            HeadKind::Normalised => {
                for row in weight.chunks_exact_mut(dims) {
                    let norm = norm(row);
                    row.iter_mut().for_each(|w| *w /= norm);
                }
                Vec::new()
            }
        };
        Self {
            kind,
            weight,
            bias,
            classes,
            dims,
        }
    }

    /// Logits `[N, C]` of rows `[N, D]`.
    ///
    /// # Errors
    /// [`ModelError::Length`] where the values are no whole rows.
    pub fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, ModelError> {
        self.check()?;
        if !rows.len().is_multiple_of(self.dims) {
            return Err(ModelError::Length {
                what: "rows",
                got: rows.len(),
                wanted: format!("a multiple of {}", self.dims),
            });
        }
        let mut logits = vec![0.0; rows.len() / self.dims * self.classes];
        logits
            .par_chunks_mut(TILE * self.classes)
            .zip(rows.par_chunks(TILE * self.dims))
            .for_each(|(logits, rows)| {
                let rows = rows.chunks_exact(self.dims);
                for (logits, row) in logits.chunks_exact_mut(self.classes).zip(rows) {
                    self.score(row, logits);
                }
            });
        Ok(logits)
    }

    fn score(&self, row: &[f32], logits: &mut [f32]) {
        let weights = self.weight.chunks_exact(self.dims);
        for (logit, weight) in logits.iter_mut().zip(weights.clone()) {
            *logit = weight.iter().zip(row).map(|(w, x)| w * x).sum::<f32>();
        }
        match self.kind {
            HeadKind::Linear => {
                for (logit, bias) in logits.iter_mut().zip(&self.bias) {
                    *logit += bias;
                }
            }
            HeadKind::Normalised => {
                let of_row = norm(row);
                for (logit, weight) in logits.iter_mut().zip(weights) {
                    *logit /= of_row * norm(weight);
                }
            }
        }
    }

    /// The class of the largest logit of each row, the first of equals.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn predict(&self, rows: &[f32]) -> Result<Vec<u32>, ModelError> {
        let logits = self.logits(rows)?;
        Ok(logits.chunks_exact(self.classes).map(largest).collect())
    }

    /// Euclidean norm of each class's weights, `[C]`.
    pub fn weight_norms(&self) -> Vec<f32> {
        self.weight.chunks_exact(self.dims).map(norm).collect()
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let biases = match self.kind {
            HeadKind::Linear => self.classes,
            HeadKind::Normalised => 0,
        };
        for (what, got, wanted) in [
            ("head weight", self.weight.len(), self.classes * self.dims),
            ("head bias", self.bias.len(), biases),
        ] {
            if got != wanted || self.classes * self.dims == 0 {
                let wanted = format!("{} classes × {} dimensions", self.classes, self.dims);
                return Err(ModelError::Length { what, got, wanted });
            }
        }
        Ok(())
    }
}

/// The Euclidean norm, as much as a division can use.
pub(crate) fn norm(values: &[f32]) -> f32 {
    let squares: f32 = values.iter().map(|v| v * v).sum();
    squares.sqrt().max(LEAST_NORM)
}

/// Position of the largest value, the first of equals.
pub(crate) fn largest(values: &[f32]) -> u32 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best as u32
}
