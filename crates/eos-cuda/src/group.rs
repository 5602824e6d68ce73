//! A group of queries on the card: stages of the first pass, measuring and ranking what they keep, and the exact kernel.

use crate::params::{
    self, Compact, Exact, Measure, Rank, Scan, Select, Task, bytes_of, bytes_of_mut,
};
use crate::runtime::{Launch, Memory};
use crate::search::Search;
use crate::set::Block;
use crate::slots::Part;
use crate::stages::tasks;
use crate::{CudaError, FirstPass};
use eos_tensor::Neighbours;
use rayon::prelude::*;
use std::ops::Range;

/// Queries that the exact kernel has the distances of at a time, at most.
const EXACT_BATCH: usize = 256;
/// Bytes of results that are copied from the card at a time.
const RESULT_PIECE: usize = 8 << 20;

/// Queries that are on the card at one time, and memory for their candidates.
pub(crate) struct Group<'a> {
    search: &'a Search<'a>,
    form: FirstPass,
    part: Part<'a>,
    slots: usize,
    positions: Box<dyn Memory>,
    labels: Box<dyn Memory>,
    raw: Box<dyn Memory>,
    stored: Box<dyn Memory>,
    half: Box<dyn Memory>,
    pub(crate) keys: Box<dyn Memory>,
    counts: Box<dyn Memory>,
    thresholds: Box<dyn Memory>,
    distances: Box<dyn Memory>,
    unproven: Box<dyn Memory>,
    index: Box<dyn Memory>,
    distance: Box<dyn Memory>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(
        search: &'a Search<'a>,
        form: FirstPass,
        part: Part<'a>,
    ) -> Result<Self, CudaError> {
        let (runtime, set, buffer) = (search.runtime, search.set, search.buffer);
        let positions = part.positions;
        let slots = positions.len();
        let words = |count: usize| runtime.allocate(4 * count);
        let group = Self {
            search,
            form,
            part,
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

    /// Scans, measures and ranks.
    pub(crate) fn first_pass(&self) -> Result<(), CudaError> {
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
        self.rank()
    }

    /// Rows at `positions` of a block, and what they bring sorted in. `dense`: how many rows the first stage has.
    fn stage(
        &self,
        block: Block,
        positions: Range<usize>,
        chunks: Range<usize>,
        dense: Option<u32>,
    ) -> Result<(), CudaError> {
        let (runtime, set, buffer) = (self.search.runtime, self.search.set, self.search.buffer);
        let first = block.first as u32;
        let part = positions.start as u32..positions.end as u32;
        let multiprocessors = runtime.card().multiprocessors;
        let classes = self.search.classes;
        let mut tasks = tasks(
            &set.layout,
            self.part.tiles,
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

    /// All distances of each query, and the least of them, which proves every slot.
    pub(crate) fn exact(&self) -> Result<(), CudaError> {
        let (runtime, set, k) = (self.search.runtime, self.search.set, self.search.buffer.k);
        let total = set.rows.len();
        let with_query = |slot: &u32| self.part.places[*slot as usize] != u32::MAX;
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
        Ok(())
    }

    /// Copies what was proven to its places, and tells the places of what was not.
    pub(crate) fn collect(
        &self,
        found: &mut Neighbours,
        unproven: &mut Vec<u32>,
    ) -> Result<(), CudaError> {
        let k = self.search.buffer.k;
        let mut flags = vec![0u32; self.slots];
        let runtime = self.search.runtime;
        runtime.read(&*self.unproven, 0, bytes_of_mut(&mut flags))?;
        let mut done = Vec::with_capacity(self.slots);
        for (slot, place) in self.part.places.iter().enumerate() {
            match (*place, flags[slot]) {
                (u32::MAX, _) => {}
                (place, 0) => done.push((slot, place as usize)),
                (place, _) => unproven.push(place),
            }
        }
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
