//! One query while the panels pass by.

use super::{
    Job,
    best::Best,
    block::Block,
    kernel::{WIDTH, not_below},
    lanes::Floats,
    least::Least,
    pending::Pending,
    search::Pass,
};
use crate::{Classes, Rows, exact::squared_distance};
use std::ops::Range;

/// The positions that a query admits: a range, or all but a range.
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

    /// No position.
    fn none() -> Self {
        let (range, inverted) = (0..0, false);
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
pub(super) struct Query<'a> {
    job: Job<'a>,
    /// Squared norm of the stored row.
    norm: f64,
    /// Where its row stands in the block that is searched; no position where it is not held.
    position: usize,
    pub(super) admitted: Admitted,
    /// A limit that nothing has proven; +∞ where there is none.
    pub(super) guess: f32,
    pending: Pending,
    /// Of all scores taken, where k is small.
    least: Least,
    /// How far the last limit was above its score.
    slack: f64,
    best: Best,
}

impl<'a> Query<'a> {
    /// `half` is half the squared norm of the stored row.
    pub(super) fn new(job: Job<'a>, half: f32, k: usize) -> Self {
        Self {
            job,
            norm: 2.0 * f64::from(half),
            position: usize::MAX,
            admitted: Admitted::none(),
            guess: f32::INFINITY,
            pending: Pending::new(k),
            least: Least::new(),
            slack: f64::INFINITY,
            best: Best::new(k),
        }
    }

    /// Row number.
    pub(super) fn row(&self) -> u32 {
        self.job.query
    }

    /// Gets ready for the rows of a block.
    pub(super) fn enter(&mut self, pass: &Pass<'_>, block: &Block) {
        let class = || block.class(pass.labels, pass.labels[self.job.query as usize]);
        self.admitted = Admitted::new(pass.classes, block.order.len(), class);
        self.position = block.position(self.job.query).unwrap_or(usize::MAX);
    }

    /// Bits of the positions that it admits, itself excluded.
    #[inline(always)]
    pub(super) fn admits(&self, positions: &Range<usize>) -> u64 {
        let bits = self.admitted.bits(positions);
        if positions.contains(&self.position) {
            bits & !(1 << (self.position - positions.start))
        } else {
            bits
        }
    }

    /// Takes a row of a score. Returns a new limit where there is one.
    ///
    /// # Safety
    /// The caller is compiled for F's instructions and the processor has them.
    #[inline(always)]
    pub(super) unsafe fn take<F: Floats>(
        &mut self,
        pass: &Pass<'_>,
        score: f32,
        row: u32,
    ) -> Option<f32> {
        let full = self.pending.push(score, row);
        if pass.k > Least::MOST {
            return full.then(|| self.narrow(pass));
        }
        let before = self.least.kth(pass.k);
        // SAFETY: as the caller vouches.
        unsafe { self.least.insert::<F>(score) };
        if full {
            return Some(self.narrow(pass));
        }
        let kth = self.least.kth(pass.k);
        (kth < before).then(|| self.limit_near(pass, kth))
    }

    /// Takes the rows of a panel that have a bit in `hits`; `order` are their numbers. Returns a new
    /// limit where there is one.
    ///
    /// # Safety
    /// As [`take`](Self::take).
    #[inline(always)]
    pub(super) unsafe fn take_all<F: Floats>(
        &mut self,
        pass: &Pass<'_>,
        mut hits: u64,
        closeness: &[f32; WIDTH],
        order: &[u32],
    ) -> Option<f32> {
        let mut limit = None;
        if pass.k <= Least::MOST {
            let before = self.least.kth(pass.k);
            // SAFETY: as the caller vouches.
            unsafe { self.least.insert_negatives::<F>(closeness, hits) };
            let kth = self.least.kth(pass.k);
            if kth < before {
                let lower = self.limit_near(pass, kth);
                limit = Some(lower);
                // What these rows tell together, they need not be taken for.
                // SAFETY: as the caller vouches.
                hits &= unsafe { not_below::<F>(closeness, -lower) };
            }
        }
        while hits != 0 {
            let at = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            if self.pending.push(-closeness[at], order[at]) {
                limit = Some(self.narrow(pass));
            }
        }
        limit
    }

    /// A limit that drops no neighbour where k rows have a score of at most `kth`, which has fallen.
    #[inline(always)]
    fn limit_near(&mut self, pass: &Pass<'_>, kth: f32) -> f32 {
        if self.slack == f64::INFINITY {
            let limit = self.limit(pass, kth);
            self.slack = f64::from(limit) - f64::from(kth);
            return limit;
        }
        // What a limit adds to a score falls with it.
        let limit = f64::from(kth) + self.slack;
        (limit as f32).next_up()
    }

    /// A limit that drops no neighbour where k rows have a score of at most `kth`.
    #[inline(always)]
    fn limit(&self, pass: &Pass<'_>, kth: f32) -> f32 {
        let bound = pass.format.bound;
        bound.limit(self.norm, bound.reach(self.norm, kth))
    }

    /// A score that k of the rows taken, or more, do not exceed.
    #[inline(always)]
    fn enough(&mut self, pass: &Pass<'_>) -> Option<f32> {
        if pass.k > Least::MOST {
            return self.pending.enough();
        }
        let kth = self.least.kth(pass.k);
        (kth < f32::INFINITY).then_some(kth)
    }

    /// Drops what cannot be among the k nearest. Returns a limit that drops no neighbour.
    #[inline(always)]
    fn narrow(&mut self, pass: &Pass<'_>) -> f32 {
        let mut limit = f32::INFINITY;
        if let Some(score) = self.enough(pass) {
            limit = self.limit(pass, score);
            self.slack = f64::from(limit) - f64::from(score);
            self.pending.drop_above(limit);
        }
        // Where scores do not tell enough rows apart, distances do.
        if 2 * self.pending.len() > pass.k + Pending::room(pass.k) {
            pass.indistinct(self.pending.len());
            self.measure(pass.format.rows);
            limit = limit.min(pass.format.bound.limit(self.norm, self.best.reach()));
        }
        limit
    }

    /// Measures the rows that it has taken.
    #[inline(always)]
    fn measure(&mut self, rows: Rows<'_>) {
        let point = rows.row(self.job.query as usize);
        self.best.expect(self.pending.len());
        for row in self.pending.drain() {
            let distance = squared_distance(point, rows.row(row as usize));
            self.best.offer(distance, row);
        }
    }

    /// Writes the k nearest of all that it was shown; gives the job back where a guess may have kept
    /// one of them out.
    #[inline(always)]
    pub(super) fn finish(mut self, pass: &Pass<'_>) -> Option<Job<'a>> {
        let mut limit = f32::INFINITY;
        if let Some(score) = self.enough(pass) {
            limit = self.limit(pass, score);
            self.pending.drop_above(limit);
        }
        self.measure(pass.format.rows);
        if limit > self.guess {
            limit = pass.format.bound.limit(self.norm, self.best.reach());
        }
        if limit > self.guess {
            return Some(self.job);
        }
        self.best.write(self.job.index, self.job.distance);
        None
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
