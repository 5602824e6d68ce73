//! The k least measured rows seen so far.

/// The least k of what is offered, by (distance, row), found by selection now and then: constant
/// work for each offer at any k.
pub(super) struct Best {
    k: usize,
    /// Fewer than 2 k keys. An order of f64 that are not negative is that of their bits.
    keys: Vec<u128>,
    /// Keys above this are not among the least.
    most: u128,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            keys: Vec::new(),
            most: u128::MAX,
        }
    }

    /// Makes room for so many offers.
    pub(super) fn expect(&mut self, offers: usize) {
        self.keys.reserve(offers);
    }

    #[inline(always)]
    pub(super) fn offer(&mut self, distance: f64, row: u32) {
        let key = u128::from(distance.to_bits()) << 32 | u128::from(row);
        if key <= self.most {
            self.keys.push(key);
            if self.keys.len() == 2 * self.k {
                self.settle();
            }
        }
    }

    /// Keeps the least k only.
    fn settle(&mut self) {
        if self.keys.len() >= self.k {
            let (_, most, _) = self.keys.select_nth_unstable(self.k - 1);
            self.most = *most;
            self.keys.truncate(self.k);
        }
    }

    /// The greatest distance that may still enter; +∞ while there is room.
    pub(super) fn reach(&mut self) -> f64 {
        self.settle();
        match self.most {
            u128::MAX => f64::INFINITY,
            most => distance(most),
        }
    }

    /// Writes the least k, nearest first; slots beyond them stay as they are.
    #[inline(always)]
    pub(super) fn write(self, index: &mut [u32], distances: &mut [f32]) {
        // By distance in f32, which small keys hold, and then exactly where that ties.
        let mut order = Vec::with_capacity(self.keys.len());
        for (slot, key) in self.keys.iter().enumerate() {
            let rounded = (distance(*key) as f32).to_bits();
            order.push(u64::from(rounded) << 32 | slot as u64);
        }
        order.sort_unstable();
        let key = |place: &u64| self.keys[*place as u32 as usize];
        for ties in order.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
            if ties.len() > 1 {
                ties.sort_unstable_by_key(key);
            }
        }
        let nearest = order.iter().take(self.k).map(key);
        for ((key, index), slot) in nearest.zip(index).zip(distances) {
            *index = key as u32;
            *slot = distance(key) as f32;
        }
    }
}

fn distance(key: u128) -> f64 {
    f64::from_bits((key >> 32) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_are_kept_by_distance_and_row() {
        let mut best = Best::new(3);
        assert_eq!(best.reach(), f64::INFINITY);
        for (row, distance) in [5.0, 2.0, 2.0, 0.0, 9.0, 2.0, 0.5].into_iter().enumerate() {
            best.offer(distance, 10 - row as u32);
        }
        assert_eq!(best.reach(), 2.0);
        let (mut index, mut distance) = ([0; 4], [7.0; 4]);
        best.write(&mut index, &mut distance);
        assert_eq!(index, [7, 4, 5, 0]);
        assert_eq!(distance, [0.0, 0.5, 2.0, 7.0]);
    }
}
