//! Philox4x32-10 (Salmon et al. 2011): random words as a pure function of seed and position.
//!
//! Counter-based randomness is what makes results independent of threads, batches and devices:
//! sample `index` of stream `stream` always gets the same words, whoever computes it.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The generator under one 64-bit seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// The generator whose key is `seed`: low word first.
    pub fn new(seed: u64) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
        }
    }

    /// Four words for counter (index low, index high, stream, block).
    ///
    /// For samplers, `index` is the sample's number within its class and `stream` the class;
    /// word 0 picks the base, word 1 the neighbour, word 2 the ratio.
    pub fn block(&self, index: u64, stream: u32, block: u32) -> [u32; 4] {
        rounds(
            [index as u32, (index >> 32) as u32, stream, block],
            self.key,
        )
    }
}

fn rounds(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let [low, high] =
            [(0, 0), (1, 2)].map(|(m, c)| u64::from(MULTIPLIERS[m]) * u64::from(counter[c]));
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
    }
    counter
}

/// A number below `n` from one word: `(word · n) >> 32`. Zero where `n` is 0.
pub fn below(word: u32, n: u32) -> u32 {
    ((u64::from(word) * u64::from(n)) >> 32) as u32
}

/// A number in [0, 1) from one word: its upper 24 bits times 2⁻²⁴.
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_random123() {
        let all = u32::MAX;
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [all; 4],
                [all; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                pi,
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, words) in cases {
            assert_eq!(rounds(counter, key), words);
        }
    }

    #[test]
    fn a_peer_makes_the_same_words() {
        let mut block = [1, 2, 3, 4];
        for _ in 0..10_000 {
            let key = [block[3], block[0]];
            let words = rounds(block, key);
            assert_eq!(words, rand_philox::philox4x32_10(block, key));
            block = words;
        }
    }

    #[test]
    fn draws_stay_in_range() {
        assert_eq!((below(u32::MAX, 7), below(0, 7), below(9, 0)), (6, 0, 0));
        assert_eq!(unit(0), 0.0);
        assert!(unit(u32::MAX) < 1.0);
    }
}
