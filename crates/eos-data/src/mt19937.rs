//! The Mersenne Twister as NumPy's legacy generator seeds and uses it, to the bit.
//!
//! Only for taking the same rows as published checkpoints were trained on; everything else here is
//! counter-based. Source: Matsumoto and Nishimura 1998 (`init_genrand`, `genrand_int32`), and
//! `numpy.random.RandomState.shuffle`.

const LENGTH: usize = 624;
const SHIFT: usize = 397;

/// The generator after `numpy.random.seed(seed)`.
#[derive(Debug)]
pub(crate) struct Mt19937 {
    state: [u32; LENGTH],
    position: usize,
}

impl Mt19937 {
    pub(crate) fn new(seed: u32) -> Self {
        let mut state = [seed; LENGTH];
        for i in 1..LENGTH {
            let last = state[i - 1];
            state[i] = 1_812_433_253_u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(i as u32);
        }
        Self {
            state,
            position: LENGTH,
        }
    }

    fn word(&mut self) -> u32 {
        if self.position == LENGTH {
            self.twist();
        }
        let mut word = self.state[self.position];
        self.position += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for i in 0..LENGTH {
            let joined =
                (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % LENGTH] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + SHIFT) % LENGTH] ^ (joined >> 1) ^ odd;
        }
        self.position = 0;
    }

    /// Shuffles as `RandomState.shuffle` does: from the end, each with one at or before it, drawn
    /// by rejection under the smallest mask.
    pub(crate) fn shuffle(&mut self, rows: &mut [u32]) {
        for last in (1..rows.len()).rev() {
            // Rows are numbered in 32 bits.
            let last = last as u32;
            let mask = u32::MAX >> last.leading_zeros();
            let other = loop {
                let drawn = self.word() & mask;
                if drawn <= last {
                    break drawn;
                }
            };
            rows.swap(last as usize, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_authors_program() {
        // The first outputs of mt19937ar.c with init_genrand(5489), the default seed of C++.
        let mut generator = Mt19937::new(5489);
        assert_eq!(generator.word(), 3_499_211_612);
        let ten_thousandth = (2..=10_000).map(|_| generator.word()).last();
        // The C++ standard fixes the 10,000th.
        assert_eq!(ten_thousandth, Some(4_123_659_995));
    }

    #[test]
    fn shuffles_are_numpys() {
        let mut generator = Mt19937::new(0);
        let mut begins = || {
            let mut rows: Vec<u32> = (0..5000).collect();
            generator.shuffle(&mut rows);
            rows[..10].to_vec()
        };
        assert_eq!(
            begins(),
            [398, 3833, 4836, 4572, 636, 2545, 1161, 2230, 148, 2530]
        );
        assert_eq!(begins()[..4], [597, 332, 521, 3935]);
    }
}
