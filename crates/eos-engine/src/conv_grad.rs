//! The gradient of a 3 × 3 convolution's weights, over one image.
//!
//! (The gradient of its input is a convolution too: see [`crate::conv`].)

use rayon::prelude::*;

use crate::geometry::Geometry;
use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Lanes};
use crate::weights::{CHANNEL, PAIR, ROW, packed_len, unpack};

/// Rows whose input and gradient stay in the first-level cache while the weights of a pair of
/// blocks pass over them.
const BAND: usize = 8;

/// `sums[o, i, ky, kx] += Σ over output pixels (y, x) of
/// gradient[o, y, x] * input[i, stride * y + ky - 1, stride * x + kx - 1]`.
pub(crate) struct WeightGradient<'a> {
    /// One image, with a border.
    pub input: &'a [f32],
    pub input_layout: Layout,
    /// The gradient of the convolution's output.
    pub gradient: &'a [f32],
    pub gradient_layout: Layout,
    /// 1 or 2.
    pub stride: usize,
    /// In the order of [`crate::weights::PackedWeights`].
    pub sums: &'a mut [f32],
}

impl Kernel for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        self.check();
        match self.stride {
            1 => self.pairs::<L, 1>(),
            _ => self.pairs::<L, 2>(),
        }
    }
}

/// Adds up the sums of chunks in their order: the gradient of the weights, `[out, in, 3, 3]`.
pub(crate) fn total(parts: &[&[f32]], geometry: Geometry) -> Vec<f32> {
    let (inputs, outputs) = (geometry.inputs, geometry.outputs);
    let mut sums = vec![0.0; packed_len(inputs, outputs)];
    sums.par_chunks_mut(PAIR)
        .enumerate()
        .for_each(|(pair, sums)| {
            for part in parts {
                let part = &part[pair * PAIR..][..PAIR];
                sums.iter_mut().zip(part).for_each(|(sum, &w)| *sum += w);
            }
        });
    unpack(&sums, inputs, outputs)
}

/// Weights and rows that a pass of the kernel concerns.
#[derive(Clone, Copy)]
struct Part {
    output_block: usize,
    input_block: usize,
    rows: (usize, usize),
    ky: usize,
    kx: usize,
    lane: usize,
}

impl WeightGradient<'_> {
    /// What the kernel relies on to stay inside the slices.
    fn check(&self) {
        let (input, gradient) = (self.input_layout, self.gradient_layout);
        assert_eq!(self.input.len(), input.len(), "input as its layout");
        assert_eq!(
            self.gradient.len(),
            gradient.len(),
            "gradient as its layout"
        );
        assert_eq!(input.border, 1, "the input has a border");
        assert!(matches!(self.stride, 1 | 2), "stride 1 or 2");
        let size = (
            input.height.div_ceil(self.stride),
            input.width.div_ceil(self.stride),
        );
        assert_eq!(
            (gradient.height, gradient.width),
            size,
            "the convolution's output"
        );
        assert_eq!(
            self.sums.len(),
            input.blocks() * gradient.blocks() * PAIR,
            "all weights"
        );
    }

    #[inline(always)]
    fn pairs<L: Lanes, const STRIDE: usize>(&mut self) {
        let height = self.gradient_layout.height;
        for output_block in 0..self.gradient_layout.blocks() {
            for input_block in 0..self.input_layout.blocks() {
                for from in (0..height).step_by(BAND) {
                    let rows = (from, (from + BAND).min(height));
                    for ky in 0..3 {
                        let part = Part {
                            output_block,
                            input_block,
                            rows,
                            ky,
                            kx: 0,
                            lane: 0,
                        };
                        self.lanes::<L, STRIDE>(part);
                    }
                }
            }
        }
    }

    /// Covers the input lanes of a block in groups that fill the registers. A group may reach past
    /// the last channel, into lanes that are zero.
    #[inline(always)]
    fn lanes<L: Lanes, const STRIDE: usize>(&mut self, part: Part) {
        let lanes = self.input_layout.lanes(part.input_block);
        let mut lane = 0;
        while lane < lanes {
            let part = Part { lane, ..part };
            let left = lanes - lane;
            if L::ACCUMULATORS >= 24 {
                if left > 4 {
                    self.group::<L, 8, 3, STRIDE>(part);
                    lane += 8;
                } else if left > 1 {
                    self.group::<L, 4, 3, STRIDE>(part);
                    lane += 4;
                } else {
                    self.group::<L, 1, 3, STRIDE>(part);
                    lane += 1;
                }
            } else if L::ACCUMULATORS >= 4 && left > 1 {
                self.columns::<L, 4, STRIDE>(part);
                lane += 4;
            } else if left > 1 {
                self.columns::<L, 2, STRIDE>(part);
                lane += 2;
            } else {
                self.columns::<L, 1, STRIDE>(part);
                lane += 1;
            }
        }
    }

    /// The three columns of taps one after the other, where registers do not hold all of them.
    #[inline(always)]
    fn columns<L: Lanes, const GROUP: usize, const STRIDE: usize>(&mut self, part: Part) {
        for kx in 0..3 {
            self.group::<L, GROUP, 1, STRIDE>(Part { kx, ..part });
        }
    }

    /// `GROUP` input lanes by `COLUMNS` taps of one kernel row, over a band of rows.
    #[inline(always)]
    fn group<L: Lanes, const GROUP: usize, const COLUMNS: usize, const STRIDE: usize>(
        &mut self,
        part: Part,
    ) {
        let (input, gradient) = (self.input_layout, self.gradient_layout);
        let pair = part.output_block * input.blocks() + part.input_block;
        let sums = pair * PAIR + part.ky * ROW + part.lane * CHANNEL + part.kx * LANES;
        // SAFETY: `check` showed that the slices hold what the layouts say. Output pixel (y, x)
        // meets input pixel (STRIDE * y + ky, STRIDE * x + kx) counted from the border, which is in
        // the bordered plane since ky and kx are below 3. Lanes: `lane + GROUP` is at most 16, as
        // GROUP divides 16 and `lane` is a multiple of it or of a larger group.
        unsafe {
            let mut acc = [[L::splat(0.0); COLUMNS]; GROUP];
            for y in part.rows.0..part.rows.1 {
                let x = part.input_block * input.plane()
                    + (STRIDE * y + part.ky) * input.row()
                    + part.kx * LANES
                    + part.lane;
                let x = self.input.as_ptr().add(x);
                let g = self
                    .gradient
                    .as_ptr()
                    .add(gradient.at(part.output_block, y, 0));
                for column in 0..gradient.width {
                    let g = L::load(g.add(column * LANES));
                    let x = x.add(column * STRIDE * LANES);
                    for (i, acc) in acc.iter_mut().enumerate() {
                        for (k, acc) in acc.iter_mut().enumerate() {
                            *acc = L::splat(*x.add(k * LANES + i)).mul_add(g, *acc);
                        }
                    }
                }
            }
            let sums = self.sums.as_mut_ptr().add(sums);
            for (i, acc) in acc.iter().enumerate() {
                for (k, acc) in acc.iter().enumerate() {
                    let sum = sums.add(i * CHANNEL + k * LANES);
                    L::load(sum).add(*acc).store(sum);
                }
            }
        }
    }
}
