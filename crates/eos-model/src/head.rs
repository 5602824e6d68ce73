//! The classifier head: one linear layer on embeddings, as plain numbers.

use crate::ModelError;
use eos_tensor::{PhiloxRng, stream};
use rayon::prelude::*;

/// Rows that one task scores.
const TILE: usize = 256;

/// logits = rows · weightᵀ + bias.
///
/// ```
/// use eos_model::Head;
/// let head = Head { weight: vec![1.0, 0.0, 0.0, 2.0], bias: vec![0.5, 0.0], classes: 2, dims: 2 };
/// assert_eq!(head.logits(&[1.0, 3.0])?, [1.5, 6.0]);
/// assert_eq!(head.predict(&[1.0, 3.0, 4.0, 0.0])?, [1, 0]);
/// # Ok::<(), eos_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `[C, D]`.
    pub weight: Vec<f32>,
    /// `[C]`.
    pub bias: Vec<f32>,
    /// C.
    pub classes: usize,
    /// D.
    pub dims: usize,
}

impl Head {
    /// A fresh head from the stream of head initialisation: Kaiming normal weights, bias uniform
    /// within ± 1/√D, as the reference's.
    pub fn fresh(classes: usize, dims: usize, seed: u64) -> Self {
        Self::draw(
            classes,
            dims,
            PhiloxRng::new(seed, stream::HEAD_INITIALISATION, 0),
        )
    }

    pub(crate) fn draw(classes: usize, dims: usize, mut rng: PhiloxRng) -> Self {
        let deviation = (2.0 / dims as f32).sqrt();
        let bound = 1.0 / (dims as f32).sqrt();
        Self {
            weight: (0..classes * dims)
                .map(|_| deviation * rng.normal())
                .collect(),
            bias: (0..classes)
                .map(|_| bound * (2.0 * rng.unit() - 1.0))
                .collect(),
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
        for ((logit, weight), bias) in logits.iter_mut().zip(weights).zip(&self.bias) {
            *logit = weight.iter().zip(row).map(|(w, x)| w * x).sum::<f32>() + bias;
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
        let norm = |w: &[f32]| w.iter().map(|w| w * w).sum::<f32>().sqrt();
        self.weight.chunks_exact(self.dims).map(norm).collect()
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        for (what, got, wanted) in [
            ("head weight", self.weight.len(), self.classes * self.dims),
            ("head bias", self.bias.len(), self.classes),
        ] {
            if got != wanted || wanted == 0 {
                let wanted = format!("{} classes × {} dimensions", self.classes, self.dims);
                return Err(ModelError::Length { what, got, wanted });
            }
        }
        Ok(())
    }
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
