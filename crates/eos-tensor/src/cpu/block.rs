//! Rows as the first pass reads them: in panels.

use super::{
    format::Format,
    kernel::{Panel, WIDTH},
};
use rayon::prelude::*;
use std::ops::Range;

/// Some rows of a set, sorted by class and cut into panels `[words, WIDTH]` with one row a column.
pub(super) struct Block {
    /// The rows held.
    rows: Range<usize>,
    /// Row number at each position.
    pub(super) order: Vec<u32>,
    /// Position of each row, counted from the first of `rows`.
    position: Vec<u32>,
    words: Vec<u32>,
    /// Words before the first panel: with them, every panel starts where a cache line does.
    skipped: usize,
    /// Words of a panel.
    panel: usize,
    /// Half the squared norm of the row at each position.
    halves: Vec<f32>,
}

/// Words of a cache line, and of the widest vector. A vector that straddles two lines costs two loads.
const LINE: usize = 16;

impl Block {
    pub(super) fn new(format: &Format<'_>, labels: &[u32], rows: Range<usize>) -> Self {
        let mut order: Vec<u32> = (rows.start as u32..rows.end as u32).collect();
        order.sort_by_key(|row| labels[*row as usize]);
        let mut position = vec![0; order.len()];
        for (at, row) in order.iter().enumerate() {
            position[*row as usize - rows.start] = at as u32;
        }
        let (panels, panel) = (order.len().div_ceil(WIDTH), format.words() * WIDTH);
        let mut words = vec![0; panels * panel + LINE];
        let skipped = words
            .as_ptr()
            .align_offset(LINE * size_of::<u32>())
            .min(LINE);
        let mut halves = vec![0.0; panels * WIDTH];
        (
            words[skipped..].par_chunks_exact_mut(panel),
            halves.par_chunks_mut(WIDTH),
            order.par_chunks(WIDTH),
        )
            .into_par_iter()
            .for_each(|(panel, halves, order)| format.put(order, panel, halves));
        Self {
            rows,
            order,
            position,
            words,
            skipped,
            panel,
            halves,
        }
    }

    /// How many panels there are.
    pub(super) fn panels(&self) -> usize {
        self.halves.len() / WIDTH
    }

    /// Panel `p`.
    #[inline(always)]
    pub(super) fn panel(&self, p: usize) -> Panel<'_> {
        Panel {
            words: &self.words[self.skipped + p * self.panel..][..self.panel],
            halves: &self.halves[p * WIDTH..][..WIDTH],
        }
    }

    /// The positions of panel `p`; the last may have fewer than it has columns.
    #[inline(always)]
    pub(super) fn positions(&self, p: usize) -> Range<usize> {
        p * WIDTH..((p + 1) * WIDTH).min(self.order.len())
    }

    /// Where a row stands, if it is held.
    pub(super) fn position(&self, row: u32) -> Option<usize> {
        let held = self.rows.contains(&(row as usize));
        held.then(|| self.position[row as usize - self.rows.start] as usize)
    }

    /// The positions of the rows labelled `label`.
    pub(super) fn class(&self, labels: &[u32], label: u32) -> Range<usize> {
        let below = |row: &u32| labels[*row as usize] < label;
        let start = self.order.partition_point(below);
        let not_above = |row: &u32| labels[*row as usize] <= label;
        start..self.order.partition_point(not_above)
    }
}
