//! How blocks run: forward in training and in evaluation, and backward.

use super::activation::{self, Bounded};
use super::{Batch, Block, Context, conv, dense, norm, resample};
use crate::geometry::Geometry;
use crate::norm::{Norm, running_scale};

/// What a block's backward pass needs of its forward pass.
pub(super) enum Kept {
    /// With the convolution's input.
    Conv(Geometry, Batch),
    /// With the normalization's input.
    Norm(Batch, Norm),
    /// With the function's slope and input.
    Leaky(f32, Batch),
    Upsample,
    /// The input's shape.
    Pool([usize; 3]),
    /// The input's shape.
    Reshape([usize; 3]),
    /// The layer's input.
    Dense(Batch),
    /// With the function's output.
    Bounded(Bounded, Batch),
}

impl Block {
    /// Runs the block with the statistics of the batch.
    pub(super) fn forward(
        self,
        context: &Context,
        input: Batch,
        parameters: &[&[f32]],
    ) -> (Batch, Kept) {
        let shape = input.shape();
        match self {
            Block::Conv3x3 {
                inputs,
                outputs,
                stride,
            } => {
                let geometry = Geometry {
                    inputs,
                    outputs,
                    stride,
                    in_size: [shape[1], shape[2]],
                };
                let output = conv::forward(context, geometry, &input, parameters[0]);
                (output, Kept::Conv(geometry, input))
            }
            Block::BatchNorm { .. } => {
                let moments = norm::moments(context, &input);
                let norm = Norm::new(&moments, parameters[0], parameters[1]);
                let output = norm::apply(context, &input, &norm.scale, &norm.shift);
                (output, Kept::Norm(input, norm))
            }
            Block::LeakyRelu { slope } => {
                let output = activation::leaky(context, slope, &input);
                (output, Kept::Leaky(slope, input))
            }
            Block::Upsample2x => (resample::upsample(context, &input), Kept::Upsample),
            Block::GlobalAveragePool => (resample::pool(context, &input), Kept::Pool(shape)),
            Block::Reshape(to) => {
                let output = resample::reshape(context, &input, to);
                (output, Kept::Reshape(shape))
            }
            Block::Dense { .. } => {
                let output = dense::forward(context, &input, parameters[0], parameters[1]);
                (output, Kept::Dense(input))
            }
            Block::Tanh => Kept::bounded(context, Bounded::Tanh, &input),
            Block::Sigmoid => Kept::bounded(context, Bounded::Sigmoid, &input),
        }
    }

    /// Runs the block with running mean and variance.
    pub(super) fn evaluate(
        self,
        context: &Context,
        input: Batch,
        parameters: &[&[f32]],
        running: &[&[f32]],
    ) -> Batch {
        match self {
            Block::BatchNorm { .. } => {
                let (gamma, beta) = (parameters[0], parameters[1]);
                let (scale, shift) = running_scale(gamma, beta, running[0], running[1]);
                norm::apply(context, &input, &scale, &shift)
            }
            _ => self.forward(context, input, parameters).0,
        }
    }
}

impl Kept {
    fn bounded(context: &Context, f: Bounded, input: &Batch) -> (Batch, Kept) {
        let output = activation::bounded(context, f, input);
        (output.clone(), Kept::Bounded(f, output))
    }

    /// The gradients of the input and of each parameter. Without `input_gradient` that of the input
    /// is left out where it would take long.
    pub(super) fn backward(
        self,
        context: &Context,
        parameters: &[&[f32]],
        mut gradient: Batch,
        input_gradient: bool,
    ) -> (Option<Batch>, Vec<Vec<f32>>) {
        let of_input = match self {
            Kept::Conv(geometry, input) => {
                let weight = parameters[0];
                let (of_input, of_weight) =
                    conv::backward(context, geometry, &input, weight, &gradient, input_gradient);
                return (of_input, vec![of_weight]);
            }
            Kept::Norm(z, norm) => {
                let (of_input, gamma, beta) =
                    norm::backward(context, &z, &norm, parameters[0], gradient);
                return (Some(of_input), vec![gamma, beta]);
            }
            Kept::Dense(input) => {
                let (of_input, weight, bias) =
                    dense::backward(context, &input, parameters[0], &gradient);
                return (Some(of_input), vec![weight, bias]);
            }
            Kept::Leaky(slope, input) => {
                activation::leaky_back(context, slope, &input, &mut gradient);
                gradient
            }
            Kept::Bounded(f, output) => {
                activation::bounded_back(f, &output, &mut gradient);
                gradient
            }
            Kept::Upsample => resample::upsample_back(context, &gradient),
            Kept::Pool(shape) => resample::pool_back(context, shape, &gradient),
            Kept::Reshape(shape) => resample::reshape(context, &gradient, shape),
        };
        (Some(of_input), Vec::new())
    }
}
