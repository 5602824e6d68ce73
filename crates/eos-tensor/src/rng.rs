//! A sequential generator over one Philox stream, usable with every distribution of crate `rand`.

use crate::philox::{self, Philox};
use std::convert::Infallible;

/// The words of counters (index, stream, 0), (index, stream, 1), … in order.
///
/// ```
/// use eos_tensor::{PhiloxRng, philox::Philox, stream};
/// let mut rng = PhiloxRng::new(7, stream::SPLIT, 3);
/// assert_eq!(rng.word(), Philox::new(7).block(3, stream::SPLIT, 0)[0]);
/// ```
#[derive(Debug, Clone)]
pub struct PhiloxRng {
    philox: Philox,
    stream: u32,
    index: u64,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl PhiloxRng {
    /// The generator of one use (`stream`, see [`stream`](crate::stream)) and one part of it (`index`).
    pub fn new(seed: u64, stream: u32, index: u64) -> Self {
        Self {
            philox: Philox::new(seed),
            stream,
            index,
            block: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = self.philox.block(self.index, self.stream, self.block);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        philox::below(self.word(), n)
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f32 {
        philox::unit(self.word())
    }

    /// A normal deviate of mean 0 and deviation 1 (Box–Muller in f64).
    pub fn normal(&mut self) -> f32 {
        // The first is in (0, 1], so that its logarithm is finite.
        let radius = (f64::from(self.word()) + 1.0) / 4_294_967_296.0;
        let angle = f64::from(self.word()) / 4_294_967_296.0 * std::f64::consts::TAU;
        ((-2.0 * radius.ln()).sqrt() * angle.cos()) as f32
    }
}

impl rand::TryRng for PhiloxRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::seq::SliceRandom;

    #[test]
    fn a_shuffle_is_pinned() {
        let mut order: Vec<u32> = (0..8).collect();
        order.shuffle(&mut PhiloxRng::new(0, crate::stream::SPLIT, 0));
        assert_eq!(order, [3, 0, 6, 1, 4, 2, 5, 7]);
    }

    #[test]
    fn normal_deviates_have_mean_zero_and_deviation_one() {
        let mut rng = PhiloxRng::new(1, crate::stream::INITIALISATION, 0);
        let n = 20_000;
        let draws: Vec<f64> = (0..n).map(|_| f64::from(rng.normal())).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
    }
}
