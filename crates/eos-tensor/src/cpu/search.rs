//! The search with a first pass: panels shown to crowds of queries, survivors measured exactly.

#[cfg(target_arch = "x86_64")]
use super::lanes_x86::{Avx2, Avx512, Vnni};
use super::{
    Job, SimdPath,
    block::Block,
    crowd::Crowd,
    format::{Form, Format},
    lanes::{Portable, Words},
    pending::Pending,
    query::Query,
};
use crate::Classes;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes of the rows of one block. Larger sets are searched block by block.
const BLOCK_BYTES: usize = 128 << 20;
/// Bytes of the queries that wait at once. More are answered group by group.
const WAITING_BYTES: usize = 64 << 20;
/// Bytes of a tile, so that it stays in the second-level cache: its queries' words, and what waits.
const TILE_BYTES: usize = 512 << 10;
/// Tiles for each thread, where there are enough queries: late tiles even out.
const TILES_PER_THREAD: usize = 4;

/// Rows made ready for searches on one path.
pub(super) struct Prepared<'a> {
    format: Format<'a>,
    labels: &'a [u32],
    path: SimdPath,
    /// All rows, where one block holds them.
    whole: Option<Block>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(format: Format<'a>, labels: &'a [u32], path: SimdPath) -> Self {
        let mut prepared = Self {
            format,
            labels,
            path,
            whole: None,
        };
        let rows = prepared.format.rows.len();
        if prepared.rows_of_a_block() >= rows {
            prepared.whole = Some(prepared.block(0..rows));
        }
        prepared
    }

    fn rows_of_a_block(&self) -> usize {
        (BLOCK_BYTES / size_of::<u32>() / self.format.words()).max(self.path.width())
    }

    fn block(&self, rows: Range<usize>) -> Block {
        Block::new(&self.format, self.labels, rows, self.path.width())
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
    path: SimdPath,
    /// Rows measured because their scores did not tell them apart, and how many may be.
    indistinct: AtomicUsize,
    most: usize,
    coarse: AtomicBool,
}

type Tile<'a> = Vec<Crowd<'a>>;

impl Pass<'_> {
    /// Columns of a panel.
    pub(super) fn width(&self) -> usize {
        self.path.width()
    }

    /// Notes that scores did not tell so many rows apart.
    pub(super) fn indistinct(&self, rows: usize) {
        let before = self.indistinct.fetch_add(rows, Ordering::Relaxed);
        if self.format.form == Form::Pairs && before + rows > self.most {
            self.coarse.store(true, Ordering::Relaxed);
        }
    }

    fn gave_up(&self) -> bool {
        self.coarse.load(Ordering::Relaxed)
    }

    /// Searches one block that holds all rows.
    fn whole(&self, block: &Block, jobs: &mut [Job<'_>]) {
        let dense = self.dense(block, jobs);
        let panels = dense.iter().filter(|dense| **dense).count();
        if panels < TILES_PER_THREAD * rayon::current_num_threads() {
            return self.apart(block, jobs);
        }
        let mut standing: Vec<Option<Job<'_>>> = Vec::new();
        standing.resize_with(dense.len() * block.width, || None);
        let mut rest = Vec::new();
        for job in jobs.iter_mut().map(Job::again) {
            match block.position(job.query) {
                Some(at) if dense[at / block.width] => standing[at] = Some(job),
                _ => rest.push(job),
            }
        }
        self.among(block, &dense, standing);
        self.apart(block, &mut rest);
    }

    /// Answers queries that do not fill panels.
    fn apart(&self, block: &Block, jobs: &mut [Job<'_>]) {
        let tile = self.tile(jobs.len()) * self.width();
        jobs.par_chunks_mut(tile).for_each(|jobs| {
            let mut tile = self.gather(jobs);
            self.run(Step::See(&mut tile, block));
            self.run(Step::Finish(tile));
        });
    }

    /// Which panels hold queries in half their columns or more; none where a query comes twice, or
    /// where more would wait than there is memory set aside for.
    fn dense(&self, block: &Block, jobs: &[Job<'_>]) -> Vec<bool> {
        let mut counts = vec![0; block.panels()];
        let mut asked = vec![false; block.order.len()];
        let mut once = jobs.len() <= self.waiting();
        for at in jobs.iter().filter_map(|job| block.position(job.query)) {
            once &= !std::mem::replace(&mut asked[at], true);
            counts[at / block.width] += 1;
        }
        counts
            .iter()
            .map(|count| once && 2 * count >= block.width)
            .collect()
    }

    /// Answers queries that fill panels. The product of two queries' rows serves both.
    fn among(&self, block: &Block, dense: &[bool], mut standing: Vec<Option<Job<'_>>>) {
        let jobs = standing.chunks_mut(block.width).enumerate();
        let mut crowds: Vec<_> = jobs.filter(|(p, _)| dense[*p]).collect();
        let queries = crowds.len() * block.width;
        let step = self.tile(queries);
        let tiles: Vec<Mutex<Tile<'_>>> = crowds
            .par_chunks_mut(step)
            .map(|crowds| {
                let crowd =
                    |(p, jobs): &mut (usize, &mut [_])| Crowd::standing(self, block, *p, jobs);
                let mut tile: Tile<'_> = crowds.iter_mut().map(crowd).collect();
                self.run(Step::Among(&mut tile, block, dense));
                Mutex::new(tile)
            })
            .collect();
        for round in rounds(tiles.len()) {
            round.par_iter().for_each(|(one, other)| {
                let lock = |tile: usize| tiles[tile].lock().expect("no tile panicked");
                self.run(Step::Meet(&mut lock(*one), &mut lock(*other)));
            });
        }
        tiles.into_par_iter().for_each(|tile| {
            self.run(Step::Finish(tile.into_inner().expect("no tile panicked")));
        });
    }

    /// Searches block after block, for as many queries as may wait.
    fn blocks(
        &self,
        jobs: &mut [Job<'_>],
        blocks: &[Range<usize>],
        make: impl Fn(Range<usize>) -> Block,
    ) {
        for jobs in jobs.chunks_mut(self.waiting()) {
            let step = self.tile(jobs.len()) * self.width();
            let mut tiles: Vec<Tile<'_>> = jobs
                .par_chunks_mut(step)
                .map(|jobs| self.gather(jobs))
                .collect();
            for rows in blocks {
                let block = make(rows.clone());
                tiles
                    .par_iter_mut()
                    .for_each(|tile| self.run(Step::See(tile, &block)));
                if self.gave_up() {
                    return;
                }
            }
            tiles
                .into_par_iter()
                .for_each(|tile| self.run(Step::Finish(tile)));
        }
    }

    fn gather<'a>(&self, jobs: &'a mut [Job<'_>]) -> Tile<'a> {
        let crowds = jobs.chunks_mut(self.width());
        crowds.map(|jobs| Crowd::gathered(self, jobs)).collect()
    }

    /// Bytes of what waits for a query.
    fn waits(&self) -> usize {
        size_of::<u64>() * Pending::room(self.k) + size_of::<Query<'_>>()
    }

    /// Queries that may wait at once.
    fn waiting(&self) -> usize {
        (WAITING_BYTES / self.waits()).max(self.width())
    }

    /// Crowds of a tile, for so many queries. It decides how fast a search is, never what it finds.
    fn tile(&self, queries: usize) -> usize {
        // Of what waits, little is looked at while a tile passes a panel.
        let waits = size_of::<Query<'_>>() + size_of::<u64>() * Pending::room(self.k) / 8;
        let bytes = self.width() * (self.format.words() * size_of::<u32>() + waits);
        let even = queries.div_ceil(TILES_PER_THREAD * rayon::current_num_threads());
        even.div_ceil(self.width()).min(TILE_BYTES / bytes).max(1)
    }

    /// Runs a step on the path's instructions.
    fn run(&self, step: Step<'_, '_>) {
        match self.path {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512Vnni => unsafe { avx512vnni(self, step) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512 => unsafe { avx512(self, step) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx2 => unsafe { avx2(self, step) },
            // SAFETY: the portable path needs no instructions of its own.
            _ => unsafe { step.take::<Portable, 4, 3>(self) },
        }
    }
}

/// What a tile does next.
enum Step<'s, 'a> {
    /// Sees all rows of a block.
    See(&'s mut Tile<'a>, &'s Block),
    /// Its queries, which stand in the block, meet each other and see the panels that are not dense.
    Among(&'s mut Tile<'a>, &'s Block, &'s [bool]),
    /// Its queries meet another tile's.
    Meet(&'s mut Tile<'a>, &'s mut Tile<'a>),
    /// Writes what its queries found.
    Finish(Tile<'a>),
}

impl Step<'_, '_> {
    /// # Safety
    /// The caller is compiled for W's instructions and the processor has them.
    #[inline(always)]
    unsafe fn take<W: Words, const S: usize, const R: usize>(self, pass: &Pass<'_>) {
        // SAFETY: throughout, as the caller vouches.
        match self {
            Self::See(tile, block) => {
                for crowd in tile.iter_mut() {
                    crowd.enter(pass, block);
                }
                // Rows of the query's own class are often near: floors rise early.
                let first = tile.first().map_or(0, |crowd| crowd.starts(pass, block));
                for p in (first..block.panels()).chain(0..first) {
                    for crowd in tile.iter_mut() {
                        unsafe { crowd.see::<W, S, R>(pass, block, p) };
                    }
                    if pass.gave_up() {
                        return;
                    }
                }
            }
            Self::Among(tile, block, dense) => {
                for at in 0..tile.len() {
                    let (before, rest) = tile.split_at_mut(at);
                    let crowd = &mut rest[0];
                    crowd.enter(pass, block);
                    unsafe { crowd.see_itself::<W, S, R>(pass) };
                    for other in before {
                        unsafe { other.meet::<W, S, R>(crowd, pass) };
                    }
                }
                for p in (0..block.panels()).filter(|p| !dense[*p]) {
                    for crowd in tile.iter_mut() {
                        unsafe { crowd.see::<W, S, R>(pass, block, p) };
                    }
                    if pass.gave_up() {
                        return;
                    }
                }
            }
            Self::Meet(tile, others) => {
                for other in others.iter_mut() {
                    for crowd in tile.iter_mut() {
                        unsafe { crowd.meet::<W, S, R>(other, pass) };
                    }
                    if pass.gave_up() {
                        return;
                    }
                }
            }
            Self::Finish(tile) => {
                for crowd in tile {
                    crowd.finish(pass);
                }
            }
        }
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn avx512vnni(pass: &Pass<'_>, step: Step<'_, '_>) {
    // SAFETY: this function is compiled for the instructions, and its caller vouches for the processor.
    unsafe {
        match pass.format.form {
            Form::Pairs => step.take::<Vnni, 8, 3>(pass),
            Form::Floats => step.take::<Avx512, 8, 3>(pass),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(pass: &Pass<'_>, step: Step<'_, '_>) {
    // SAFETY: this function is compiled for AVX-512F, and its caller vouches for the processor.
    unsafe { step.take::<Avx512, 8, 3>(pass) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(pass: &Pass<'_>, step: Step<'_, '_>) {
    // SAFETY: this function is compiled for AVX2 and FMA, and its caller vouches for the processor.
    unsafe { step.take::<Avx2, 4, 3>(pass) }
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
