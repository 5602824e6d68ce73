//! A search on a card: stages of the first pass, measuring and ranking what they keep, and the exact kernel for queries
//! whose result the certificate does not prove.

use crate::layout::Layout;
use crate::params::{
    self, Compact, Exact, Measure, Rank, Scan, Select, Task, bytes_of, bytes_of_mut,
};
use crate::runtime::{Launch, Memory, Runtime};
use crate::set::{Block, Set, fixed_bytes, row_bytes};
use crate::stages::{Buffer, TILE, Tile, tasks};
use crate::{CudaError, FirstPass};
use eos_tensor::{Classes, Neighbours, Rows};
use rayon::prelude::*;

/// Fewer unproven queries than this go to the exact kernel at once, more to the direct form first.
const FEW: usize = 512;
/// Queries that the exact kernel has the distances of at a time, at most.
const EXACT_BATCH: usize = 256;
/// Bytes of results that are copied from the card at a time.
const RESULT_PIECE: usize = 8 << 20;
/// Slots of a group of queries, at most.
const GROUP: usize = 1 << 17;
/// Bytes of the card's memory that are left alone, and the part of the free memory that is used.
const RESERVE: usize = 64 << 20;
const SHARE: f64 = 0.9;

/// Bytes that a query takes.
fn slot_bytes(dims: usize, buffer: Buffer) -> usize {
    let keys = 8 * buffer.capacity() + 8 * buffer.kept;
    row_bytes(dims) + keys + 8 * buffer.k + 4 * 6 + 16
}

/// Bytes that a search may use of those that are free.
fn usable(free: usize) -> usize {
    ((free as f64 * SHARE) as usize).saturating_sub(RESERVE.min(free / 16))
}

/// Rows of a block: all, where that leaves room for some thousand queries, else what two blocks that take turns may have.
pub(crate) fn block_height(
    free: usize,
    rows: Rows<'_>,
    buffer: Buffer,
    queries: usize,
) -> Result<usize, CudaError> {
    let (n, dims) = (rows.len(), rows.dims());
    let (slot, row) = (slot_bytes(dims, buffer), row_bytes(dims));
    // All distances of one query, for the exact kernel.
    let fixed = fixed_bytes(n, dims) + 8 * n;
    let usable = usable(free);
    let slots = queries.next_multiple_of(TILE).clamp(TILE, 8192) * slot;
    if fixed + n * row + slots <= usable {
        return Ok(n);
    }
    // The first stage lies in one block.
    let lowest = least_height(buffer);
    let least = fixed + 2 * lowest * row + TILE * slot;
    if least > usable {
        return Err(CudaError::NoPlan {
            wanted: (least as f64 / SHARE) as usize + RESERVE.min(free / 16),
            free,
        });
    }
    let rest = usable - fixed;
    let height = (rest - (rest / 3).min(slots).max(TILE * slot)) / (2 * row);
    Ok((height / TILE * TILE).max(lowest).min(n))
}

/// Rows that a block has at least.
pub(crate) fn least_height(buffer: Buffer) -> usize {
    buffer.room.next_multiple_of(TILE)
}

/// Queries in tiles: those of a tile have one class where the filter asks for it. Positions, and places in the list of
/// queries; `u32::MAX` where a slot has none.
struct Slots {
    tiles: Vec<Tile>,
    positions: Vec<u32>,
    places: Vec<u32>,
}

impl Slots {
    fn new(layout: &Layout, queries: &[u32], chosen: &[u32], classes: Classes) -> Self {
        let class = |place: u32| layout.class[queries[place as usize] as usize];
        let mut chosen = chosen.to_vec();
        if classes != Classes::Any {
            chosen.sort_by_key(|place| class(*place));
        }
        let together = |a: &u32, b: &u32| classes == Classes::Any || class(*a) == class(*b);
        let mut slots = Self {
            tiles: Vec::new(),
            positions: Vec::new(),
            places: Vec::new(),
        };
        for places in chosen.chunk_by(together) {
            for places in places.chunks(TILE) {
                let class = match classes {
                    Classes::Any => 0,
                    _ => class(places[0]) as usize,
                };
                slots.tiles.push(Tile { class });
                let positions = places
                    .iter()
                    .map(|place| layout.positions[queries[*place as usize] as usize]);
                slots.positions.extend(positions);
                slots.places.extend_from_slice(places);
                let whole = slots.tiles.len() * TILE;
                slots.positions.resize(whole, u32::MAX);
                slots.places.resize(whole, u32::MAX);
            }
        }
        slots
    }
}

/// A search for k neighbours over one set.
pub(crate) struct Search<'a> {
    pub(crate) runtime: &'a dyn Runtime,
    pub(crate) set: &'a Set<'a>,
    /// Bytes of the card's memory at most, where there is a limit.
    pub(crate) memory: Option<usize>,
    pub(crate) buffer: Buffer,
    pub(crate) classes: Classes,
}

/// What became of the queries of a search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proven {
    /// Queries that the first form proved.
    pub first: usize,
    /// Queries that the direct form proved.
    pub direct: usize,
    /// Queries that all distances were taken of.
    pub exact: usize,
}

impl Search<'_> {
    /// Finds the neighbours of all queries.
    pub(crate) fn run(&self, queries: &[u32], found: &mut Neighbours) -> Result<Proven, CudaError> {
        let mut left: Vec<u32> = (0..queries.len() as u32).collect();
        let mut proven = Proven::default();
        let first = self.set.first;
        left = self.pass(first, queries, &left, found, false)?;
        proven.first = queries.len() - left.len();
        if left.len() > FEW && first != FirstPass::Direct {
            let before = left.len();
            left = self.pass(FirstPass::Direct, queries, &left, found, false)?;
            proven.direct = before - left.len();
        }
        proven.exact = left.len();
        if !left.is_empty() {
            self.pass(FirstPass::Direct, queries, &left, found, true)?;
        }
        Ok(proven)
    }

    /// Slots of a group, in whole tiles.
    fn slots(&self) -> Result<usize, CudaError> {
        let (rows, buffer) = (self.set.rows, self.buffer);
        let free = self.runtime.free_bytes()?;
        let free = match self.memory {
            // What the set takes counts.
            Some(most) => most.saturating_sub(self.set.bytes()).min(free),
            None => free,
        };
        let left = usable(free).saturating_sub(8 * rows.len());
        let slots = left / slot_bytes(rows.dims(), buffer) / TILE * TILE;
        Ok(slots.clamp(TILE, GROUP))
    }

    /// Query, row and score of each candidate that the first pass keeps.
    pub(crate) fn candidates(
        &self,
        queries: &[u32],
        take: &mut dyn FnMut(u32, u32, f32),
    ) -> Result<(), CudaError> {
        let chosen: Vec<u32> = (0..queries.len() as u32).collect();
        let slots = Slots::new(&self.set.layout, queries, &chosen, self.classes);
        let (most, capacity) = (self.slots()?, self.buffer.capacity());
        let positions = slots.positions.chunks(most);
        let tiles = slots.tiles.chunks(most / TILE);
        for ((tiles, positions), places) in tiles.zip(positions).zip(slots.places.chunks(most)) {
            let group = Group::new(self, self.set.first, tiles, positions)?;
            group.first_pass()?;
            let mut keys = vec![0u64; positions.len() * capacity];
            self.runtime
                .read(&*group.keys, 0, bytes_of_mut(&mut keys))?;
            for (keys, place) in keys.chunks_exact(capacity).zip(places) {
                let kept = keys[..self.buffer.kept]
                    .iter()
                    .filter(|key| **key != u64::MAX);
                for key in kept.take_while(|_| *place != u32::MAX) {
                    let row = self.set.layout.order[*key as u32 as usize];
                    take(queries[*place as usize], row, score_of(*key));
                }
            }
        }
        Ok(())
    }

    /// The queries at places `chosen`, in groups; those that stay unproven come back.
    fn pass(
        &self,
        form: FirstPass,
        queries: &[u32],
        chosen: &[u32],
        found: &mut Neighbours,
        exact: bool,
    ) -> Result<Vec<u32>, CudaError> {
        let slots = Slots::new(&self.set.layout, queries, chosen, self.classes);
        let most = self.slots()?;
        let mut unproven = Vec::new();
        let tiles = slots.tiles.chunks(most / TILE);
        let positions = slots.positions.chunks(most);
        for ((tiles, positions), places) in tiles.zip(positions).zip(slots.places.chunks(most)) {
            let group = Group::new(self, form, tiles, positions)?;
            let flags = match exact {
                true => group.exact(places)?,
                false => group.first_pass()?,
            };
            group.collect(places, &flags, found, &mut unproven)?;
        }
        Ok(unproven)
    }
}

/// Queries that are on the card at one time, and memory for their candidates.
struct Group<'a> {
    search: &'a Search<'a>,
    form: FirstPass,
    tiles: &'a [Tile],
    slots: usize,
    positions: Box<dyn Memory>,
    labels: Box<dyn Memory>,
    raw: Box<dyn Memory>,
    stored: Box<dyn Memory>,
    half: Box<dyn Memory>,
    keys: Box<dyn Memory>,
    counts: Box<dyn Memory>,
    thresholds: Box<dyn Memory>,
    distances: Box<dyn Memory>,
    unproven: Box<dyn Memory>,
    index: Box<dyn Memory>,
    distance: Box<dyn Memory>,
}

impl<'a> Group<'a> {
    fn new(
        search: &'a Search<'a>,
        form: FirstPass,
        tiles: &'a [Tile],
        positions: &[u32],
    ) -> Result<Self, CudaError> {
        let (runtime, set, buffer) = (search.runtime, search.set, search.buffer);
        let slots = positions.len();
        let words = |count: usize| runtime.allocate(4 * count);
        let group = Self {
            search,
            form,
            tiles,
            slots,
            positions: words(slots)?,
            labels: words(slots)?,
            raw: words(slots * set.stride)?,
            stored: words(slots * set.stride)?,
            half: words(slots)?,
            keys: words(2 * slots * buffer.capacity())?,
            counts: words(slots)?,
            thresholds: words(2 * slots)?,
            distances: words(2 * slots * buffer.kept)?,
            unproven: words(slots)?,
            index: words(slots * buffer.k)?,
            distance: words(slots * buffer.k)?,
        };
        let label = |position: &u32| match *position {
            u32::MAX => u32::MAX,
            position => set.layout.class[set.layout.order[position as usize] as usize],
        };
        let labels: Vec<u32> = positions.iter().map(label).collect();
        runtime.write(&*group.positions, 0, bytes_of(positions))?;
        runtime.write(&*group.labels, 0, bytes_of(&labels))?;
        set.queries(
            runtime,
            positions,
            &*group.positions,
            &*group.raw,
            &*group.stored,
            &*group.half,
        )?;
        runtime.fill(&*group.unproven, 0)?;
        Ok(group)
    }

    /// Scans, measures and ranks; returns which slots are unproven.
    fn first_pass(&self) -> Result<Vec<u32>, CudaError> {
        let (runtime, set) = (self.search.runtime, self.search.set);
        runtime.fill(&*self.keys, 0xff)?;
        runtime.fill(&*self.thresholds, 0xff)?;
        runtime.fill(&*self.counts, 0)?;
        let stages = self.search.buffer.stages(&set.layout.cuts);
        set.each_block(runtime, |block| {
            for (number, chunks) in stages.iter().enumerate() {
                let (from, to) = (set.layout.cuts[chunks.start], set.layout.cuts[chunks.end]);
                let begins = (from as usize).max(block.first);
                let ends = (to as usize).min(block.first + block.len);
                if begins < ends {
                    let dense = (number == 0).then_some(to);
                    self.stage(block, begins..ends, chunks.clone(), dense)?;
                }
            }
            Ok(())
        })?;
        set.each_block(runtime, |block| self.measure(block))?;
        self.rank()?;
        let mut flags = vec![0; self.slots];
        runtime.read(&*self.unproven, 0, bytes_of_mut(&mut flags))?;
        Ok(flags)
    }

    /// Rows at `positions` of a block, and what they bring sorted in. `dense`: how many rows the first stage has.
    fn stage(
        &self,
        block: Block,
        positions: std::ops::Range<usize>,
        chunks: std::ops::Range<usize>,
        dense: Option<u32>,
    ) -> Result<(), CudaError> {
        let (runtime, set, buffer) = (self.search.runtime, self.search.set, self.search.buffer);
        let first = block.first as u32;
        let part = positions.start as u32..positions.end as u32;
        let multiprocessors = runtime.card().multiprocessors;
        let classes = self.search.classes;
        let mut tasks = tasks(
            &set.layout,
            self.tiles,
            chunks,
            classes,
            part.clone(),
            multiprocessors,
        );
        if tasks.is_empty() {
            return Ok(());
        }
        // Tasks count from the part's first row, the scan from the block's.
        let shift = part.start - first;
        for task in &mut tasks {
            task.begin += shift;
            task.end += shift;
        }
        let on_card = runtime.allocate(size_of::<Task>() * tasks.len())?;
        runtime.write(&*on_card, 0, bytes_of(&tasks))?;
        let direct = self.form == FirstPass::Direct;
        let scan = Scan {
            tasks: on_card.address(),
            queries: if direct { &self.raw } else { &self.stored }.address(),
            rows: if direct { block.raw } else { block.stored },
            half: block.half,
            query_labels: self.labels.address(),
            query_positions: self.positions.address(),
            labels: block.labels,
            thresholds: self.thresholds.address(),
            keys: self.keys.address(),
            counts: self.counts.address(),
            capacity: buffer.capacity() as u32,
            kept: buffer.kept as u32,
            stride: set.stride as u32,
            first,
            classes: params::classes(classes),
            dense: u32::from(dense.is_some()),
        };
        let launch = Launch {
            kernel: self.form.kernel(),
            grid: [tasks.len() as u32, 1],
            threads: 256,
            shared: self.form.shared(),
        };
        // SAFETY: tasks name tiles of this group and rows of this block; a dense stage has no more rows than room.
        unsafe { runtime.launch(&launch, bytes_of(&[scan])) }?;
        let compact = Compact {
            query_positions: self.positions.address(),
            keys: self.keys.address(),
            counts: self.counts.address(),
            thresholds: self.thresholds.address(),
            unproven: self.unproven.address(),
            slots: self.slots as u32,
            capacity: buffer.capacity() as u32,
            kept: buffer.kept as u32,
            fresh: dense.unwrap_or(u32::MAX),
        };
        let launch = Launch {
            kernel: "eos_compact",
            grid: [self.slots.div_ceil(4) as u32, 1],
            threads: 128,
            shared: 4 * 8 * buffer.kept,
        };
        // SAFETY: all arrays have `slots` entries.
        unsafe { runtime.launch(&launch, bytes_of(&[compact])) }
    }

    fn measure(&self, block: Block) -> Result<(), CudaError> {
        let (set, buffer) = (self.search.set, self.search.buffer);
        let params = Measure {
            queries: self.raw.address(),
            rows: block.raw,
            query_positions: self.positions.address(),
            keys: self.keys.address(),
            distances: self.distances.address(),
            slots: self.slots as u32,
            capacity: buffer.capacity() as u32,
            kept: buffer.kept as u32,
            dims: set.rows.dims() as u32,
            stride: set.stride as u32,
            first: block.first as u32,
            n: block.len as u32,
            unused: 0,
        };
        let launch = Launch {
            kernel: "eos_measure",
            grid: [self.slots.div_ceil(4) as u32, 1],
            threads: 128,
            shared: 0,
        };
        // SAFETY: keys are positions of rows; those outside the block are skipped.
        unsafe { self.search.runtime.launch(&launch, bytes_of(&[params])) }
    }

    fn rank(&self) -> Result<(), CudaError> {
        let (set, buffer) = (self.search.set, self.search.buffer);
        let params = Rank {
            query_positions: self.positions.address(),
            query_half: self.half.address(),
            keys: self.keys.address(),
            distances: self.distances.address(),
            order: set.order.address(),
            index: self.index.address(),
            distance: self.distance.address(),
            unproven: self.unproven.address(),
            capacity: buffer.capacity() as u32,
            kept: buffer.kept as u32,
            k: buffer.k as u32,
            ..self.form.certificate(set.rows.dims(), set.scale)
        };
        let launch = Launch {
            kernel: "eos_rank",
            grid: [self.slots as u32, 1],
            threads: 128,
            shared: 12 * buffer.kept,
        };
        // SAFETY: keys are positions of rows; `index` and `distance` hold k entries for each slot.
        unsafe { self.search.runtime.launch(&launch, bytes_of(&[params])) }
    }

    /// All distances of each query, and the least of them. Proves every slot.
    fn exact(&self, places: &[u32]) -> Result<Vec<u32>, CudaError> {
        let (runtime, set, k) = (self.search.runtime, self.search.set, self.search.buffer.k);
        let total = set.rows.len();
        let with_query = |slot: &u32| places[*slot as usize] != u32::MAX;
        let chosen: Vec<u32> = (0..self.slots as u32).filter(with_query).collect();
        // One row of distances is planned for; more where memory is free.
        let most = (runtime.free_bytes()? / 4 / (8 * total)).clamp(1, EXACT_BATCH);
        for batch in chosen.chunks(most) {
            let on_card = runtime.allocate(4 * batch.len())?;
            runtime.write(&*on_card, 0, bytes_of(batch))?;
            let distances = runtime.allocate(8 * total * batch.len())?;
            set.each_block(runtime, |block| {
                let params = Exact {
                    queries: self.raw.address(),
                    rows: block.raw,
                    chosen: on_card.address(),
                    query_labels: self.labels.address(),
                    query_positions: self.positions.address(),
                    labels: block.labels,
                    distances: distances.address(),
                    total: total as u32,
                    n: block.len as u32,
                    first: block.first as u32,
                    dims: set.rows.dims() as u32,
                    stride: set.stride as u32,
                    classes: params::classes(self.search.classes),
                };
                let launch = Launch {
                    kernel: "eos_exact_distances",
                    grid: [block.len.div_ceil(8) as u32, batch.len() as u32],
                    threads: 256,
                    shared: 0,
                };
                // SAFETY: `distances` has a row of `total` for each of the batch.
                unsafe { runtime.launch(&launch, bytes_of(&[params])) }
            })?;
            let params = Select {
                distances: distances.address(),
                order: set.order.address(),
                chosen: on_card.address(),
                index: self.index.address(),
                distance: self.distance.address(),
                total: total as u32,
                k: k as u32,
            };
            let launch = Launch {
                kernel: "eos_exact_select",
                grid: [batch.len() as u32, 1],
                threads: 256,
                shared: 12 * k,
            };
            // SAFETY: as above; slots of the batch are slots of this group.
            unsafe { runtime.launch(&launch, bytes_of(&[params])) }?;
        }
        Ok(vec![0; self.slots])
    }

    /// Copies what was proven to its places, and tells the places of what was not.
    fn collect(
        &self,
        places: &[u32],
        flags: &[u32],
        found: &mut Neighbours,
        unproven: &mut Vec<u32>,
    ) -> Result<(), CudaError> {
        let k = self.search.buffer.k;
        let placed = |slot: &usize| places[*slot] != u32::MAX;
        let (left, done): (Vec<usize>, Vec<usize>) = (0..self.slots)
            .filter(placed)
            .partition(|slot| flags[*slot] != 0);
        unproven.extend(left.iter().map(|slot| places[*slot]));
        let done: Vec<(usize, usize)> = done
            .into_iter()
            .map(|slot| (slot, places[slot] as usize))
            .collect();
        self.scatter(&*self.index, &done, k, &mut found.index)?;
        self.scatter(&*self.distance, &done, k, &mut found.distance)
    }

    /// Copies `k` values of each (slot, place), slots rising, to that place.
    fn scatter<T: params::Params + Send>(
        &self,
        memory: &dyn Memory,
        done: &[(usize, usize)],
        k: usize,
        out: &mut [T],
    ) -> Result<(), CudaError> {
        let line = 4 * k;
        let piece = (RESULT_PIECE / line).max(1) * line;
        let mut lines: Vec<Option<&mut [T]>> = out.chunks_exact_mut(k).map(Some).collect();
        let runtime = self.search.runtime;
        runtime.read_pieces(memory, piece, &mut |offset, bytes| {
            let (first, behind) = (offset / line, (offset + bytes.len()) / line);
            let from = done.partition_point(|(slot, _)| *slot < first);
            let to = done.partition_point(|(slot, _)| *slot < behind);
            let copies = done[from..to].iter().map(|(slot, place)| {
                let to = lines[*place].take().expect("a place is filled once");
                (&bytes[(slot - first) * line..][..line], to)
            });
            let copies: Vec<(&[u8], &mut [T])> = copies.collect();
            copies
                .into_par_iter()
                .with_min_len(64)
                .for_each(|(bytes, out)| {
                    bytes_of_mut(out).copy_from_slice(bytes);
                });
        })
    }
}

/// The score in a key: `score_of` in kernels/keys.cuh.
fn score_of(key: u64) -> f32 {
    let ordered = (key >> 32) as u32;
    f32::from_bits(match ordered >> 31 {
        0 => !ordered,
        _ => ordered ^ 0x8000_0000,
    })
}
