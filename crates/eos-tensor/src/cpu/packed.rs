//! Rows as the first pass reads them: centred, scaled, and in panels.

use super::bound::Bound;
use crate::Rows;
use rayon::prelude::*;
use std::ops::Range;

/// One copy of the rows: centred on their mean, scaled to at most 1 by a power of two, sorted by
/// class, and cut into panels `[D, width]` with one row a column.
pub(super) struct Packed<'a> {
    rows: Rows<'a>,
    mean: Vec<f64>,
    /// What a limit needs to know.
    pub(super) bound: Bound,
    /// Rows of a panel.
    pub(super) width: usize,
    /// Row number at each position.
    pub(super) order: Vec<u32>,
    /// Position of each row.
    pub(super) position: Vec<u32>,
    panels: Vec<f32>,
    /// Values before the first panel: with them, every panel starts where a cache line does.
    skipped: usize,
    /// Half the squared norm of the row at each position.
    halves: Vec<f32>,
}

/// Bytes of a cache line, and of the widest vector. A vector that straddles two lines costs two loads.
const LINE: usize = 64;
/// Rows of a part when all are summed. Fixed, so that sums do not depend on the threads.
const PART: usize = 1024;

impl<'a> Packed<'a> {
    pub(super) fn new(rows: Rows<'a>, labels: &[u32], width: usize) -> Self {
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|row| labels[*row as usize]);
        let mut position = vec![0; rows.len()];
        for (at, row) in order.iter().enumerate() {
            position[*row as usize] = at as u32;
        }
        let mean = mean(rows);
        let (dims, scale) = (rows.dims(), scale(rows, &mean));
        let count = rows.len().div_ceil(width);
        let mut panels = vec![0.0; count * width * dims + LINE / size_of::<f32>()];
        let skipped = panels
            .as_ptr()
            .align_offset(LINE)
            .min(LINE / size_of::<f32>());
        let mut halves = vec![0.0; count * width];
        let mut packed = Self {
            rows,
            mean,
            bound: Bound { dims, scale },
            width,
            order,
            position,
            panels: Vec::new(),
            skipped,
            halves: Vec::new(),
        };
        (
            panels[skipped..].par_chunks_exact_mut(width * dims),
            halves.par_chunks_mut(width),
            packed.order.par_chunks(width),
        )
            .into_par_iter()
            .for_each(|(panel, halves, order)| {
                for (column, row) in order.iter().enumerate() {
                    halves[column] = (0.5 * packed.put(*row, panel, width, column)) as f32;
                }
            });
        packed.panels = panels;
        packed.halves = halves;
        packed
    }

    /// Writes a row into a column of a panel of `width` columns; returns its squared norm.
    #[inline(always)]
    pub(super) fn put(&self, row: u32, panel: &mut [f32], width: usize, column: usize) -> f64 {
        let values = self.rows.row(row as usize).iter().zip(&self.mean);
        let mut norm = 0.0;
        for ((x, mean), slots) in values.zip(panel.chunks_exact_mut(width)) {
            let value = ((f64::from(*x) - mean) * self.bound.scale) as f32;
            slots[column] = value;
            norm += f64::from(value) * f64::from(value);
        }
        norm
    }

    /// How many panels there are.
    pub(super) fn panels(&self) -> usize {
        self.halves.len() / self.width
    }

    /// Panel `p` and half the squared norms of its rows.
    #[inline(always)]
    pub(super) fn panel(&self, p: usize) -> (&[f32], &[f32]) {
        let values = self.width * self.bound.dims;
        let panel = &self.panels[self.skipped + p * values..][..values];
        (panel, &self.halves[p * self.width..][..self.width])
    }

    /// The positions of the rows labelled `label`.
    pub(super) fn class(&self, labels: &[u32], label: u32) -> Range<usize> {
        let start = self
            .order
            .partition_point(|row| labels[*row as usize] < label);
        let end = self
            .order
            .partition_point(|row| labels[*row as usize] <= label);
        start..end
    }
}

fn mean(rows: Rows<'_>) -> Vec<f64> {
    let dims = rows.dims();
    let parts = rows.data().par_chunks(PART * dims).map(|part| {
        let mut sums = vec![0.0; dims];
        for row in part.chunks_exact(dims) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += f64::from(*x);
            }
        }
        sums
    });
    let parts: Vec<Vec<f64>> = parts.collect();
    let sum = |j| parts.iter().map(|part| part[j]).sum::<f64>();
    (0..dims).map(|j| sum(j) / rows.len() as f64).collect()
}

/// The power of two that brings the greatest deviation into (½, 1], or less.
fn scale(rows: Rows<'_>, mean: &[f64]) -> f64 {
    let dims = rows.dims();
    let greatest = |part: &[f32]| {
        let mut greatest = 0f64;
        for row in part.chunks_exact(dims) {
            for (x, mean) in row.iter().zip(mean) {
                let deviation = (f64::from(*x) - mean).abs();
                greatest = if deviation > greatest {
                    deviation
                } else {
                    greatest
                };
            }
        }
        greatest
    };
    let parts = rows.data().par_chunks(PART * dims).map(greatest);
    let greatest = parts.reduce(|| 0.0, f64::max);
    if greatest == 0.0 {
        return 1.0;
    }
    2f64.powi(-(greatest.log2().ceil() as i32))
}
