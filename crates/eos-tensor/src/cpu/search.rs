//! The search with a first pass: panels shown to crowds of queries, survivors measured exactly.

use super::{
    Job, SimdPath,
    block::Block,
    crowd::Crowd,
    format::{Form, Format},
    kernel::WIDTH,
    pending::Pending,
    query::Query,
    step::{Step, Tile},
};
use crate::Classes;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes of a tile, so that it stays in the second-level cache: its queries' words, and what waits.
const TILE_BYTES: usize = 512 << 10;
/// Tiles for each thread, where there are enough queries: late tiles even out.
const TILES_PER_THREAD: usize = 4;

/// Rows made ready for searches on one path.
pub(super) struct Prepared<'a> {
    format: Format<'a>,
    labels: &'a [u32],
    path: SimdPath,
    /// Bytes of the rows of one block; larger sets are searched block by block. And bytes of the queries
    /// that wait at once; more are answered group by group.
    memory: (usize, usize),
    /// All rows, where one block holds them.
    whole: Option<Block>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(
        format: Format<'a>,
        labels: &'a [u32],
        path: SimdPath,
        memory: usize,
    ) -> Self {
        let mut prepared = Self {
            format,
            labels,
            path,
            memory: (memory / 3 * 2, memory / 3),
            whole: None,
        };
        let rows = prepared.format.rows.len();
        if prepared.rows_of_a_block() >= rows {
            prepared.whole = Some(prepared.block(0..rows));
        }
        prepared
    }

    fn rows_of_a_block(&self) -> usize {
        (self.memory.0 / size_of::<u32>() / self.format.words()).max(WIDTH)
    }

    fn block(&self, rows: Range<usize>) -> Block {
        Block::new(&self.format, self.labels, rows)
    }

    /// Answers the jobs, or gives up where the format tells too few rows apart.
    pub(super) fn search(
        &self,
        jobs: &mut [Job<'_>],
        k: usize,
        classes: Classes,
    ) -> Result<(), Coarse> {
        let rows = self.format.rows.len();
        let pass = Pass {
            format: &self.format,
            labels: self.labels,
            k,
            classes,
            path: self.path,
            memory: self.memory.1,
            indistinct: AtomicUsize::new(0),
            most: jobs.len().saturating_mul(2 * Pending::room(k) + rows / 64),
            coarse: AtomicBool::new(false),
        };
        match &self.whole {
            Some(block) => pass.whole(block, jobs),
            None => {
                let step = self.rows_of_a_block();
                let blocks = (0..rows)
                    .step_by(step)
                    .map(|start| start..(start + step).min(rows));
                pass.blocks(jobs, &blocks.collect::<Vec<_>>(), |rows| self.block(rows));
            }
        }
        if pass.gave_up() { Err(Coarse) } else { Ok(()) }
    }
}

/// The format stores rows too coarsely for a first pass over them to pay.
#[derive(Debug)]
pub(super) struct Coarse;

/// One search: what all queries share.
pub(super) struct Pass<'a> {
    pub(super) format: &'a Format<'a>,
    pub(super) labels: &'a [u32],
    pub(super) k: usize,
    pub(super) classes: Classes,
    /// Must be available.
    pub(super) path: SimdPath,
    /// Bytes of the queries that wait.
    memory: usize,
    /// Rows measured because their scores did not tell them apart, and how many may be.
    indistinct: AtomicUsize,
    most: usize,
    coarse: AtomicBool,
}

impl Pass<'_> {
    /// Notes that scores did not tell so many rows apart.
    pub(super) fn indistinct(&self, rows: usize) {
        let before = self.indistinct.fetch_add(rows, Ordering::Relaxed);
        if self.format.form == Form::Pairs && before + rows > self.most {
            self.coarse.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the rows must be stored otherwise, and what was found is void.
    pub(super) fn gave_up(&self) -> bool {
        self.coarse.load(Ordering::Relaxed)
    }

    /// Searches one block that holds all rows, for as many queries as may wait at a time.
    fn whole(&self, block: &Block, jobs: &mut [Job<'_>]) {
        for jobs in jobs.chunks_mut(self.waiting()) {
            self.group(block, jobs);
        }
    }

    fn group(&self, block: &Block, jobs: &mut [Job<'_>]) {
        let dense = self.dense(block, jobs);
        let panels = dense.iter().filter(|dense| **dense).count();
        if panels < TILES_PER_THREAD * rayon::current_num_threads() {
            return self.apart(block, jobs, true);
        }
        let mut standing: Vec<Option<Job<'_>>> = Vec::new();
        standing.resize_with(dense.len() * WIDTH, || None);
        let mut rest = Vec::new();
        for job in jobs.iter_mut().map(Job::again) {
            match block.position(job.query) {
                Some(at) if dense[at / WIDTH] => standing[at] = Some(job),
                _ => rest.push(job),
            }
        }
        self.among(block, &dense, standing);
        self.apart(block, &mut rest, true);
    }

    /// Answers queries that do not fill panels.
    fn apart(&self, block: &Block, jobs: &mut [Job<'_>], guess: bool) {
        let tile = self.tile(jobs.len()) * WIDTH;
        let unproven = Mutex::default();
        jobs.par_chunks_mut(tile).for_each(|jobs| {
            let mut tile = self.gather(jobs);
            Step::See(&mut tile, block, guess).run(self);
            Step::Finish(tile, &unproven).run(self);
        });
        self.again(block, unproven);
    }

    /// Answers once more, without a guess, what a guess did not answer.
    fn again(&self, block: &Block, unproven: Mutex<Vec<Job<'_>>>) {
        let mut jobs = unproven.into_inner().expect("no query panicked");
        if !jobs.is_empty() {
            self.apart(block, &mut jobs, false);
        }
    }

    /// Which panels hold a query for each of their rows; none where a query comes twice. What two such panels meet
    /// is shown to queries alone: a row that is not asked about would not be seen.
    fn dense(&self, block: &Block, jobs: &[Job<'_>]) -> Vec<bool> {
        let mut counts = vec![0; block.panels()];
        let mut asked = vec![false; block.order.len()];
        let mut once = true;
        for at in jobs.iter().filter_map(|job| block.position(job.query)) {
            once &= !std::mem::replace(&mut asked[at], true);
            counts[at / WIDTH] += 1;
        }
        let rows = |p| block.positions(p).len();
        let counts = counts.iter().enumerate();
        counts.map(|(p, count)| once && *count == rows(p)).collect()
    }

    /// Answers queries that fill panels. The product of two queries' rows serves both.
    fn among(&self, block: &Block, dense: &[bool], mut standing: Vec<Option<Job<'_>>>) {
        let jobs = standing.chunks_mut(WIDTH).enumerate();
        let mut crowds: Vec<_> = jobs.filter(|(p, _)| dense[*p]).collect();
        // As many pairs in every round as keep all threads busy.
        let tiles = crowds.len().div_ceil(self.tile(crowds.len() * WIDTH));
        let tiles = tiles.next_multiple_of(2 * rayon::current_num_threads());
        let step = crowds.len().div_ceil(tiles);
        let tiles: Vec<Mutex<Tile<'_>>> = crowds
            .par_chunks_mut(step)
            .map(|crowds| {
                let crowd =
                    |(p, jobs): &mut (usize, &mut [_])| Crowd::standing(self, block, *p, jobs);
                let mut tile: Tile<'_> = crowds.iter_mut().map(crowd).collect();
                Step::Among(&mut tile, block, dense).run(self);
                Mutex::new(tile)
            })
            .collect();
        for round in rounds(tiles.len()) {
            round.par_iter().for_each(|(one, other)| {
                let lock = |tile: usize| tiles[tile].lock().expect("no tile panicked");
                Step::Meet(&mut lock(*one), &mut lock(*other)).run(self);
            });
        }
        let unproven = Mutex::default();
        tiles.into_par_iter().for_each(|tile| {
            let tile = tile.into_inner().expect("no tile panicked");
            Step::Finish(tile, &unproven).run(self);
        });
        self.again(block, unproven);
    }

    /// Searches block after block, for as many queries as may wait.
    fn blocks(
        &self,
        jobs: &mut [Job<'_>],
        blocks: &[Range<usize>],
        make: impl Fn(Range<usize>) -> Block,
    ) {
        for jobs in jobs.chunks_mut(self.waiting()) {
            let step = self.tile(jobs.len()) * WIDTH;
            let mut tiles: Vec<Tile<'_>> = jobs
                .par_chunks_mut(step)
                .map(|jobs| self.gather(jobs))
                .collect();
            for rows in blocks {
                let block = make(rows.clone());
                tiles
                    .par_iter_mut()
                    .for_each(|tile| Step::See(tile, &block, false).run(self));
                if self.gave_up() {
                    return;
                }
            }
            // Without a guess all is proven.
            let unproven = Mutex::default();
            tiles
                .into_par_iter()
                .for_each(|tile| Step::Finish(tile, &unproven).run(self));
        }
    }

    fn gather<'a>(&self, jobs: &'a mut [Job<'_>]) -> Tile<'a> {
        let crowds = jobs.chunks_mut(WIDTH);
        crowds.map(|jobs| Crowd::gathered(self, jobs)).collect()
    }

    /// Bytes of what waits for a query.
    fn waits(&self) -> usize {
        size_of::<u64>() * Pending::room(self.k) + size_of::<Query<'_>>()
    }

    /// Queries that may wait at once.
    fn waiting(&self) -> usize {
        (self.memory / self.waits()).max(WIDTH)
    }

    /// Crowds of a tile, for so many queries. It decides how fast a search is, never what it finds.
    fn tile(&self, queries: usize) -> usize {
        // Of what waits, little is looked at while a tile passes a panel.
        let waits = size_of::<Query<'_>>() + size_of::<u64>() * Pending::room(self.k) / 8;
        let bytes = WIDTH * (self.format.words() * size_of::<u32>() + waits);
        let even = queries.div_ceil(TILES_PER_THREAD * rayon::current_num_threads());
        even.div_ceil(WIDTH).min(TILE_BYTES / bytes).max(1)
    }
}

/// Pairs of tiles in rounds, so that each meets each once and none is in two pairs of a round.
fn rounds(tiles: usize) -> Vec<Vec<(usize, usize)>> {
    // All but one stand on a circle that turns; the place of a tile that is not there stays empty.
    let circle = tiles.next_multiple_of(2).max(2) - 1;
    let round = |turn: usize| {
        let across = |i: usize| ((turn + i) % circle, (turn + circle - i) % circle);
        let pairs = (1..circle.div_ceil(2)).map(across).chain([(turn, circle)]);
        pairs
            .filter(|(one, other)| *one.max(other) < tiles)
            .collect()
    };
    (0..circle).map(round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_tile_meets_each_once() {
        for tiles in 0..12 {
            let mut met = BTreeSet::new();
            for round in rounds(tiles) {
                let busy: BTreeSet<usize> = round.iter().flat_map(|(a, b)| [*a, *b]).collect();
                assert_eq!(busy.len(), 2 * round.len());
                met.extend(round.into_iter().map(|(a, b)| (a.min(b), a.max(b))));
            }
            assert_eq!(
                met.len(),
                tiles * tiles.saturating_sub(1) / 2,
                "{tiles} tiles"
            );
        }
    }
}
