//! The least scores seen, in order.

use super::lanes::Floats;

/// The sixteen least of the numbers inserted.
#[repr(align(64))]
pub(super) struct Least {
    /// In rising order; +∞ where there are fewer.
    scores: [f32; Self::MOST],
}

impl Least {
    /// How many are kept.
    pub(super) const MOST: usize = 16;

    pub(super) fn new() -> Self {
        let scores = [f32::INFINITY; Self::MOST];
        Self { scores }
    }

    /// The k-th least, k from 1 to [`MOST`](Self::MOST); +∞ where there are fewer.
    #[inline(always)]
    pub(super) fn kth(&self, k: usize) -> f32 {
        self.scores[k - 1]
    }

    /// Inserts a number.
    ///
    /// # Safety
    /// The caller is compiled for F's instructions and the processor has them.
    #[inline(always)]
    pub(super) unsafe fn insert<F: Floats>(&mut self, score: f32) {
        // SAFETY: as the caller vouches.
        unsafe { F::insert(&mut self.scores, score) }
    }

    /// Inserts the negative of each value that has a bit.
    ///
    /// # Safety
    /// As [`insert`](Self::insert).
    #[inline(always)]
    pub(super) unsafe fn insert_negatives<F: Floats>(&mut self, values: &[f32], bits: u64) {
        // SAFETY: as the caller vouches.
        unsafe { F::insert_negatives(&mut self.scores, values, bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::lanes::Portable;
    #[cfg(target_arch = "x86_64")]
    use crate::cpu::{lanes_x86::Avx512, path::SimdPath};

    #[test]
    fn the_least_stand_in_order() {
        // SAFETY: the portable path needs no instructions of its own.
        unsafe { check::<Portable>() };
        #[cfg(target_arch = "x86_64")]
        if SimdPath::Avx512.is_available() {
            #[target_feature(enable = "avx512f")]
            fn avx512() {
                // SAFETY: this function is compiled for AVX-512F.
                unsafe { check::<Avx512>() };
            }
            // SAFETY: AVX-512F is there.
            unsafe { avx512() };
        }
    }

    #[inline(always)]
    unsafe fn check<F: Floats>() {
        let (mut one_by_one, mut at_once) = (Least::new(), Least::new());
        let scores: Vec<f32> = (0..100u32)
            .map(|i| (i * 37 % 101 / 2) as f32 - 9.0)
            .collect();
        let mut sorted = Vec::new();
        for scores in scores.chunks(5) {
            let negatives: Vec<f32> = scores.iter().map(|score| -score).collect();
            // SAFETY: as the caller vouches.
            unsafe {
                for score in scores {
                    one_by_one.insert::<F>(*score);
                }
                at_once.insert_negatives::<F>(&negatives, 0b11111);
            }
            sorted.extend(scores);
            sorted.sort_by(f32::total_cmp);
            for k in 1..=Least::MOST {
                let wanted = sorted.get(k - 1).copied().unwrap_or(f32::INFINITY);
                assert_eq!(
                    [&one_by_one, &at_once].map(|least| least.kth(k)),
                    [wanted; 2]
                );
            }
        }
    }
}
