//! The vectors of x86-64.

use super::lanes::{Floats, Words};
use std::arch::x86_64::*;

/// Sixteen lanes of AVX-512F.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// SAFETY: callers of the trait's functions vouch for AVX-512F.
unsafe impl Floats for Avx512 {
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
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: the caller vouches for AVX-512F.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller vouches for AVX-512F.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn not_below(self, floor: Self) -> u64 {
        // SAFETY: the caller vouches for AVX-512F.
        u64::from(unsafe { _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(self.0, floor.0) })
    }

    #[inline(always)]
    unsafe fn insert(least: &mut [f32; 16], score: f32) {
        // SAFETY: the caller vouches for AVX-512F; sixteen values are one register.
        unsafe {
            let held = <Self as Floats>::load(least);
            held.inserted(<Self as Floats>::splat(score)).store(least);
        }
    }

    #[inline(always)]
    unsafe fn insert_negatives(least: &mut [f32; 16], values: &[f32], mut bits: u64) {
        // SAFETY: the caller vouches for AVX-512F; sixteen values are one register.
        unsafe {
            // Without a branch on the values: they come in no order.
            let mut held = <Self as Floats>::load(least);
            while bits != 0 {
                let score = -values[bits.trailing_zeros() as usize];
                held = held.inserted(<Self as Floats>::splat(score));
                bits &= bits - 1;
            }
            held.store(least);
        }
    }
}

impl Avx512 {
    /// Rising values with one more, without the greatest.
    ///
    /// # Safety
    /// The processor has AVX-512F, and the caller is compiled for it.
    #[inline(always)]
    unsafe fn inserted(self, score: Self) -> Self {
        // SAFETY: the caller vouches for AVX-512F.
        unsafe {
            let (held, new) = (_mm512_castps_si512(self.0), _mm512_castps_si512(score.0));
            let left = _mm512_castsi512_ps(_mm512_alignr_epi32::<15>(held, new));
            Self(_mm512_min_ps(_mm512_max_ps(left, score.0), self.0))
        }
    }
}

// SAFETY: as above; the caller vouches for what is read.
unsafe impl Words for Avx512 {
    type Floats = Self;
    type Sums = Self;

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller vouches for AVX-512F and 16 words.
        Self(unsafe { _mm512_loadu_ps(from.cast()) })
    }

    #[inline(always)]
    unsafe fn splat(from: *const u32) -> Self {
        // SAFETY: the caller vouches for AVX-512F and the word.
        Self(unsafe { _mm512_set1_ps(from.cast::<f32>().read()) })
    }

    #[inline(always)]
    unsafe fn start(halves: &[f32]) -> Self {
        // SAFETY: the caller vouches for AVX-512F and 16 values.
        unsafe { <Self as Floats>::splat(0.0).minus(<Self as Floats>::load(halves)) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, a: Self, b: Self) -> Self {
        // SAFETY: the caller vouches for AVX-512F.
        Self(unsafe { _mm512_fmadd_ps(a.0, b.0, sums.0) })
    }

    #[inline(always)]
    unsafe fn floats(sums: Self) -> Self {
        sums
    }
}

/// Sixteen lanes of two i16 each: AVX-512F, and VNNI's sum of two products a lane.
#[derive(Clone, Copy)]
pub(super) struct Vnni(__m512i);

// SAFETY: callers of the trait's functions vouch for AVX-512F and AVX-512 VNNI, and for what is read.
unsafe impl Words for Vnni {
    type Floats = Avx512;
    type Sums = Self;

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller vouches for AVX-512F and 16 words.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn splat(from: *const u32) -> Self {
        // SAFETY: the caller vouches for AVX-512F and the word.
        Self(unsafe { _mm512_set1_epi32(from.cast::<i32>().read()) })
    }

    #[inline(always)]
    unsafe fn start(halves: &[f32]) -> Self {
        // SAFETY: the caller vouches for AVX-512F and 16 values.
        unsafe {
            let halves = _mm512_cvtps_epi32(<Avx512 as Floats>::load(halves).0);
            Self(_mm512_sub_epi32(_mm512_setzero_si512(), halves))
        }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, a: Self, b: Self) -> Self {
        // SAFETY: the caller vouches for AVX-512 VNNI.
        Self(unsafe { _mm512_dpwssd_epi32(sums.0, a.0, b.0) })
    }

    #[inline(always)]
    unsafe fn floats(sums: Self) -> Avx512 {
        // SAFETY: the caller vouches for AVX-512F.
        Avx512(unsafe { _mm512_cvtepi32_ps(sums.0) })
    }
}

/// Eight lanes of AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

// SAFETY: callers of the trait's functions vouch for AVX2 and FMA.
unsafe impl Floats for Avx2 {
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
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: the caller vouches for AVX2.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller vouches for AVX2.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn not_below(self, floor: Self) -> u64 {
        // SAFETY: the caller vouches for AVX2.
        let lanes = unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(self.0, floor.0)) };
        u64::from(lanes as u8)
    }
}

// SAFETY: as above; the caller vouches for what is read.
unsafe impl Words for Avx2 {
    type Floats = Self;
    type Sums = Self;

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller vouches for AVX2 and 8 words.
        Self(unsafe { _mm256_loadu_ps(from.cast()) })
    }

    #[inline(always)]
    unsafe fn splat(from: *const u32) -> Self {
        // SAFETY: the caller vouches for AVX2 and the word.
        Self(unsafe { _mm256_set1_ps(from.cast::<f32>().read()) })
    }

    #[inline(always)]
    unsafe fn start(halves: &[f32]) -> Self {
        // SAFETY: the caller vouches for AVX2 and 8 values.
        unsafe { <Self as Floats>::splat(0.0).minus(<Self as Floats>::load(halves)) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self, a: Self, b: Self) -> Self {
        // SAFETY: the caller vouches for FMA.
        Self(unsafe { _mm256_fmadd_ps(a.0, b.0, sums.0) })
    }

    #[inline(always)]
    unsafe fn floats(sums: Self) -> Self {
        sums
    }
}
