//! The 3 × 3 convolution of a batch: forward, and its gradients.

use std::ops::Range;

use super::Context;
use super::batch::Batch;
use crate::conv::Convolution;
use crate::conv_grad::{self, WeightGradient};
use crate::forward::each;
use crate::geometry::Geometry;
use crate::parallel::Chunks;
use crate::weights::{Weights, packed_len};

/// The convolution of a batch with weights `[out, in, 3, 3]`.
pub(super) fn forward(
    context: &Context,
    geometry: Geometry,
    input: &Batch,
    weight: &[f32],
) -> Batch {
    let weights = Weights::forward(geometry, weight, None);
    let [height, width] = geometry.out_size();
    let mut output = context.batch(input.images(), [geometry.outputs, height, width]);
    let layout = output.layout();
    Chunks::of(input.images()).map(output.values_mut(), layout.len(), |range, output| {
        let mut bordered = vec![0.0; geometry.input().len()];
        for (i, output) in each(range, output, layout.len()) {
            geometry.input().enclose(input.image(i), &mut bordered);
            context.simd.run(Convolution {
                input: &bordered,
                input_layout: geometry.input(),
                weights: &weights,
                output,
                output_layout: layout,
                step: geometry.step(),
                bias: None,
                accumulate: false,
                relu: false,
            });
        }
    });
    output
}

/// The gradients of the input, where it is wanted, and of the weights.
pub(super) fn backward(
    context: &Context,
    geometry: Geometry,
    input: &Batch,
    weight: &[f32],
    gradient: &Batch,
    input_gradient: bool,
) -> (Option<Batch>, Vec<f32>) {
    let chunks = Chunks::of(input.images());
    let (of_output, of_input) = (geometry.output().bordered(), input.layout());
    let turned = input_gradient.then(|| Weights::backward(geometry, weight));
    let work = |range: Range<usize>, out: &mut [f32]| {
        let mut weights = vec![0.0; packed_len(geometry.inputs, geometry.outputs)];
        let mut bordered_input = vec![0.0; geometry.input().len()];
        let mut bordered = vec![0.0; of_output.len()];
        let mut out = out.chunks_exact_mut(of_input.len());
        for i in range {
            geometry
                .input()
                .enclose(input.image(i), &mut bordered_input);
            of_output.enclose(gradient.image(i), &mut bordered);
            context.simd.run(WeightGradient {
                input: &bordered_input,
                input_layout: geometry.input(),
                gradient: &bordered,
                gradient_layout: of_output,
                stride: geometry.stride,
                sums: &mut weights,
            });
            if let Some((turned, out)) = turned.as_ref().zip(out.next()) {
                context.simd.run(Convolution::of_input_gradient(
                    geometry, turned, &bordered, out,
                ));
            }
        }
        weights
    };
    let (out, parts) = if input_gradient {
        let mut out = context.batch(input.images(), input.shape());
        let parts = chunks.map(out.values_mut(), of_input.len(), work);
        (Some(out), parts)
    } else {
        (None, chunks.each(|range| work(range, &mut [])))
    };
    let parts: Vec<&[f32]> = parts.iter().map(Vec::as_slice).collect();
    (out, conv_grad::total(&parts, geometry))
}
