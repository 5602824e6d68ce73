//! The forms of the first pass, and what each proves.

use crate::params::Rank;
use eos_tensor::first_pass::Bound;

/// How the first pass computes scores. Each finds the same neighbours; they differ in speed and in how many queries they
/// leave to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPass {
    /// Rows stored as TF32, one product a term on tensor cores (compute capability 8.0 and higher).
    Tf32,
    /// Rows stored as f32 and split into two TF32, three products a term on tensor cores.
    Tf32x3,
    /// a · b − ½|b|² in f32, rows centred and scaled.
    Expanded,
    /// Σ(a − b)² in f32 on the rows as given.
    Direct,
}

impl FirstPass {
    /// The fastest that a card has.
    pub(crate) fn fastest(tensor_cores: bool) -> Self {
        match tensor_cores {
            true => Self::Tf32,
            false => Self::Expanded,
        }
    }

    /// Whether it runs on cards of compute capability 8.0 and higher only.
    pub fn needs_tensor_cores(self) -> bool {
        matches!(self, Self::Tf32 | Self::Tf32x3)
    }

    pub(crate) fn kernel(self) -> &'static str {
        match self {
            Self::Tf32 => "eos_scan_tf32",
            Self::Tf32x3 => "eos_scan_tf32x3",
            Self::Expanded => "eos_scan_expanded",
            Self::Direct => "eos_scan_direct",
        }
    }

    /// Bytes of dynamic shared memory: `TensorShared` in kernels/tensor.cuh.
    pub(crate) fn shared(self) -> usize {
        const SLABS: usize = 3 * 2 * 128 * 24 * 4;
        const LINES: usize = 3 * 128 * 4;
        const QUEUE: usize = 1024 * 12 + 4;
        match self.needs_tensor_cores() {
            true => (SLABS + LINES + QUEUE).next_multiple_of(16),
            false => 0,
        }
    }

    /// The certificate's part of [`Rank`].
    pub(crate) fn certificate(self, dims: usize, scale: f64) -> Rank {
        let bound = match self {
            Self::Tf32 => Bound::tf32(dims, scale),
            Self::Tf32x3 => Bound::tf32x3(dims, scale),
            Self::Expanded => Bound::floats(dims, scale),
            Self::Direct => return direct(dims),
        };
        Rank {
            squared_scale: scale * scale,
            relative: bound.stored.0,
            absolute: bound.stored.1,
            gain: bound.score.0,
            constant: bound.score.1,
            rounding: bound.canonical(),
            direct: 0,
            ..Rank::default()
        }
    }
}

/// The direct form rounds each difference, its square and each sum at most once, and all terms have one sign: a score is
/// at most 1 + γ times the squared distance, γ = (D + 4)u / (1 − (D + 4)u), u = 2⁻²⁴, and D · 2⁻¹⁴⁸ more where terms
/// are subnormal.
fn direct(dims: usize) -> Rank {
    let bound = Bound::floats(dims, 1.0);
    let roundings = (dims as f64 + 4.0) * 2f64.powi(-24);
    Rank {
        squared_scale: 1.0,
        gain: match roundings > 0.5 {
            true => f64::INFINITY,
            false => roundings / (1.0 - roundings),
        },
        constant: dims as f64 * 2f64.powi(-148),
        rounding: bound.canonical(),
        direct: 1,
        ..Rank::default()
    }
}
