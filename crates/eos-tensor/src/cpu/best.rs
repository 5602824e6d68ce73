//! The k least candidates seen so far.

use crate::exact::before;

/// A bounded heap of (distance, row) with the greatest on top.
pub(super) struct Best {
    k: usize,
    heap: Vec<(f64, u32)>,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        let heap = Vec::new();
        Self { k, heap }
    }

    /// The greatest distance that may still enter; +∞ while there is room.
    #[inline(always)]
    pub(super) fn reach(&self) -> f64 {
        match self.heap.first() {
            Some(greatest) if self.heap.len() == self.k => greatest.0,
            _ => f64::INFINITY,
        }
    }

    #[inline(always)]
    pub(super) fn offer(&mut self, distance: f64, row: u32) {
        let candidate = (distance, row);
        if self.heap.len() < self.k {
            self.heap.push(candidate);
            self.rise();
        } else if before(candidate, self.heap[0]) {
            self.heap[0] = candidate;
            self.sink();
        }
    }

    #[cold]
    fn rise(&mut self) {
        let mut child = self.heap.len() - 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if !before(self.heap[parent], self.heap[child]) {
                break;
            }
            self.heap.swap(parent, child);
            child = parent;
        }
    }

    #[cold]
    fn sink(&mut self) {
        let mut parent = 0;
        loop {
            let mut child = 2 * parent + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && before(self.heap[child], self.heap[child + 1]) {
                child += 1;
            }
            if !before(self.heap[parent], self.heap[child]) {
                break;
            }
            self.heap.swap(parent, child);
            parent = child;
        }
    }

    /// Writes the candidates, nearest first; slots beyond them stay as they are.
    pub(super) fn write(self, index: &mut [u32], distance: &mut [f32]) {
        let mut list = self.heap;
        list.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (slot, (d, row)) in list.into_iter().enumerate() {
            index[slot] = row;
            distance[slot] = d as f32;
        }
    }
}
