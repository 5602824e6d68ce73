//! One query of a tile while the panels pass by.

use super::{best::Best, pending::Pending, search::Pass};
use crate::{Classes, exact::squared_distance};
use std::ops::Range;

/// The positions that a query admits: a range, or all but a range. The range holds the query itself.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    range: Range<usize>,
    inverted: bool,
}

impl Admitted {
    /// `class` holds the positions of the query's own class; it is not asked where all are admitted.
    pub(super) fn new(classes: Classes, rows: usize, class: impl FnOnce() -> Range<usize>) -> Self {
        let (range, inverted) = match classes {
            Classes::Any => (0..rows, false),
            Classes::Same => (class(), false),
            Classes::Other => (class(), true),
        };
        Self { range, inverted }
    }

    /// Whether any position of `panel` is admitted.
    #[inline(always)]
    pub(super) fn meets(&self, panel: &Range<usize>) -> bool {
        if self.inverted {
            panel.start < self.range.start || self.range.end < panel.end
        } else {
            panel.start < self.range.end && self.range.start < panel.end
        }
    }

    /// A bit for each admitted position of `panel`, which holds 64 at most.
    #[inline(always)]
    pub(super) fn bits(&self, panel: &Range<usize>) -> u64 {
        let inside = below(self.range.end, panel) & !below(self.range.start, panel);
        if self.inverted {
            !inside & below(panel.end, panel)
        } else {
            inside
        }
    }
}

/// Bits of the positions of `panel` below `end`.
#[inline(always)]
fn below(end: usize, panel: &Range<usize>) -> u64 {
    match end.saturating_sub(panel.start).min(panel.len()) {
        64 => u64::MAX,
        count => (1 << count) - 1,
    }
}

/// A query: its row, what it admits, the best so far.
pub(super) struct Query {
    pub(super) row: u32,
    /// Where its row stands.
    position: usize,
    /// Squared norm of the packed row.
    norm: f64,
    pub(super) admitted: Admitted,
    pending: Pending,
    pub(super) best: Best,
}

impl Query {
    pub(super) fn new(row: u32, norm: f64, admitted: Admitted, pass: &Pass<'_>) -> Self {
        Self {
            row,
            position: pass.packed.position[row as usize] as usize,
            norm,
            admitted,
            pending: Pending::new(pass.k),
            best: Best::new(pass.k),
        }
    }

    /// Takes the rows of `near`, one bit for each position of `panel`, that it admits. Returns
    /// whether it is time to [`narrow`](Self::narrow).
    #[inline(always)]
    pub(super) fn take(&mut self, near: u64, scores: &[f32], panel: &Range<usize>) -> bool {
        let mut hits = near & self.admitted.bits(panel);
        if panel.contains(&self.position) {
            hits &= !(1 << (self.position - panel.start));
        }
        while hits != 0 {
            let at = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            self.pending.push(scores[at], panel.start + at);
        }
        self.pending.len() >= self.pending.room
    }

    /// Drops what cannot be among the k nearest. Returns a limit that drops no neighbour.
    #[inline(always)]
    pub(super) fn narrow(&mut self, pass: &Pass<'_>, limit: f32) -> f32 {
        let bound = pass.packed.bound;
        let mut limit = limit;
        if let Some(score) = self.pending.kth() {
            limit = limit.min(bound.limit(self.norm, bound.reach(self.norm, score)));
            self.pending.drop_above(limit);
        }
        // Where scores do not tell enough rows apart, distances do.
        if 2 * self.pending.len() > pass.k + self.pending.room {
            self.measure(pass);
            limit = limit.min(bound.limit(self.norm, self.best.reach()));
        }
        limit
    }

    /// Measures the rows that it has taken.
    #[inline(always)]
    pub(super) fn measure(&mut self, pass: &Pass<'_>) {
        let point = pass.rows.row(self.row as usize);
        for position in self.pending.drain() {
            let row = pass.packed.order[position];
            let distance = squared_distance(point, pass.rows.row(row as usize));
            self.best.offer(distance, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_range() {
        let other = |range| Admitted {
            range,
            inverted: true,
        };
        let same = |range| Admitted {
            range,
            inverted: false,
        };
        assert_eq!(same(3..6).bits(&(0..8)), 0b0011_1000);
        assert_eq!(same(3..6).bits(&(4..7)), 0b011);
        assert_eq!(other(3..6).bits(&(4..7)), 0b100);
        assert_eq!(same(0..200).bits(&(64..128)), u64::MAX);
        for panel in [0..8, 4..7, 4..6, 6..8, 0..3] {
            for admitted in [same(3..6), other(3..6), same(0..1), other(0..8)] {
                let any = admitted.bits(&panel) != 0;
                assert_eq!(admitted.meets(&panel), any, "{admitted:?} {panel:?}");
            }
        }
    }
}
