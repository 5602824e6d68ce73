//! How far the first pass's scores are off on a card, beside what the certificate allows: for tensor cores that is a model
//! of their arithmetic, which this compares with the card's.

use crate::search::Search;
use crate::{CudaError, FirstPass};

/// The greatest error of any score that was looked at, and the bound; both in units of N², the greater squared norm of
/// the two rows, or of the squared distance in the direct form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreError {
    /// Scores looked at.
    pub scores: usize,
    /// The greatest error.
    pub measured: f64,
    /// What the certificate allows.
    pub allowed: f64,
}

impl Search<'_> {
    /// The errors of the scores that the first pass keeps for these queries.
    pub(crate) fn score_error(&self, queries: &[u32]) -> Result<ScoreError, CudaError> {
        let (set, form) = (self.set, self.set.first);
        let certificate = form.certificate(set.rows.dims(), set.scale);
        let mut error = ScoreError {
            scores: 0,
            measured: 0.0,
            allowed: certificate.gain,
        };
        self.candidates(queries, &mut |query, row, score| {
            let (a, b) = (self.stored(query), self.stored(row));
            let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
                a.iter().zip(&b).map(|(a, b)| term(*a, *b)).sum()
            };
            let (true_score, unit) = match form {
                FirstPass::Direct => {
                    let distance = sum(&|a, b| (a - b) * (a - b));
                    (distance, distance)
                }
                _ => {
                    let (aa, bb) = (sum(&|a, _| a * a), sum(&|_, b| b * b));
                    (sum(&|a, b| b * (0.5 * b - a)), aa.max(bb))
                }
            };
            let off = (f64::from(score) - true_score).abs() - certificate.constant;
            if off > 0.0 {
                error.measured = error.measured.max(off / unit);
            }
            error.scores += 1;
        })?;
        Ok(error)
    }

    /// A row as the first pass has it: `eos_prepare`, on the processor.
    fn stored(&self, row: u32) -> Vec<f64> {
        let (set, form) = (self.set, self.set.first);
        let values = set.rows.row(row as usize).iter();
        match form {
            FirstPass::Direct => values.map(|x| f64::from(*x)).collect(),
            _ => values
                .zip(&set.centre)
                .map(|(x, mean)| {
                    let value = ((f64::from(*x) - mean) * set.scale) as f32;
                    f64::from(match form {
                        FirstPass::Tf32 => f32::from_bits((value.to_bits() + 0x1000) & 0xffff_e000),
                        _ => value,
                    })
                })
                .collect(),
        }
    }
}
