//! AVX-512F: a block is one register of sixteen floats.

use std::arch::x86_64::*;

use super::{Kernel, Lanes};

/// Runs a kernel on AVX-512F.
#[target_feature(enable = "avx512f")]
pub(super) fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Block>()
}

#[derive(Clone, Copy)]
struct Block(__m512);

// In all of these: a `Block` exists only below `enter` (see `Lanes`), whose caller has shown that
// the machine has AVX-512F.
impl Lanes for Block {
    /// Of 32 registers, leaving seven for weights and the other factor.
    const ACCUMULATORS: usize = 24;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the instruction exists (above).
        Block(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 16 readable floats; the instruction exists (above).
        Block(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 16 writable floats; the instruction exists (above).
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the instruction exists (above).
        Block(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the instruction exists (above).
        Block(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the instruction exists (above).
        Block(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: the instructions exist (above). The maximum is its second operand where one is
        // NaN.
        Block(unsafe { _mm512_max_ps(_mm512_setzero_ps(), self.0) })
    }

    #[inline(always)]
    fn where_positive(self, mask: Self) -> Self {
        // SAFETY: the instructions exist (above).
        unsafe {
            let keep = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(mask.0, _mm512_setzero_ps());
            Block(_mm512_maskz_mov_ps(keep, self.0))
        }
    }
}
