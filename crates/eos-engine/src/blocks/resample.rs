//! Blocks that move values between sizes: up-sampling, pooling, another shape.

use super::Context;
use super::batch::Batch;
use crate::forward::each;
use crate::layout::Layout;
use crate::parallel::Chunks;
use crate::pooling::{AveragePool, spread};
use crate::simd::LANES;

/// Every pixel four times: nearest neighbours at twice the size.
pub(super) fn upsample(context: &Context, input: &Batch) -> Batch {
    let (small, [channels, height, width]) = (input.layout(), input.shape());
    let mut output = context.batch(input.images(), [channels, 2 * height, 2 * width]);
    let large = output.layout();
    Chunks::of(input.images()).map(output.values_mut(), large.len(), |range, out| {
        for (i, out) in each(range, out, large.len()) {
            let rows = input.image(i).chunks_exact(small.row());
            for (row, out) in rows.zip(out.chunks_exact_mut(2 * large.row())) {
                let (first, second) = out.split_at_mut(large.row());
                let pairs = first.chunks_exact_mut(2 * LANES);
                for (pixel, pair) in row.chunks_exact(LANES).zip(pairs) {
                    pair[..LANES].copy_from_slice(pixel);
                    pair[LANES..].copy_from_slice(pixel);
                }
                second.copy_from_slice(first);
            }
        }
    });
    output
}

/// The gradient of [`upsample`]: sums of four.
pub(super) fn upsample_back(context: &Context, gradient: &Batch) -> Batch {
    let (large, [channels, height, width]) = (gradient.layout(), gradient.shape());
    let mut output = context.batch(gradient.images(), [channels, height / 2, width / 2]);
    let small = output.layout();
    Chunks::of(gradient.images()).map(output.values_mut(), small.len(), |range, out| {
        for (i, out) in each(range, out, small.len()) {
            let rows = gradient.image(i).chunks_exact(2 * large.row());
            for (rows, out) in rows.zip(out.chunks_exact_mut(small.row())) {
                let (first, second) = rows.split_at(large.row());
                let pairs = first.chunks_exact(2 * LANES);
                let pairs = pairs.zip(second.chunks_exact(2 * LANES));
                for ((a, b), out) in pairs.zip(out.chunks_exact_mut(LANES)) {
                    for (lane, out) in out.iter_mut().enumerate() {
                        *out = (a[lane] + a[LANES + lane]) + (b[lane] + b[LANES + lane]);
                    }
                }
            }
        }
    });
    output
}

/// The mean of each channel.
pub(super) fn pool(context: &Context, input: &Batch) -> Batch {
    let layout = input.layout();
    let mut output = context.batch(input.images(), [layout.channels, 1, 1]);
    let len = output.layout().len();
    Chunks::of(input.images()).map(output.values_mut(), len, |range, out| {
        for (i, out) in each(range, out, len) {
            let image = input.image(i);
            context.simd.run(AveragePool { image, layout, out });
        }
    });
    output
}

/// The gradient of [`pool`] for images of `shape`.
pub(super) fn pool_back(context: &Context, shape: [usize; 3], gradient: &Batch) -> Batch {
    let mut output = context.batch(gradient.images(), shape);
    let layout = output.layout();
    Chunks::of(gradient.images()).map(output.values_mut(), layout.len(), |range, out| {
        for (i, out) in each(range, out, layout.len()) {
            spread(gradient.image(i), layout, out);
        }
    });
    output
}

/// The same values `[C, H, W]` in another shape; also its own gradient.
pub(super) fn reshape(context: &Context, input: &Batch, shape: [usize; 3]) -> Batch {
    let mut output = context.batch(input.images(), shape);
    let (from, to): (Layout, Layout) = (input.layout(), output.layout());
    Chunks::of(input.images()).map(output.values_mut(), to.len(), |range, out| {
        let mut values = vec![0.0; from.channels * from.pixels()];
        for (i, out) in each(range, out, to.len()) {
            from.unpack(input.image(i), &mut values);
            // Lanes without a channel stay zero.
            out.fill(0.0);
            to.pack(&values, out);
        }
    });
    output
}
