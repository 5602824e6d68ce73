//! Rows that the first pass could not drop, by their scores, until they are measured.

/// Row numbers with their scores, unsorted.
pub(super) struct Pending {
    k: usize,
    /// The score, ordered as an integer, above the row. Never more than it has [`room`](Self::room) for.
    keys: Vec<u64>,
}

impl Pending {
    /// Room beyond k: as much again, so that a selection is paid by as many rows; and for a small k
    /// enough that limits are not computed all the time.
    const LEAST_ROOM: usize = 24;
    /// At this many, the k-th least is not looked for exactly,
    const MANY: usize = 96;
    /// but by a sample of so many.
    const SAMPLE: usize = 32;

    /// Rows held until it is time to find a lower limit.
    pub(super) fn room(k: usize) -> usize {
        k + k.max(Self::LEAST_ROOM)
    }

    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            keys: Vec::new(),
        }
    }

    /// Takes a row; whether it was the last that there is room for.
    #[inline(always)]
    pub(super) fn push(&mut self, score: f32, row: u32) -> bool {
        if self.keys.capacity() == 0 {
            self.keys.reserve_exact(Self::room(self.k));
        }
        self.keys.push(ordered(score) << 32 | u64::from(row));
        self.keys.len() >= Self::room(self.k)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// A score that k rows or more do not exceed, and not many more than k.
    #[inline(always)]
    pub(super) fn enough(&mut self) -> Option<f32> {
        let held = self.keys.len();
        if held < self.k {
            return None;
        }
        if held < Self::MANY {
            return Some(score(*self.keys.select_nth_unstable(self.k - 1).1));
        }
        // A sorted sample tells about where the k-th is; counting, whether that is far enough.
        let mut sample = [0; Self::SAMPLE];
        for (i, key) in sample.iter_mut().enumerate() {
            *key = self.keys[i * held / Self::SAMPLE];
        }
        sample.sort_unstable();
        let mut rank = self.k * Self::SAMPLE / held + 1;
        while rank < Self::SAMPLE {
            let mut count = 0;
            for key in &self.keys {
                count += usize::from(*key <= sample[rank]);
            }
            if count >= self.k {
                return Some(score(sample[rank]));
            }
            rank += 2;
        }
        Some(f32::INFINITY)
    }

    /// Drops the scores above `limit`.
    #[inline(always)]
    pub(super) fn drop_above(&mut self, limit: f32) {
        let most = ordered(limit) << 32 | u64::from(u32::MAX);
        let mut kept = 0;
        for at in 0..self.keys.len() {
            let key = self.keys[at];
            self.keys[kept] = key;
            kept += usize::from(key <= most);
        }
        self.keys.truncate(kept);
    }

    /// All rows; none are left.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = u32> {
        self.keys.drain(..).map(|key| key as u32)
    }
}

/// The bits of a number that is not NaN, in an order of integers that is the order of numbers.
#[inline(always)]
fn ordered(score: f32) -> u64 {
    let bits = score.to_bits();
    let flip = ((bits as i32 >> 31) as u32) | 1 << 31;
    u64::from(bits ^ flip)
}

/// The score of a key.
#[inline(always)]
fn score(key: u64) -> f32 {
    let bits = (key >> 32) as u32;
    let flip = ((!bits as i32 >> 31) as u32) | 1 << 31;
    f32::from_bits(bits ^ flip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_scores() {
        let scores = [f32::MIN, -1.5, -1e-42, -0.0, 0.0, 1e-42, 2.0, f32::MAX];
        assert!(scores.map(ordered).is_sorted_by(|a, b| a < b));
        for value in scores {
            assert_eq!(score(ordered(value) << 32 | 7).to_bits(), value.to_bits());
        }
    }

    #[test]
    fn what_ties_with_the_limit_stays() {
        let mut pending = Pending::new(2);
        assert_eq!(pending.enough(), None);
        for (position, score) in [3.0, -1.0, 1.0, 2.0, 0.5, 1.0].into_iter().enumerate() {
            assert!(!pending.push(score, position as u32));
        }
        assert_eq!(pending.enough(), Some(0.5));
        pending.drop_above(1.0);
        let mut left: Vec<u32> = pending.drain().collect();
        left.sort();
        assert_eq!(left, [1, 2, 4, 5]);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_sample_finds_enough_and_not_many_more() {
        for k in [1, 60, 300, 599, 600] {
            let mut pending = Pending::new(k);
            // In no order, and with ties.
            let scores = (0..600u32).map(|i| (i * 7919 % 600 / 3) as f32);
            for (row, score) in scores.enumerate() {
                pending.keys.push(ordered(score) << 32 | row as u64);
            }
            let limit = pending.enough().unwrap();
            pending.drop_above(limit);
            assert!(
                (k..=k + 120).contains(&pending.len()),
                "{} for {k}",
                pending.len()
            );
        }
    }
}
