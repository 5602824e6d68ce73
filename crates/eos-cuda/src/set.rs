//! Rows on a card: all of them, or block by block where they do not fit.

use crate::layout::Layout;
use crate::params::{Prepare, bytes_of};
use crate::runtime::{Launch, Mark, Memory, Runtime, Staging};
use crate::stages::TILE;
use crate::{CudaError, FirstPass};
use eos_tensor::{Rows, first_pass};
use rayon::prelude::*;

/// Values of a row are padded to whole slabs of the scans.
const SLAB: usize = 16;
/// Bytes that are copied to the card at a time, while the next are gathered.
const PIECE: usize = 16 << 20;

/// Rows of one call's set, laid out for the card.
pub(crate) struct Set<'a> {
    pub(crate) rows: Rows<'a>,
    pub(crate) layout: Layout,
    pub(crate) stride: usize,
    pub(crate) scale: f64,
    pub(crate) first: FirstPass,
    /// Mean of each column, here and on the card.
    pub(crate) centre: Vec<f64>,
    mean: Box<dyn Memory>,
    /// Row numbers by position, `[N]`.
    pub(crate) order: Box<dyn Memory>,
    /// One that holds all rows, or two that take turns.
    buffers: Vec<Buffers>,
    /// Rows of a buffer.
    height: usize,
}

/// Memory for a block of rows.
struct Buffers {
    raw: Box<dyn Memory>,
    stored: Box<dyn Memory>,
    half: Box<dyn Memory>,
    labels: Box<dyn Memory>,
}

/// A block of rows on the card: positions `first .. first + len`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) first: usize,
    pub(crate) len: usize,
    /// As given, `[len, stride]`.
    pub(crate) raw: u64,
    /// Centred and scaled, `[len, stride]`.
    pub(crate) stored: u64,
    /// Half the squared norms, `[len]`.
    pub(crate) half: u64,
    /// Classes, `[len]`.
    pub(crate) labels: u64,
}

/// Bytes that a row takes in a block.
pub(crate) fn row_bytes(dims: usize) -> usize {
    2 * 4 * dims.next_multiple_of(SLAB) + 4 + 4
}

/// Bytes beside blocks.
pub(crate) fn fixed_bytes(rows: usize, dims: usize) -> usize {
    4 * rows + 8 * dims
}

impl<'a> Set<'a> {
    /// `height` rows are held at a time: all, or blocks of so many.
    pub(crate) fn new(
        runtime: &dyn Runtime,
        rows: Rows<'a>,
        labels: &[u32],
        first: FirstPass,
        height: usize,
    ) -> Result<Self, CudaError> {
        let layout = Layout::new(labels);
        let stride = rows.dims().next_multiple_of(SLAB);
        let centre = first_pass::mean(rows);
        let scale = first_pass::unit_scale(rows, &centre);
        let mean = runtime.allocate(size_of_val(&centre[..]))?;
        runtime.write(&*mean, 0, bytes_of(&centre))?;
        let order = runtime.allocate(4 * rows.len())?;
        runtime.write(&*order, 0, bytes_of(&layout.order))?;
        let height = height.min(rows.len());
        let turns = if height == rows.len() { 1 } else { 2 };
        let buffers = (0..turns).map(|_| {
            Ok(Buffers {
                raw: runtime.allocate(4 * height * stride)?,
                stored: runtime.allocate(4 * height * stride)?,
                half: runtime.allocate(4 * height)?,
                labels: runtime.allocate(4 * height)?,
            })
        });
        let set = Self {
            rows,
            layout,
            stride,
            scale,
            first,
            centre,
            mean,
            order,
            buffers: buffers.collect::<Result<_, CudaError>>()?,
            height,
        };
        if turns == 1 {
            let mut uploader = Uploader::new(runtime, &set)?;
            set.load(runtime, &mut uploader, 0, &*runtime.mark()?)?;
        }
        Ok(set)
    }

    /// Whether all rows are on the card.
    pub(crate) fn is_resident(&self) -> bool {
        self.buffers.len() == 1
    }

    /// Bytes on the card.
    pub(crate) fn bytes(&self) -> usize {
        let (n, dims) = (self.rows.len(), self.rows.dims());
        fixed_bytes(n, dims) + self.buffers.len() * self.height * row_bytes(dims)
    }

    fn blocks(&self) -> usize {
        self.rows.len().div_ceil(self.height)
    }

    fn block(&self, number: usize) -> Block {
        let buffers = &self.buffers[number % self.buffers.len()];
        let first = number * self.height;
        Block {
            first,
            len: self.height.min(self.rows.len() - first),
            raw: buffers.raw.address(),
            stored: buffers.stored.address(),
            half: buffers.half.address(),
            labels: buffers.labels.address(),
        }
    }

    /// Launches `work` for each block in order; a block is on its way to the card while the one before is worked on.
    pub(crate) fn each_block(
        &self,
        runtime: &dyn Runtime,
        mut work: impl FnMut(Block) -> Result<(), CudaError>,
    ) -> Result<(), CudaError> {
        if self.is_resident() {
            return work(self.block(0));
        }
        let mut uploader = Uploader::new(runtime, self)?;
        let mut free = runtime.mark()?;
        self.load(runtime, &mut uploader, 0, &*free)?;
        for number in 0..self.blocks() {
            work(self.block(number))?;
            let worked = runtime.mark()?;
            if number + 1 < self.blocks() {
                // The other buffer is free once the block before this one is worked on.
                self.load(runtime, &mut uploader, number + 1, &*free)?;
            }
            free = worked;
        }
        Ok(())
    }

    /// Copies a block's rows to the card and prepares them.
    fn load(
        &self,
        runtime: &dyn Runtime,
        uploader: &mut Uploader,
        number: usize,
        after: &dyn Mark,
    ) -> Result<(), CudaError> {
        let block = self.block(number);
        let buffers = &self.buffers[number % self.buffers.len()];
        let places = &self.layout.order[block.first..][..block.len];
        uploader.words(
            runtime,
            &*buffers.labels,
            after,
            places.len(),
            |from, out| {
                for (out, row) in out.chunks_exact_mut(4).zip(&places[from..]) {
                    out.copy_from_slice(&self.layout.class[*row as usize].to_ne_bytes());
                }
            },
        )?;
        self.upload_rows(runtime, uploader, places, &*buffers.raw, after)?;
        self.prepare(runtime, block.raw, block.stored, block.half, block.len)
    }

    /// Copies rows by number, padded, in pieces.
    fn upload_rows(
        &self,
        runtime: &dyn Runtime,
        uploader: &mut Uploader,
        numbers: &[u32],
        to: &dyn Memory,
        after: &dyn Mark,
    ) -> Result<(), CudaError> {
        let bytes = 4 * self.stride;
        let height = (PIECE / bytes).max(1);
        for (piece, numbers) in numbers.chunks(height).enumerate() {
            let offset = piece * height * bytes;
            uploader.piece(runtime, to, offset, numbers.len() * bytes, after, |out| {
                let lines = out.par_chunks_exact_mut(bytes).zip(numbers);
                lines.with_min_len(256).for_each(|(out, row)| {
                    let (values, rest) = out.split_at_mut(4 * self.rows.dims());
                    match *row {
                        u32::MAX => values.fill(0),
                        row => values.copy_from_slice(bytes_of(self.rows.row(row as usize))),
                    }
                    rest.fill(0);
                });
            })?;
        }
        Ok(())
    }

    /// Centres and scales rows.
    fn prepare(
        &self,
        runtime: &dyn Runtime,
        raw: u64,
        stored: u64,
        half: u64,
        n: usize,
    ) -> Result<(), CudaError> {
        let params = Prepare {
            rows: raw,
            mean: self.mean.address(),
            stored,
            half,
            scale: self.scale,
            n: n as u32,
            dims: self.rows.dims() as u32,
            stride: self.stride as u32,
            tf32: u32::from(self.first == FirstPass::Tf32),
        };
        let launch = Launch {
            kernel: "eos_prepare",
            grid: [n.div_ceil(8) as u32, 1],
            threads: 256,
            shared: 0,
        };
        // SAFETY: `raw` and `stored` hold `n` rows of `stride` values, `half` n and `mean` `dims`.
        unsafe { runtime.launch(&launch, bytes_of(&[params])) }
    }

    /// Makes rows by position ready as queries; `u32::MAX` is no row.
    pub(crate) fn queries(
        &self,
        runtime: &dyn Runtime,
        positions: &[u32],
        on_card: &dyn Memory,
        raw: &dyn Memory,
        stored: &dyn Memory,
        half: &dyn Memory,
    ) -> Result<(), CudaError> {
        let m = positions.len();
        if self.is_resident() {
            let params = crate::params::Gather {
                rows: self.block(0).raw,
                positions: on_card.address(),
                out: raw.address(),
                m: m as u32,
                stride: self.stride as u32,
            };
            let launch = Launch {
                kernel: "eos_gather",
                grid: [m.div_ceil(8) as u32, 1],
                threads: 256,
                shared: 0,
            };
            // SAFETY: positions are those of resident rows or `u32::MAX`; `raw` holds m rows.
            unsafe { runtime.launch(&launch, bytes_of(&[params])) }?;
        } else {
            let number = |position: &u32| match *position {
                u32::MAX => u32::MAX,
                position => self.layout.order[position as usize],
            };
            let numbers: Vec<u32> = positions.iter().map(number).collect();
            let mut uploader = Uploader::new(runtime, self)?;
            self.upload_rows(runtime, &mut uploader, &numbers, raw, &*runtime.mark()?)?;
        }
        self.prepare(runtime, raw.address(), stored.address(), half.address(), m)
    }
}

/// Two pieces of host memory that take turns.
struct Uploader {
    pieces: [Box<dyn Staging>; 2],
    turn: usize,
}

impl Uploader {
    fn new(runtime: &dyn Runtime, set: &Set<'_>) -> Result<Self, CudaError> {
        let row = 4 * set.stride;
        let bytes = PIECE.max(row).min(row * set.rows.len().max(TILE));
        Ok(Self {
            pieces: [runtime.staging(bytes)?, runtime.staging(bytes)?],
            turn: 0,
        })
    }

    /// Fills a piece and starts its copy.
    fn piece(
        &mut self,
        runtime: &dyn Runtime,
        to: &dyn Memory,
        offset: usize,
        len: usize,
        after: &dyn Mark,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), CudaError> {
        self.turn ^= 1;
        let staging = &mut self.pieces[self.turn];
        fill(&mut staging.bytes()?[..len]);
        runtime.upload(&mut **staging, len, to, offset, after)
    }

    /// `count` words, in pieces; `fill` gets the number of the first.
    fn words(
        &mut self,
        runtime: &dyn Runtime,
        to: &dyn Memory,
        after: &dyn Mark,
        count: usize,
        fill: impl Fn(usize, &mut [u8]),
    ) -> Result<(), CudaError> {
        let most = self.pieces[0].bytes()?.len() / 4;
        let mut from = 0;
        while from < count {
            let len = most.min(count - from);
            self.piece(runtime, to, 4 * from, 4 * len, after, |out| fill(from, out))?;
            from += len;
        }
        Ok(())
    }
}
