//! The least scores seen, in order.

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

    /// Each place takes the greater of the number and its left neighbour, where that is less than
    /// what it holds: all at once, in vectors.
    #[inline(always)]
    pub(super) fn insert(&mut self, score: f32) {
        let (old, mut left) = (self.scores, [f32::NEG_INFINITY; Self::MOST]);
        left[1..].copy_from_slice(&old[..Self::MOST - 1]);
        for at in 0..Self::MOST {
            let greater = if left[at] > score { left[at] } else { score };
            self.scores[at] = if greater < old[at] { greater } else { old[at] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_stand_in_order() {
        let mut least = Least::new();
        let scores: Vec<f32> = (0..100u32)
            .map(|i| (i * 37 % 101 / 2) as f32 - 9.0)
            .collect();
        let mut sorted = Vec::new();
        for score in scores {
            least.insert(score);
            sorted.push(score);
            sorted.sort_by(f32::total_cmp);
            for k in 1..=Least::MOST {
                let wanted = sorted.get(k - 1).copied().unwrap_or(f32::INFINITY);
                assert_eq!(least.kth(k), wanted);
            }
        }
    }
}
