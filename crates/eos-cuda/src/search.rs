//! A search on a card: groups of queries in the first form, what that does not prove in the direct form, and the rest by the
//! exact kernel.

use crate::group::Group;
use crate::params::bytes_of_mut;
use crate::runtime::Runtime;
use crate::set::{Set, fixed_bytes, row_bytes};
use crate::slots::Slots;
use crate::stages::{Buffer, TILE};
use crate::{CudaError, FirstPass};
use eos_tensor::{Classes, Neighbours, Rows};

/// Fewer unproven queries than this go to the exact kernel at once, more to the direct form first.
const FEW: usize = 512;
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
        let mut proven = Proven::default();
        let first = self.set.first;
        let all = (0..queries.len() as u32).collect();
        let mut left = self.pass(first, queries, all, found, false)?;
        proven.first = queries.len() - left.len();
        if left.len() > FEW && first != FirstPass::Direct {
            let before = left.len();
            left = self.pass(FirstPass::Direct, queries, left, found, false)?;
            proven.direct = before - left.len();
        }
        proven.exact = left.len();
        if !left.is_empty() {
            self.pass(FirstPass::Direct, queries, left, found, true)?;
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
        let all = (0..queries.len() as u32).collect();
        let slots = Slots::new(&self.set.layout, queries, all, self.classes);
        let capacity = self.buffer.capacity();
        for part in slots.parts(self.slots()?) {
            let group = Group::new(self, self.set.first, part)?;
            group.first_pass()?;
            let mut keys = vec![0u64; part.positions.len() * capacity];
            self.runtime
                .read(&*group.keys, 0, bytes_of_mut(&mut keys))?;
            for (keys, place) in keys.chunks_exact(capacity).zip(part.places) {
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
        chosen: Vec<u32>,
        found: &mut Neighbours,
        exact: bool,
    ) -> Result<Vec<u32>, CudaError> {
        let slots = Slots::new(&self.set.layout, queries, chosen, self.classes);
        let mut unproven = Vec::new();
        for part in slots.parts(self.slots()?) {
            let group = Group::new(self, form, part)?;
            match exact {
                true => group.exact()?,
                false => group.first_pass()?,
            }
            group.collect(found, &mut unproven)?;
        }
        Ok(unproven)
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
