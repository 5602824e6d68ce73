//! Rows of the kernel matrix that were used last, in bounded memory.

use eos_plugin::Error;

/// Writes the kernels of a row.
pub type Fill<'a> = dyn FnMut(usize, &mut [f32]) -> Result<(), Error> + 'a;

/// Marks a row that is not held.
const NONE: u32 = u32::MAX;

/// Holds the kernel rows used last. What is held changes the time that a solution takes, and
/// nothing else.
#[derive(Debug)]
pub struct Cache {
    width: usize,
    most: usize,
    rows: Vec<Held>,
    /// Where each row is held.
    slot: Vec<u32>,
    /// Uses so far.
    clock: u64,
}

#[derive(Debug)]
struct Held {
    row: u32,
    used: u64,
    kernels: Vec<f32>,
}

impl Cache {
    /// For `len` rows of `width` kernels each, in `bytes` of memory, but two rows at least.
    pub fn new(len: usize, width: usize, bytes: usize) -> Self {
        Self {
            width,
            most: (bytes / (4 * width).max(1)).clamp(2, len.max(2)),
            rows: Vec::new(),
            slot: vec![NONE; len],
            clock: 0,
        }
    }

    /// Where row `row` is held, after `fill` has computed it if it was not. It stays there until
    /// `most` other rows were fetched, so for the next fetch at least.
    pub fn fetch(&mut self, row: usize, fill: &mut Fill<'_>) -> Result<usize, Error> {
        self.clock += 1;
        if self.slot[row] == NONE {
            let slot = self.free();
            fill(row, &mut self.rows[slot].kernels)?;
            self.rows[slot].row = row as u32;
            self.slot[row] = slot as u32;
        }
        let slot = self.slot[row] as usize;
        self.rows[slot].used = self.clock;
        Ok(slot)
    }

    /// The kernels held at `slot`.
    pub fn kernels(&self, slot: usize) -> &[f32] {
        &self.rows[slot].kernels
    }

    /// A place for a row: a new one, or that of the row that was used longest ago.
    fn free(&mut self) -> usize {
        if self.rows.len() < self.most {
            self.rows.push(Held {
                row: NONE,
                used: 0,
                kernels: vec![0.0; self.width],
            });
            return self.rows.len() - 1;
        }
        let oldest = self.rows.iter().enumerate().min_by_key(|(_, h)| h.used);
        let slot = oldest.map_or(0, |(slot, _)| slot);
        let row = std::mem::replace(&mut self.rows[slot].row, NONE);
        if row != NONE {
            self.slot[row as usize] = NONE;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_used_longest_ago_makes_room() {
        let mut cache = Cache::new(9, 2, 3 * 8);
        let mut filled = Vec::new();
        for row in [4, 5, 6, 4, 7, 5, 4] {
            let slot = cache
                .fetch(row, &mut |row, out| {
                    filled.push(row);
                    out.fill(row as f32);
                    Ok(())
                })
                .unwrap();
            assert_eq!(cache.kernels(slot), [row as f32; 2]);
        }
        // 7 took the place of 5, then 5 that of 6.
        assert_eq!(filled, [4, 5, 6, 7, 5]);
        assert_eq!(cache.rows.len(), 3);
    }

    #[test]
    fn a_row_that_could_not_be_filled_is_not_held() {
        let mut cache = Cache::new(9, 2, 0);
        let mut fail = |_: usize, _: &mut [f32]| Err(Error::Cancelled);
        for row in [1, 2, 3, 1] {
            assert_eq!(cache.fetch(row, &mut fail), Err(Error::Cancelled));
        }
        let mut fill = |row: usize, out: &mut [f32]| {
            out.fill(row as f32);
            Ok(())
        };
        let (a, b) = (
            cache.fetch(1, &mut fill).unwrap(),
            cache.fetch(2, &mut fill).unwrap(),
        );
        assert_eq!((cache.kernels(a)[0], cache.kernels(b)[0]), (1.0, 2.0));
    }
}
