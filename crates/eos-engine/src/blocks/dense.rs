//! The dense layer: one kernel, a product of matrices, makes its output and each of its gradients.

use rayon::prelude::*;

use super::Context;
use super::batch::Batch;
use crate::norm::lanes;
use crate::parallel::Chunks;
use crate::simd::{Kernel, LANES, Lanes};

/// Rows of a product that share a weight at most.
const MOST_ROWS: usize = 8;

/// `output[n, o] = bias[o] + Σ weight[o, i] * input[n, i]`, of vectors.
pub(super) fn forward(context: &Context, input: &Batch, weight: &[f32], bias: &[f32]) -> Batch {
    let (inputs, outputs) = (input.layout().channels, bias.len());
    let right = Packed::new(inputs, outputs, |i, o| weight[o * inputs + i]);
    let start = lanes(bias.iter().copied());
    let mut output = context.batch(input.images(), [outputs, 1, 1]);
    let left = (input.values(), input.layout().len());
    multiply(context, left, &right, Some(&start), output.values_mut());
    output
}

/// The gradients of the input, the weight `[out, in]` and the bias.
pub(super) fn backward(
    context: &Context,
    input: &Batch,
    weight: &[f32],
    gradient: &Batch,
) -> (Batch, Vec<f32>, Vec<f32>) {
    let (n, inputs) = (input.images(), input.layout().channels);
    let (row, of_output) = (input.layout().len(), gradient.layout().len());
    let outputs = gradient.layout().channels;
    let (x, g) = (input.values(), gradient.values());

    let right = Packed::new(outputs, inputs, |o, i| weight[o * inputs + i]);
    let mut out = context.batch(n, input.shape());
    multiply(context, (g, of_output), &right, None, out.values_mut());

    let turned: Vec<f32> = (0..outputs)
        .flat_map(|o| (0..n).map(move |r| g[r * of_output + o]))
        .collect();
    let right = Packed::new(n, inputs, |r, i| x[r * row + i]);
    let mut of_weight = vec![0.0; outputs * row];
    multiply(context, (&turned, n), &right, None, &mut of_weight);
    let of_weight = of_weight.chunks_exact(row);
    let of_weight = of_weight.flat_map(|row| &row[..inputs]).copied().collect();

    let sum = |of_one: &[f32]| of_one.iter().map(|&g| f64::from(g)).sum::<f64>() as f32;
    let of_bias = turned.chunks_exact(n).map(sum).collect();
    (out, of_weight, of_bias)
}

/// A matrix `[inner, columns]` as `[block of columns, inner, 16]`, zero past the last column.
struct Packed {
    inner: usize,
    data: Vec<f32>,
}

impl Packed {
    fn new(inner: usize, columns: usize, at: impl Fn(usize, usize) -> f32 + Sync) -> Packed {
        let mut data = vec![0.0; columns.div_ceil(LANES) * inner * LANES];
        let blocks = data.par_chunks_exact_mut(inner * LANES).enumerate();
        blocks.for_each(|(block, data)| {
            let columns = block * LANES..columns.min((block + 1) * LANES);
            for (lane, column) in columns.enumerate() {
                for (k, to) in data[lane..].iter_mut().step_by(LANES).enumerate() {
                    *to = at(k, column);
                }
            }
        });
        Packed { inner, data }
    }

    fn blocks(&self) -> usize {
        self.data.len() / (self.inner * LANES)
    }
}

/// `out = left · right [+ start]`: rows of `left.1` floats, of which `inner` count, to rows of one
/// float a lane.
fn multiply(
    context: &Context,
    left: (&[f32], usize),
    right: &Packed,
    start: Option<&[f32]>,
    out: &mut [f32],
) {
    let (left, row) = left;
    let columns = right.blocks() * LANES;
    Chunks::of(out.len() / columns).map(out, columns, |range, out| {
        context.simd.run(Product {
            left: &left[range.start * row..range.end * row],
            row,
            right,
            start,
            out,
        });
    });
}

struct Product<'a> {
    left: &'a [f32],
    /// Floats from a row of `left` to the next, at least `right.inner`.
    row: usize,
    right: &'a Packed,
    /// What sums begin with, one value a lane.
    start: Option<&'a [f32]>,
    out: &'a mut [f32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let columns = self.right.blocks() * LANES;
        let rows = self.out.len() / columns;
        let widest = L::ACCUMULATORS.min(MOST_ROWS);
        for block in 0..self.right.blocks() {
            let mut first = 0;
            while first < rows {
                let width = (rows - first).min(widest);
                macro_rules! widths {
                    ($($width:literal)*) => {
                        match width {
                            $($width if $width <= widest => self.tile::<L, $width>(block, first),)*
                            _ => unreachable!("tiles are at most as wide as the widest"),
                        }
                    };
                }
                widths!(1 2 3 4 5 6 7 8);
                first += width;
            }
        }
    }
}

impl Product<'_> {
    /// `WIDTH` rows from `first` on, of one block of columns.
    #[inline(always)]
    fn tile<L: Lanes, const WIDTH: usize>(&mut self, block: usize, first: usize) {
        let (row, inner) = (self.row, self.right.inner);
        let columns = self.right.blocks() * LANES;
        let start = match self.start {
            Some(start) => L::from_slice(&start[block * LANES..]),
            None => L::splat(0.0),
        };
        let mut sums = [start; WIDTH];
        let rows: [&[f32]; WIDTH] =
            std::array::from_fn(|t| &self.left[(first + t) * row..][..inner]);
        let right = &self.right.data[block * inner * LANES..][..inner * LANES];
        for (k, weight) in right.chunks_exact(LANES).enumerate() {
            let weight = L::from_slice(weight);
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = L::splat(row[k]).mul_add(weight, *sum);
            }
        }
        for (t, sum) in sums.into_iter().enumerate() {
            let out = &mut self.out[(first + t) * columns + block * LANES..][..LANES];
            out.copy_from_slice(&sum.to_array());
        }
    }
}
