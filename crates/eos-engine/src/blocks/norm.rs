//! Batch normalization of a batch: its statistics, itself, its gradients.

use super::Context;
use super::batch::Batch;
use crate::elementwise::{Activate, MaskAndSum, ThroughNorm};
use crate::forward::each;
use crate::norm::{AddMoments, GradientSums, Moments, Norm};
use crate::parallel::Chunks;

/// Mean and variance of a batch by channel.
pub(super) fn moments(context: &Context, input: &Batch) -> Moments {
    let layout = input.layout();
    let parts = Chunks::of(input.images()).each(|range| {
        let mut moments = Moments::none(layout.channels);
        for i in range {
            context.simd.run(AddMoments {
                image: input.image(i),
                layout,
                moments: &mut moments,
            });
        }
        moments
    });
    let mut all = Moments::none(layout.channels);
    parts.iter().for_each(|part| all.merge(part));
    all
}

/// `input * scale + shift`, of one value a lane.
pub(super) fn apply(context: &Context, input: &Batch, scale: &[f32], shift: &[f32]) -> Batch {
    let layout = input.layout();
    let mut output = context.batch(input.images(), input.shape());
    Chunks::of(input.images()).map(output.values_mut(), layout.len(), |range, output| {
        for (i, target) in each(range, output, layout.len()) {
            context.simd.run(Activate {
                z: input.image(i),
                z_layout: layout,
                scale,
                shift,
                shortcut: None,
                relu: false,
                target,
                target_layout: layout,
            });
        }
    });
    output
}

/// The gradients of the input, gamma and beta.
pub(super) fn backward(
    context: &Context,
    z: &Batch,
    norm: &Norm,
    gamma: &[f32],
    mut gradient: Batch,
) -> (Batch, Vec<f32>, Vec<f32>) {
    let (layout, chunks) = (z.layout(), Chunks::of(z.images()));
    let parts = chunks.map(gradient.values_mut(), layout.len(), |range, gradient| {
        let mut sums = GradientSums::zeros(layout.channels);
        for (i, gradient) in each(range, gradient, layout.len()) {
            context.simd.run(MaskAndSum {
                gradient,
                z: z.image(i),
                layout,
                activation: None,
                norm,
                sums: &mut sums,
            });
        }
        sums
    });
    let mut sums = GradientSums::zeros(layout.channels);
    parts.iter().for_each(|part| sums.merge(part));
    let coefficients = norm.gradient(gamma, &sums);
    let mut out = context.batch(z.images(), z.shape());
    chunks.map(out.values_mut(), layout.len(), |range, out| {
        for (i, target) in each(range, out, layout.len()) {
            context.simd.run(ThroughNorm {
                gradient: gradient.image(i),
                z: z.image(i),
                layout,
                norm,
                coefficients: &coefficients,
                target,
                target_layout: layout,
            });
        }
    });
    (out, coefficients.gamma, coefficients.beta)
}
