//! The 3 × 3 convolution of one image, which is also the gradient of its input: here directly, and in
//! [`crate::winograd`] where its weights are made for that.
//!
//! A tile of output, `BLOCKS` blocks of channels by `WIDTH` pixels of a row, stays in registers
//! while every weight that concerns it passes by once. One input block is finished before the next
//! begins, partial sums waiting in the output, so that the weights of one pair of blocks
//! (9 KiB) stay in the first-level cache for the whole image.

use crate::geometry::Geometry;
use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Lanes};
use crate::weights::{CHANNEL, PAIR, PackedWeights, ROW, Weights};
use crate::winograd;

/// How the output's size follows from the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Stride 1: the same size.
    Same,
    /// Stride 2: half the size, odd sides rounded up.
    Halve,
    /// The input gradient of [`Halve`](Step::Halve): from half the size back to the full one.
    Double,
}

/// `output = [relu] (convolution(input) [+ bias] [+ output])`.
pub(crate) struct Convolution<'a> {
    /// One image, with a border.
    pub input: &'a [f32],
    pub input_layout: Layout,
    pub weights: &'a Weights,
    pub output: &'a mut [f32],
    /// Any border; it is left as it is.
    pub output_layout: Layout,
    pub step: Step,
    /// One value an output channel, a multiple of sixteen of them.
    pub bias: Option<&'a [f32]>,
    /// Adds to what the output holds.
    pub accumulate: bool,
    pub relu: bool,
}

/// One tap of the kernel: where its input lies from the tile's corner, and where its weights lie.
#[derive(Clone, Copy, Default)]
struct Tap {
    input: usize,
    weight: usize,
}

/// Output pixels that meet the same taps: every one, or those of one parity in each direction.
struct Phase {
    /// First output pixel, (y, x).
    first: (usize, usize),
    /// Output pixels to the next of this phase, in each direction.
    pitch: usize,
    rows: usize,
    columns: usize,
    taps: [Tap; 9],
    count: usize,
}

/// The taps that output rows (or columns) of one parity meet when doubling, as (index in the
/// turned kernel, input row from the tile's corner, which lies in the border).
const DOUBLING: [&[(usize, usize)]; 2] = [&[(1, 1)], &[(0, 1), (2, 2)]];
/// The taps of every output row in the other cases.
const ALL: &[(usize, usize)] = &[(0, 0), (1, 1), (2, 2)];

impl Phase {
    fn new(step: Step, parity: (usize, usize), input: Layout, output: Layout) -> Phase {
        let (pitch, rows_of, columns_of) = match step {
            Step::Same | Step::Halve => (1, ALL, ALL),
            Step::Double => (2, DOUBLING[parity.0], DOUBLING[parity.1]),
        };
        let mut taps = [Tap::default(); 9];
        let mut count = 0;
        for &(ky, y) in rows_of {
            for &(kx, x) in columns_of {
                let input = y * input.row() + x * LANES;
                taps[count] = Tap {
                    input,
                    weight: ky * ROW + kx * LANES,
                };
                count += 1;
            }
        }
        let rows = (output.height - parity.0).div_ceil(pitch);
        let columns = (output.width - parity.1).div_ceil(pitch);
        Phase {
            first: parity,
            pitch,
            rows,
            columns,
            taps,
            count,
        }
    }

    fn all(step: Step, input: Layout, output: Layout) -> impl Iterator<Item = Phase> {
        let parities: &[(usize, usize)] = match step {
            Step::Same | Step::Halve => &[(0, 0)],
            Step::Double => &[(0, 0), (0, 1), (1, 0), (1, 1)],
        };
        let fits = move |&&(y, x): &&(usize, usize)| y < output.height && x < output.width;
        parities
            .iter()
            .filter(fits)
            .map(move |&parity| Phase::new(step, parity, input, output))
    }
}

impl Kernel for Convolution<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        match self.weights {
            Weights::Direct(weights) => self.direct::<L>(weights),
            Weights::Winograd(weights) => {
                assert_eq!(self.step, Step::Same, "weights for stride 1");
                winograd::run::<L>(self, weights);
            }
        }
    }
}

impl<'a> Convolution<'a> {
    /// The one that takes the gradient of a convolution's output, with a border, to that of its
    /// input, without.
    pub(crate) fn of_input_gradient(
        geometry: Geometry,
        weights: &'a Weights,
        gradient: &'a [f32],
        output: &'a mut [f32],
    ) -> Self {
        Convolution {
            input: gradient,
            input_layout: geometry.output().bordered(),
            weights,
            output,
            output_layout: geometry.input().without_border(),
            step: geometry.step_back(),
            bias: None,
            accumulate: false,
            relu: false,
        }
    }
}

impl Convolution<'_> {
    #[inline(always)]
    fn direct<L: Lanes>(mut self, weights: &PackedWeights) {
        self.check(weights);
        let blocks = self.output_layout.blocks();
        let mut block = 0;
        while block < blocks {
            // Two output blocks share each input value, where registers allow.
            if L::ACCUMULATORS >= 16 && block + 1 < blocks {
                self.output_blocks::<L, 2>(weights, block);
                block += 2;
            } else {
                self.output_blocks::<L, 1>(weights, block);
                block += 1;
            }
        }
    }

    /// What the kernels rely on to stay inside the slices.
    fn check(&self, weights: &PackedWeights) {
        let (input, output) = (self.input_layout, self.output_layout);
        assert_eq!(self.input.len(), input.len(), "input as its layout");
        assert_eq!(self.output.len(), output.len(), "output as its layout");
        assert_eq!(input.border, 1, "the input has a border");
        assert_eq!(weights.inputs, input.channels, "weights for the input");
        assert_eq!(weights.outputs, output.channels, "weights for the output");
        let pairs = input.blocks() * output.blocks();
        assert_eq!(weights.data.len(), pairs * PAIR, "all weights");
        let half = |side: usize| side.div_ceil(2);
        let (y, x) = match self.step {
            Step::Same => (output.height, output.width),
            Step::Halve => (half(input.height), half(input.width)),
            Step::Double => (half(output.height), half(output.width)),
        };
        match self.step {
            Step::Halve => assert_eq!((output.height, output.width), (y, x), "half the size"),
            Step::Same | Step::Double => assert_eq!((input.height, input.width), (y, x), "size"),
        }
        if let Some(bias) = self.bias {
            assert_eq!(
                bias.len(),
                output.blocks() * LANES,
                "one bias an output lane"
            );
        }
    }

    /// Computes output blocks `block..block + BLOCKS`.
    #[inline(always)]
    fn output_blocks<L: Lanes, const BLOCKS: usize>(
        &mut self,
        weights: &PackedWeights,
        block: usize,
    ) {
        for input_block in 0..self.input_layout.blocks() {
            for phase in Phase::all(self.step, self.input_layout, self.output_layout) {
                let part = Part {
                    weights,
                    block,
                    input_block,
                    phase: &phase,
                };
                match self.step {
                    Step::Halve => self.rows::<L, BLOCKS, 2>(&part),
                    Step::Same | Step::Double => self.rows::<L, BLOCKS, 1>(&part),
                }
            }
        }
    }

    /// Walks the rows of a phase in tiles of nearly equal width.
    #[inline(always)]
    fn rows<L: Lanes, const BLOCKS: usize, const STRIDE: usize>(&mut self, part: &Part<'_>) {
        let widest = L::ACCUMULATORS.min(16) / BLOCKS;
        let columns = part.phase.columns;
        let tiles = columns.div_ceil(widest);
        for row in 0..part.phase.rows {
            for tile in 0..tiles {
                let (from, to) = (tile * columns / tiles, (tile + 1) * columns / tiles);
                let place = Place { row, column: from };
                macro_rules! widths {
                    ($($width:literal)*) => {
                        match to - from {
                            $($width if $width <= widest => {
                                self.tile::<L, BLOCKS, $width, STRIDE>(part, place)
                            })*
                            _ => unreachable!("tiles are at most as wide as the widest"),
                        }
                    };
                }
                widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
            }
        }
    }

    /// Computes one tile over one input block.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "t is a pixel of the input and of each sum"
    )]
    fn tile<L: Lanes, const BLOCKS: usize, const WIDTH: usize, const STRIDE: usize>(
        &mut self,
        part: &Part<'_>,
        place: Place,
    ) {
        let (input, output, phase) = (self.input_layout, self.output_layout, part.phase);
        let x = part.input_block * input.plane()
            + place.row * STRIDE * input.row()
            + place.column * STRIDE * LANES;
        let y = phase.first.0 + place.row * phase.pitch;
        let first = output.at(part.block, y, phase.first.1 + place.column * phase.pitch);
        let w = (part.block * input.blocks() + part.input_block) * PAIR;
        let next_block = input.blocks() * PAIR;
        let lanes = input.lanes(part.input_block);
        // SAFETY: `check` showed that the slices hold what the layouts and weights say. The tile
        // lies in the output: its row and columns are below the phase's, whose last pixel is in the
        // image. A tap's input lies at most two rows and columns past the tile's corner, the corner
        // counted from the border, and so inside the input's bordered plane. Weights: PAIR floats
        // for each of the BLOCKS output blocks from `w` on, `next_block` apart.
        unsafe {
            let out = self.output.as_mut_ptr().add(first);
            let mut sums = [[L::splat(0.0); WIDTH]; BLOCKS];
            let resume = self.accumulate || part.input_block > 0;
            for (n, sums) in sums.iter_mut().enumerate() {
                let out = out.add(n * output.plane());
                for (t, sum) in sums.iter_mut().enumerate() {
                    if resume {
                        *sum = L::load(out.add(t * phase.pitch * LANES));
                    }
                    if let Some(bias) = self.bias.filter(|_| part.input_block == 0) {
                        *sum = sum.add(L::load(bias.as_ptr().add((part.block + n) * LANES)));
                    }
                }
            }
            let (x, w) = (
                self.input.as_ptr().add(x),
                part.weights.data.as_ptr().add(w),
            );
            for tap in &phase.taps[..phase.count] {
                let (x, w) = (x.add(tap.input), w.add(tap.weight));
                for lane in 0..lanes {
                    let mut weight = [L::splat(0.0); BLOCKS];
                    for (n, weight) in weight.iter_mut().enumerate() {
                        *weight = L::load(w.add(n * next_block + lane * CHANNEL));
                    }
                    for t in 0..WIDTH {
                        let value = L::splat(*x.add(t * STRIDE * LANES + lane));
                        for n in 0..BLOCKS {
                            sums[n][t] = value.mul_add(weight[n], sums[n][t]);
                        }
                    }
                }
            }
            let relu = self.relu && part.input_block + 1 == input.blocks();
            for (n, sums) in sums.iter().enumerate() {
                let out = out.add(n * output.plane());
                for (t, sum) in sums.iter().enumerate() {
                    let sum = if relu { sum.relu() } else { *sum };
                    sum.store(out.add(t * phase.pitch * LANES));
                }
            }
        }
    }
}

/// What a pass over the image computes: one phase, from one input block to output blocks.
struct Part<'a> {
    weights: &'a PackedWeights,
    block: usize,
    input_block: usize,
    phase: &'a Phase,
}

/// A tile's first pixel, counted in pixels of its phase.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
}
