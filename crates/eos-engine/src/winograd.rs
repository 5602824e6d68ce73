//! The 3 × 3 convolution of stride 1 by F(2 × 2, 3 × 3) of Winograd (Lavin and Gray 2016): 4 multiplications for each
//! output pixel and pair of channels instead of 9.
//!
//! A tile of 2 × 2 output pixels depends on 4 × 4 input pixels d. With
//!
//! ```text
//!      1  0 -1  0          1    0    0
//! Bᵀ = 0  1  1  0    G =  1/2  1/2  1/2    Aᵀ = 1  1  1  0
//!      0 -1  1  0         1/2 -1/2  1/2         0  1 -1 -1
//!      0  1  0 -1          0    0    1
//! ```
//!
//! its convolution with g is Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, and the product ⊙ is summed over input channels before Aᵀ … A: at
//! each of the 16 points a matrix product, tiles by input channels by output channels. A band of tiles goes through all
//! three steps while it is in the cache nearest to the core.

use std::cell::Cell;
use std::ops::Range;

use crate::conv::Convolution;
use crate::geometry::Geometry;
use crate::layout::Layout;
use crate::simd::{LANES, Lanes};

/// Points at which a tile is multiplied.
const POINTS: usize = 16;
/// Tiles of a band at most.
const BAND: usize = 16;
/// Floats from a point's products to the next's: a band's, and a cache line more, since what lies a power of two apart
/// meets in few places of the cache.
const NEXT_PRODUCTS: usize = (BAND + 1) * LANES;
/// Output blocks that share an input value at most.
const MOST_BLOCKS: usize = 2;

thread_local! {
    /// Working memory of a thread's convolutions: fresh memory for each would cost more than they do.
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Whether a convolution, forward and back, can and should run so: whole tiles, and channels enough for the transforms
/// to pay.
pub(crate) fn fits(geometry: Geometry) -> bool {
    let whole = geometry.in_size.iter().all(|side| side.is_multiple_of(2));
    geometry.stride == 1 && whole && geometry.inputs.min(geometry.outputs) >= LANES
}

/// G g Gᵀ of all pairs of channels, as `[output block, point, input, output lane]`, with zeros where a lane has no channel.
pub(crate) struct TransformedWeights {
    pub inputs: usize,
    pub outputs: usize,
    data: Vec<f32>,
}

impl TransformedWeights {
    /// Of weights `[outputs, inputs, 3, 3]`, each output channel times its `scale` where one is given.
    pub(crate) fn forward(
        weight: &[f32],
        inputs: usize,
        outputs: usize,
        scale: Option<&[f32]>,
    ) -> Self {
        Self::new(inputs, outputs, |output, input, tap| {
            let factor = scale.map_or(1.0, |scale| scale[output]);
            f64::from(weight[(output * inputs + input) * 9 + tap] * factor)
        })
    }

    /// Of the same weights for the gradient of the input, a convolution from outputs to inputs with the kernel turned by
    /// 180°.
    pub(crate) fn backward(weight: &[f32], inputs: usize, outputs: usize) -> Self {
        Self::new(outputs, inputs, |to, from, tap| {
            f64::from(weight[(from * inputs + to) * 9 + 8 - tap])
        })
    }

    fn new(inputs: usize, outputs: usize, weight: impl Fn(usize, usize, usize) -> f64) -> Self {
        let mut data = vec![0.0; outputs.div_ceil(LANES) * POINTS * inputs * LANES];
        // G, applied to a row or a column of three.
        let transform = |[a, b, c]: [f64; 3]| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
        for output in 0..outputs {
            for input in 0..inputs {
                let tap = |ky: usize, kx: usize| weight(output, input, 3 * ky + kx);
                let columns = [0, 1, 2].map(|kx| transform([0, 1, 2].map(|ky| tap(ky, kx))));
                let first = (output / LANES * POINTS * inputs + input) * LANES + output % LANES;
                for y in 0..4 {
                    let row = transform(columns.map(|column| column[y]));
                    for (x, value) in row.into_iter().enumerate() {
                        data[first + (4 * y + x) * inputs * LANES] = value as f32;
                    }
                }
            }
        }
        Self {
            inputs,
            outputs,
            data,
        }
    }
}

/// Runs a convolution of one image.
#[inline(always)]
pub(crate) fn run<L: Lanes>(convolution: Convolution<'_>, weights: &TransformedWeights) {
    let mut scratch = SCRATCH.take();
    let gathered = POINTS * next_gathered(convolution.input_layout);
    let products = MOST_BLOCKS * POINTS * NEXT_PRODUCTS;
    if scratch.len() < gathered + products {
        scratch.resize(gathered + products, 0.0);
    }
    let (gathered, products) = scratch[..gathered + products].split_at_mut(gathered);
    let mut pass = Pass {
        convolution,
        weights,
        gathered,
        products,
    };
    pass.check();
    pass.bands::<L>();
    SCRATCH.set(scratch);
}

/// Floats from a point's part of a transformed band to the next's, apart like [`NEXT_PRODUCTS`].
fn next_gathered(input: Layout) -> usize {
    (BAND * input.blocks() + 1) * LANES
}

/// The tiles of a band, numbered along the rows of tiles.
type Band = Range<usize>;

struct Pass<'a> {
    convolution: Convolution<'a>,
    weights: &'a TransformedWeights,
    /// Bᵀ d B of a band, `[point, tile, input channel]`.
    gathered: &'a mut [f32],
    /// Sums of products of a band, `[output block, point, tile, output lane]`.
    products: &'a mut [f32],
}

impl Pass<'_> {
    /// What the steps rely on to stay inside the slices.
    fn check(&self) {
        let (input, output) = (self.input(), self.output());
        assert_eq!(
            self.convolution.input.len(),
            input.len(),
            "input as its layout"
        );
        assert_eq!(
            self.convolution.output.len(),
            output.len(),
            "output as its layout"
        );
        assert_eq!(input.border, 1, "the input has a border");
        let size = (output.height, output.width);
        assert_eq!((input.height, input.width), size, "the same size");
        assert!(
            size.0.is_multiple_of(2) && size.1.is_multiple_of(2),
            "whole tiles"
        );
        assert_eq!(self.weights.inputs, input.channels, "weights for the input");
        assert_eq!(
            self.weights.outputs, output.channels,
            "weights for the output"
        );
        let blocks = output.blocks();
        assert_eq!(
            self.weights.data.len(),
            blocks * POINTS * input.channels * LANES,
            "all weights"
        );
        let gathered = POINTS * next_gathered(input);
        assert_eq!(self.gathered.len(), gathered, "room for a band");
        let products = MOST_BLOCKS * POINTS * NEXT_PRODUCTS;
        assert_eq!(self.products.len(), products, "room for products");
        if let Some(bias) = self.convolution.bias {
            assert_eq!(bias.len(), blocks * LANES, "one bias an output lane");
        }
    }

    fn input(&self) -> Layout {
        self.convolution.input_layout
    }

    fn output(&self) -> Layout {
        self.convolution.output_layout
    }

    #[inline(always)]
    fn bands<L: Lanes>(&mut self) {
        let (output, blocks) = (self.output(), self.output().blocks());
        let tiles = output.height / 2 * (output.width / 2);
        let bands = tiles.div_ceil(BAND);
        for n in 0..bands {
            // Bands of nearly equal size.
            let band = n * tiles / bands..(n + 1) * tiles / bands;
            self.gather::<L>(band.clone());
            let mut block = 0;
            while block < blocks {
                if L::ACCUMULATORS >= 16 && block + 1 < blocks {
                    self.multiply::<L, 2>(block, band.len());
                    self.scatter::<L, 2>(block, band.clone());
                    block += 2;
                } else {
                    self.multiply::<L, 1>(block, band.len());
                    self.scatter::<L, 1>(block, band.clone());
                    block += 1;
                }
            }
        }
    }

    /// Bᵀ d B of each tile.
    #[inline(always)]
    fn gather<L: Lanes>(&mut self, band: Band) {
        let (input, columns) = (self.input(), self.output().width / 2);
        let values = input.blocks() * LANES;
        for (t, tile) in band.enumerate() {
            let (y, x) = (2 * (tile / columns), 2 * (tile % columns));
            for block in 0..input.blocks() {
                // The corner counts from the border: tile (0, 0) begins in it.
                let from = block * input.plane() + y * input.row() + x * LANES;
                let to = t * values + block * LANES;
                // SAFETY: `check` showed that the input is bordered, of even size and as long as its layout says: rows y to
                // y + 3 and columns x to x + 3 lie in its plane. A tile's number in the band is below BAND, and `gathered`
                // has POINTS * BAND * values floats.
                unsafe {
                    let from = self.convolution.input.as_ptr().add(from);
                    let to = self.gathered.as_mut_ptr().add(to);
                    let zero = L::splat(0.0);
                    let mut half = [[zero; 4]; 4];
                    for x in 0..4 {
                        let at = |y: usize| L::load(from.add(y * input.row() + x * LANES));
                        let column = transformed([at(0), at(1), at(2), at(3)]);
                        for (row, value) in half.iter_mut().zip(column) {
                            row[x] = value;
                        }
                    }
                    for (y, row) in half.into_iter().enumerate() {
                        for (x, value) in transformed(row).into_iter().enumerate() {
                            value.store(to.add((4 * y + x) * next_gathered(input)));
                        }
                    }
                }
            }
        }
    }

    /// At each point the sums over input channels, of `BLOCKS` output blocks and `tiles` tiles.
    #[inline(always)]
    fn multiply<L: Lanes, const BLOCKS: usize>(&mut self, block: usize, tiles: usize) {
        let widest = L::ACCUMULATORS.min(16) / BLOCKS;
        let groups = tiles.div_ceil(widest);
        for point in 0..POINTS {
            for group in 0..groups {
                let (from, to) = (group * tiles / groups, (group + 1) * tiles / groups);
                macro_rules! widths {
                    ($($width:literal)*) => {
                        match to - from {
                            $($width if $width <= widest => {
                                self.group::<L, BLOCKS, $width>(block, point, from)
                            })*
                            _ => unreachable!("groups are at most as wide as the widest"),
                        }
                    };
                }
                widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
            }
        }
    }

    /// The sums of `WIDTH` tiles from tile `first` of the band on.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "t is a tile of the input and of each sum"
    )]
    fn group<L: Lanes, const BLOCKS: usize, const WIDTH: usize>(
        &mut self,
        block: usize,
        point: usize,
        first: usize,
    ) {
        let (inputs, values) = (self.weights.inputs, self.input().blocks() * LANES);
        // SAFETY: `check` showed the lengths. Weights: `inputs` rows of LANES floats at a point of an output block, for the
        // blocks `block..block + BLOCKS`, which there are. Gathered: `inputs` ≤ `values` floats of each of the tiles, whose
        // numbers are below BAND. Products: LANES floats of the same tiles, for BLOCKS ≤ MOST_BLOCKS blocks.
        unsafe {
            let next_block = POINTS * inputs * LANES;
            let w = self.weights.data.as_ptr();
            let w = w.add(block * next_block + point * inputs * LANES);
            let x = self.gathered.as_ptr();
            let x = x.add(point * next_gathered(self.input()) + first * values);
            let mut sums = [[L::splat(0.0); WIDTH]; BLOCKS];
            for channel in 0..inputs {
                let mut weight = [L::splat(0.0); BLOCKS];
                for (n, weight) in weight.iter_mut().enumerate() {
                    *weight = L::load(w.add(n * next_block + channel * LANES));
                }
                for t in 0..WIDTH {
                    let value = L::splat(*x.add(t * values + channel));
                    for n in 0..BLOCKS {
                        sums[n][t] = value.mul_add(weight[n], sums[n][t]);
                    }
                }
            }
            let out = self.products.as_mut_ptr();
            for (n, sums) in sums.iter().enumerate() {
                let out = out.add((n * POINTS + point) * NEXT_PRODUCTS + first * LANES);
                for (t, sum) in sums.iter().enumerate() {
                    sum.store(out.add(t * LANES));
                }
            }
        }
    }

    /// Aᵀ m A of each tile, with what else the convolution does to its output.
    #[inline(always)]
    fn scatter<L: Lanes, const BLOCKS: usize>(&mut self, block: usize, band: Band) {
        let (output, columns) = (self.output(), self.output().width / 2);
        let Convolution {
            bias,
            accumulate,
            relu,
            ..
        } = self.convolution;
        for n in 0..BLOCKS {
            for (t, tile) in band.clone().enumerate() {
                let (y, x) = (2 * (tile / columns), 2 * (tile % columns));
                let to = output.at(block + n, y, x);
                // SAFETY: `check` showed that the output is of even size and as long as its layout says: the pixels from
                // (y, x) to (y + 1, x + 1) lie in it. Products hold LANES floats at each point for tiles below BAND and
                // BLOCKS blocks; the bias holds LANES for each of the output's blocks.
                unsafe {
                    let from = self.products.as_ptr();
                    let from = from.add(n * POINTS * NEXT_PRODUCTS + t * LANES);
                    let to = self.convolution.output.as_mut_ptr().add(to);
                    let mut half = [[L::splat(0.0); 4]; 2];
                    for x in 0..4 {
                        let at = |y: usize| L::load(from.add((4 * y + x) * NEXT_PRODUCTS));
                        let column = gathered([at(0), at(1), at(2), at(3)]);
                        for (row, value) in half.iter_mut().zip(column) {
                            row[x] = value;
                        }
                    }
                    for (y, row) in half.into_iter().enumerate() {
                        for (x, sum) in gathered(row).into_iter().enumerate() {
                            let to = to.add(y * output.row() + x * LANES);
                            let mut sum = sum;
                            if accumulate {
                                sum = sum.add(L::load(to));
                            }
                            if let Some(bias) = bias {
                                sum = sum.add(L::load(bias.as_ptr().add((block + n) * LANES)));
                            }
                            let sum = if relu { sum.relu() } else { sum };
                            sum.store(to);
                        }
                    }
                }
            }
        }
    }
}

/// Bᵀ, applied to a row or a column.
#[inline(always)]
fn transformed<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 4] {
    [a.sub(c), b.add(c), c.sub(b), b.sub(d)]
}

/// Aᵀ, applied to a row or a column.
#[inline(always)]
fn gathered<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 2] {
    [a.add(b).add(c), b.sub(c).sub(d)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::Step;
    use crate::simd::{Simd, SimdPath};
    use crate::weights::{PackedWeights, Weights};

    /// As much as sums of some hundred products of such values are rounded.
    const TOLERANCE: f32 = 1e-4;

    #[test]
    fn it_equals_the_direct_convolution_on_every_path() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut noise = |n: usize| (0..n).map(|_| next()).collect::<Vec<f32>>();
        // Channels that fill no block, fewer and more tiles than a band, both ways through what is added.
        for (inputs, outputs, height, width) in [(16, 16, 2, 2), (19, 35, 6, 10), (40, 64, 14, 8)] {
            let input_layout = Layout::plain(inputs, height, width).bordered();
            let output_layout = Layout::plain(outputs, height, width);
            let mut input = vec![0.0; input_layout.len()];
            input_layout.pack(&noise(inputs * height * width), &mut input);
            let weight = noise(inputs * outputs * 9);
            let scale = noise(outputs);
            let mut bias = noise(outputs);
            bias.resize(output_layout.blocks() * LANES, 0.0);
            let mut before = vec![0.0; output_layout.len()];
            output_layout.pack(&noise(outputs * height * width), &mut before);
            let turned = noise(inputs * outputs * 9);
            let kinds = [
                (
                    Weights::Direct(PackedWeights::forward(
                        &weight,
                        inputs,
                        outputs,
                        Some(&scale),
                    )),
                    Weights::Winograd(TransformedWeights::forward(
                        &weight,
                        inputs,
                        outputs,
                        Some(&scale),
                    )),
                ),
                (
                    Weights::Direct(PackedWeights::backward(&turned, outputs, inputs)),
                    Weights::Winograd(TransformedWeights::backward(&turned, outputs, inputs)),
                ),
            ];
            for path in SimdPath::available() {
                let simd = Simd::new(path).expect("it is available");
                for (direct, winograd) in &kinds {
                    for more in [false, true] {
                        let convolve = |weights| {
                            let mut output = before.clone();
                            simd.run(Convolution {
                                input: &input,
                                input_layout,
                                weights,
                                output: &mut output,
                                output_layout,
                                step: Step::Same,
                                bias: more.then_some(&bias[..]),
                                accumulate: more,
                                relu: more,
                            });
                            output
                        };
                        let (got, wanted) = (convolve(winograd), convolve(direct));
                        for (got, wanted) in got.iter().zip(&wanted) {
                            let off = (got - wanted).abs();
                            assert!(
                                off <= TOLERANCE * wanted.abs().max(10.0),
                                "{path}, {inputs} to {outputs}: {got}, not {wanted}"
                            );
                        }
                    }
                }
            }
        }
    }
}
