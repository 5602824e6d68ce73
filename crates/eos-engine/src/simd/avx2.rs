//! AVX2 with FMA: a block is two registers of eight floats.

use std::arch::x86_64::*;

use super::{Kernel, Lanes};

/// Runs a kernel on AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Block>()
}

#[derive(Clone, Copy)]
struct Block(__m256, __m256);

// In all of these: a `Block` exists only below `enter` (see `Lanes`), whose caller has shown that
// the machine has AVX2 and FMA.
impl Lanes for Block {
    /// Twelve of sixteen registers, leaving two for weights and one for the other factor.
    const ACCUMULATORS: usize = 6;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the instructions exist (above).
        let half = unsafe { _mm256_set1_ps(x) };
        Block(half, half)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 16 readable floats; the instructions exist (above).
        unsafe { Block(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 16 writable floats; the instructions exist (above).
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the instructions exist (above).
        unsafe {
            Block(
                _mm256_add_ps(self.0, other.0),
                _mm256_add_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the instructions exist (above).
        unsafe {
            Block(
                _mm256_sub_ps(self.0, other.0),
                _mm256_sub_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the instructions exist (above).
        unsafe {
            Block(
                _mm256_fmadd_ps(self.0, factor.0, addend.0),
                _mm256_fmadd_ps(self.1, factor.1, addend.1),
            )
        }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: the instructions exist (above).
        unsafe {
            let zero = _mm256_setzero_ps();
            // The instruction returns its second operand where one is NaN.
            Block(_mm256_max_ps(zero, self.0), _mm256_max_ps(zero, self.1))
        }
    }

    #[inline(always)]
    fn where_positive(self, mask: Self) -> Self {
        // SAFETY: the instructions exist (above).
        unsafe {
            let zero = _mm256_setzero_ps();
            Block(
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(mask.0, zero), self.0),
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(mask.1, zero), self.1),
            )
        }
    }
}
