//! Data that plugins are checked on.

use eos_tensor::PhiloxRng;

/// Streams of the kit's own randomness; what the plugin draws is keyed otherwise.
const STREAM: u32 = u32::MAX;

/// Labelled rows and what is wanted of each class.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub rows: Vec<f32>,
    pub dims: usize,
    pub labels: Vec<u32>,
    pub wanted: Vec<u64>,
}

impl Scene {
    /// Overlapping clouds of `counts` rows each, in turn as far as they last, none wanted.
    pub(super) fn clouds(counts: &[usize], dims: usize) -> Self {
        let mut rng = Self::rng(counts.len() as u64);
        let mut left = counts.to_vec();
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        while left.iter().any(|&left| left > 0) {
            for (class, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                *left -= 1;
                labels.push(class as u32);
                rows.extend((0..dims).map(|d| rng.normal() + (class * d) as f32 * 0.1));
            }
        }
        let wanted = vec![0; counts.len()];
        Self {
            rows,
            dims,
            labels,
            wanted,
        }
    }

    /// Four classes, the largest of which wants nothing.
    pub(super) fn usual() -> Self {
        Self::clouds(&[120, 50, 20, 10], 6).wanting(&[0, 30, 60, 110])
    }

    pub(super) fn wanting(mut self, wanted: &[u64]) -> Self {
        self.wanted = wanted.to_vec();
        self
    }

    pub(super) fn rng(index: u64) -> PhiloxRng {
        PhiloxRng::new(0xE05, STREAM, index)
    }

    pub(super) fn row(&self, i: u32) -> &[f32] {
        &self.rows[i as usize * self.dims..][..self.dims]
    }
}
