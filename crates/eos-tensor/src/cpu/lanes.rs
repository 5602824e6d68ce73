//! Vectors of f32: all that the first pass needs of an instruction set.

/// `N` values in one register (or a few).
///
/// # Safety
/// Every function may be called only where the processor has the implementer's instructions, and
/// from code compiled for them, so that it is inlined.
pub(super) unsafe trait Lanes: Copy {
    /// Values held; 16 at most.
    const N: usize;

    /// The first `N` values of `from`, which must hold as many.
    ///
    /// # Safety
    /// As the trait's; `from` holds at least `N` values.
    unsafe fn load(from: &[f32]) -> Self;

    /// Writes the values to the first `N` of `to`, which must have as many.
    ///
    /// # Safety
    /// As the trait's; `to` holds at least `N` values.
    unsafe fn store(self, to: &mut [f32]);

    /// `value` in every lane.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn splat(value: f32) -> Self;

    /// `self − a · b`, rounded once or twice.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn minus_product(self, a: Self, b: Self) -> Self;

    /// A bit for each lane that is not above `limit`; set for NaN.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn not_above(self, limit: Self) -> u64;
}

/// Four lanes that compilers map to SSE2, NEON or scalars.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

// SAFETY: plain Rust; any processor runs it.
unsafe impl Lanes for Portable {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn load(from: &[f32]) -> Self {
        Self([from[0], from[1], from[2], from[3]])
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32]) {
        to[..4].copy_from_slice(&self.0);
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn minus_product(mut self, a: Self, b: Self) -> Self {
        // No mul_add: without FMA instructions it is a library call.
        for l in 0..4 {
            self.0[l] -= a.0[l] * b.0[l];
        }
        self
    }

    #[inline(always)]
    unsafe fn not_above(self, limit: Self) -> u64 {
        let mut bits = 0;
        for l in 0..4 {
            let above = self.0[l] > limit.0[l];
            bits |= u64::from(!above) << l;
        }
        bits
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    /// Sixteen lanes of AVX-512F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    // SAFETY: callers of the trait's functions vouch for AVX-512F.
    unsafe impl Lanes for Avx512 {
        const N: usize = 16;

        #[inline(always)]
        unsafe fn load(from: &[f32]) -> Self {
            debug_assert!(from.len() >= Self::N);
            // SAFETY: the caller vouches for AVX-512F and 16 values.
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        unsafe fn store(self, to: &mut [f32]) {
            debug_assert!(to.len() >= Self::N);
            // SAFETY: the caller vouches for AVX-512F and 16 values.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller vouches for AVX-512F.
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn minus_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the caller vouches for AVX-512F.
            Self(unsafe { _mm512_fnmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        unsafe fn not_above(self, limit: Self) -> u64 {
            // SAFETY: the caller vouches for AVX-512F.
            u64::from(unsafe { _mm512_cmp_ps_mask::<_CMP_NGT_UQ>(self.0, limit.0) })
        }
    }

    /// Eight lanes of AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256);

    // SAFETY: callers of the trait's functions vouch for AVX2 and FMA.
    unsafe impl Lanes for Avx2 {
        const N: usize = 8;

        #[inline(always)]
        unsafe fn load(from: &[f32]) -> Self {
            debug_assert!(from.len() >= Self::N);
            // SAFETY: the caller vouches for AVX2 and 8 values.
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        unsafe fn store(self, to: &mut [f32]) {
            debug_assert!(to.len() >= Self::N);
            // SAFETY: the caller vouches for AVX2 and 8 values.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller vouches for AVX2.
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn minus_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the caller vouches for FMA.
            Self(unsafe { _mm256_fnmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        unsafe fn not_above(self, limit: Self) -> u64 {
            // SAFETY: the caller vouches for AVX2.
            let lanes =
                unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NGT_UQ>(self.0, limit.0)) };
            u64::from(lanes as u8)
        }
    }
}
