//! Queries that pass the panels together.

use super::{
    Job,
    block::Block,
    kernel::{Panel, Scores, Strip, TALLEST, WIDTH, near},
    lanes::{Floats, Words},
    least::Least,
    query::Query,
    search::Pass,
};
use std::ops::Range;
use std::sync::Mutex;

/// As many queries as a panel has columns, with what the first pass compares.
pub(super) struct Crowd<'a> {
    words: Source<'a>,
    halves: Vec<f32>,
    /// The least closeness that matters to the query of each column; +∞ where there is none.
    floors: Vec<f32>,
    /// The floors less the halves.
    lowered: Vec<f32>,
    queries: Vec<Option<Query<'a>>>,
}

/// Where the queries' words are.
enum Source<'a> {
    /// In a panel of the block that is searched, which the queries' rows fill.
    Block(&'a Block, usize),
    Own(Vec<u32>),
}

impl<'a> Crowd<'a> {
    /// Queries packed for themselves, no more than columns.
    pub(super) fn gathered(pass: &Pass<'_>, jobs: &'a mut [Job<'_>]) -> Self {
        let mut words = vec![0; pass.format.words() * WIDTH];
        let mut halves = vec![0.0; WIDTH];
        let rows: Vec<u32> = jobs.iter().map(|job| job.query).collect();
        pass.format.put(&rows, &mut words, &mut halves);
        let mut jobs = jobs.iter_mut();
        Self::new(Source::Own(words), halves, |half| {
            jobs.next().map(|job| Query::new(job.again(), half, pass.k))
        })
    }

    /// The queries that stand in panel `p` of the block.
    pub(super) fn standing<'j: 'a>(
        pass: &Pass<'_>,
        block: &'a Block,
        p: usize,
        jobs: &mut [Option<Job<'j>>],
    ) -> Self {
        let halves = block.panel(p).halves.to_vec();
        let mut jobs = jobs.iter_mut();
        Self::new(Source::Block(block, p), halves, |half| {
            let job = jobs.next().and_then(Option::take);
            job.map(|job| Query::new(job, half, pass.k))
        })
    }

    fn new(
        words: Source<'a>,
        halves: Vec<f32>,
        mut query: impl FnMut(f32) -> Option<Query<'a>>,
    ) -> Self {
        let queries: Vec<_> = halves.iter().map(|half| query(*half)).collect();
        let floor = |query: &Option<Query<'_>>| match query {
            Some(_) => f32::NEG_INFINITY,
            None => f32::INFINITY,
        };
        let floors: Vec<f32> = queries.iter().map(floor).collect();
        Self {
            words,
            halves,
            lowered: floors.clone(),
            floors,
            queries,
        }
    }

    /// Gets all ready for the rows of a block.
    pub(super) fn enter(&mut self, pass: &Pass<'_>, block: &Block) {
        for query in self.queries.iter_mut().flatten() {
            query.enter(pass, block);
        }
    }

    /// Writes what each found; gives back the jobs for which that is not proven.
    #[inline(always)]
    pub(super) fn finish(self, pass: &Pass<'_>, unproven: &Mutex<Vec<Job<'a>>>) {
        for query in self.queries.into_iter().flatten() {
            if let Some(job) = query.finish(pass) {
                let mut unproven = unproven.lock().expect("no query panicked");
                unproven.push(job);
            }
        }
    }

    /// Raises the floors to where, by every so many panels, somewhat more than k rows will be found:
    /// fewer are taken than while floors rise by themselves. What they keep out wrongly is missed at
    /// the end.
    ///
    /// # Safety
    /// The caller is compiled for W's instructions and the processor has them.
    #[inline(always)]
    pub(super) unsafe fn guess<W: Words, const S: usize, const R: usize>(
        &mut self,
        pass: &Pass<'_>,
        block: &Block,
    ) {
        let every = (pass.k / 16).clamp(8, 32);
        if pass.k <= Least::MOST || block.panels() < 4 * every {
            return;
        }
        let expected = pass.k as f32 / every as f32;
        let rank = (expected + 3.0 * expected.sqrt() + 3.0) as usize;
        let mut scores: Scores = [[0.0; WIDTH]; TALLEST];
        let mut seen: [Vec<f32>; TALLEST] = Default::default();
        for strip in 0..WIDTH / S {
            for p in (0..block.panels()).step_by(every) {
                let (rows, positions) = (block.panel(p), block.positions(p));
                if !self.meets::<S>(strip, &positions) {
                    continue;
                }
                let points = strip_of(&self.words, &self.halves, &self.floors, strip * S);
                // SAFETY: as the caller vouches.
                unsafe { near::<W, S, R, false>(rows, points, &[], &mut scores) };
                for (q, closeness) in scores.iter().enumerate().take(S) {
                    if let Some(query) = &self.queries[strip * S + q] {
                        let mut bits = query.admits(&positions);
                        if bits == (1 << WIDTH) - 1 {
                            seen[q].extend_from_slice(closeness);
                            bits = 0;
                        }
                        while bits != 0 {
                            seen[q].push(closeness[bits.trailing_zeros() as usize]);
                            bits &= bits - 1;
                        }
                    }
                }
            }
            for (q, seen) in seen.iter_mut().enumerate().take(S) {
                let column = strip * S + q;
                if let Some(query) = &mut self.queries[column]
                    && seen.len() > rank
                {
                    let nearest_first = |a: &f32, b: &f32| b.total_cmp(a);
                    let (_, floor, _) = seen.select_nth_unstable_by(rank, nearest_first);
                    query.guess = -*floor;
                    self.floors[column] = *floor;
                    self.lower(column);
                }
                seen.clear();
            }
        }
    }

    /// Follows a floor that has risen.
    #[inline(always)]
    fn lower(&mut self, column: usize) {
        let lowered = self.floors[column] - self.halves[column];
        self.lowered[column] = lowered.next_down();
    }

    /// The panel where rows of the first query's class start.
    pub(super) fn starts(&self, pass: &Pass<'_>, block: &Block) -> usize {
        let first = self.queries.iter().flatten().next();
        let label = first.map_or(0, |query| pass.labels[query.row() as usize]);
        block.class(pass.labels, label).start / WIDTH % block.panels().max(1)
    }

    /// Whether some query of a strip admits one of `positions`.
    #[inline(always)]
    fn meets<const S: usize>(&self, strip: usize, positions: &Range<usize>) -> bool {
        let queries = &self.queries[strip * S..][..S];
        let mut queries = queries.iter().flatten();
        queries.any(|query| query.admitted.meets(positions))
    }

    /// Shows the rows of the panel that the queries stand in to them.
    ///
    /// # Safety
    /// The caller is compiled for W's instructions and the processor has them.
    #[inline(always)]
    pub(super) unsafe fn see_itself<W: Words, const S: usize, const R: usize>(
        &mut self,
        pass: &Pass<'_>,
    ) {
        if let Source::Block(block, p) = self.words {
            // SAFETY: as the caller vouches.
            unsafe { self.see::<W, S, R>(pass, block, p) };
        }
    }

    /// Shows the rows of panel `p` to the queries.
    ///
    /// # Safety
    /// The caller is compiled for W's instructions and the processor has them.
    #[inline(always)]
    pub(super) unsafe fn see<W: Words, const S: usize, const R: usize>(
        &mut self,
        pass: &Pass<'_>,
        block: &Block,
        p: usize,
    ) {
        let (rows, positions) = (block.panel(p), block.positions(p));
        let mut scores: Scores = [[0.0; WIDTH]; TALLEST];
        for strip in 0..WIDTH / S {
            if !self.meets::<S>(strip, &positions) {
                continue;
            }
            let points = strip_of(&self.words, &self.halves, &self.floors, strip * S);
            // SAFETY: as the caller vouches.
            let near = unsafe { near::<W, S, R, false>(rows, points, &[], &mut scores) };
            for (q, closeness) in scores.iter().enumerate().take(S) {
                if near.rows[q] != 0 {
                    let column = strip * S + q;
                    // SAFETY: as the caller vouches.
                    unsafe {
                        self.take::<W::Floats>(
                            pass,
                            column,
                            near.rows[q],
                            closeness,
                            block,
                            &positions,
                        );
                    }
                }
            }
        }
    }

    /// Shows the queries of two crowds, which stand in different panels of one block, to each other.
    ///
    /// # Safety
    /// The caller is compiled for W's instructions and the processor has them.
    #[inline(always)]
    pub(super) unsafe fn meet<W: Words, const S: usize, const R: usize>(
        &mut self,
        other: &mut Self,
        pass: &Pass<'_>,
    ) {
        let (Source::Block(block, own), Source::Block(_, p)) = (&self.words, &other.words) else {
            unreachable!("queries meet where they stand in the block");
        };
        let (block, own, p) = (*block, *own, *p);
        let (rows, positions) = (block.panel(p), block.positions(p));
        let first = block.positions(own).start;
        let mut scores: Scores = [[0.0; WIDTH]; TALLEST];
        for strip in 0..WIDTH / S {
            if !self.meets::<S>(strip, &positions) {
                continue;
            }
            let points = strip_of(&self.words, &self.halves, &self.floors, strip * S);
            // SAFETY: as the caller vouches.
            let near = unsafe { near::<W, S, R, true>(rows, points, &other.lowered, &mut scores) };
            for (q, closeness) in scores.iter().enumerate().take(S) {
                let column = strip * S + q;
                if near.rows[q] != 0 {
                    // SAFETY: as the caller vouches.
                    unsafe {
                        self.take::<W::Floats>(
                            pass,
                            column,
                            near.rows[q],
                            closeness,
                            block,
                            &positions,
                        );
                    }
                }
                if near.back[q] != 0
                    && let Some(query) = &self.queries[column]
                {
                    // Whether two rows admit each other depends on their classes alone.
                    let mut hits = near.back[q] & query.admitted.bits(&positions);
                    while hits != 0 {
                        let at = hits.trailing_zeros() as usize;
                        hits &= hits - 1;
                        let score = self.halves[column] - closeness[at] - rows.halves[at];
                        let row = block.order[first + column];
                        // SAFETY: as the caller vouches.
                        unsafe { other.offer::<W::Floats>(pass, at, score, row) };
                    }
                }
            }
        }
    }

    /// Gives the query of a column the rows of `near`, one bit for each of `positions`, that it admits.
    ///
    /// # Safety
    /// The caller is compiled for F's instructions and the processor has them.
    #[inline(always)]
    unsafe fn take<F: Floats>(
        &mut self,
        pass: &Pass<'_>,
        column: usize,
        near: u64,
        closeness: &[f32; WIDTH],
        block: &Block,
        positions: &Range<usize>,
    ) {
        let Some(query) = &mut self.queries[column] else {
            return;
        };
        let hits = near & query.admits(positions);
        if hits != 0 {
            let order = &block.order[positions.clone()];
            // SAFETY: as the caller vouches.
            let limit = unsafe { query.take_all::<F>(pass, hits, closeness, order) };
            self.raise(column, limit);
        }
    }

    /// Gives the query of a column a row of a score.
    ///
    /// # Safety
    /// As [`take`](Self::take).
    #[inline(always)]
    unsafe fn offer<F: Floats>(&mut self, pass: &Pass<'_>, column: usize, score: f32, row: u32) {
        if let Some(query) = &mut self.queries[column] {
            // SAFETY: as the caller vouches.
            let limit = unsafe { query.take::<F>(pass, score, row) };
            self.raise(column, limit);
        }
    }

    /// Raises the floor of a column to what a new limit of its query says.
    #[inline(always)]
    fn raise(&mut self, column: usize, limit: Option<f32>) {
        if let Some(limit) = limit {
            self.floors[column] = (-limit).max(self.floors[column]);
            self.lower(column);
        }
    }
}

/// A strip of the queries of a crowd.
#[inline(always)]
fn strip_of<'a>(
    words: &'a Source<'_>,
    halves: &'a [f32],
    floors: &'a [f32],
    first: usize,
) -> Strip<'a> {
    let words = match words {
        Source::Block(block, p) => block.panel(*p).words,
        Source::Own(words) => words,
    };
    Strip {
        panel: Panel { words, halves },
        first,
        floors,
    }
}
