//! The backward pass: two passes over the batch for each block, from the last to the first.
//!
//! Each pass takes the gradient of a layer's activation, brings it through the normalization into a
//! bordered scratch image, and makes from it the gradient of the weights and, by another
//! convolution, that of the layer's input, whose ReLU is undone at once, with the sums that the
//! normalization before needs. Gradients go where activations are no longer needed.

use std::ops::Range;

use crate::Error;
use crate::buffers::Buffer;
use crate::conv::Convolution;
use crate::conv_grad::{self, WeightGradient};
use crate::elementwise::{Activate, MaskAndSum, ThroughNorm};
use crate::error::check_length;
use crate::forward::{Saved, each};
use crate::norm::{GradientSums, NormGradient};
use crate::parallel::Chunks;
use crate::pooling::spread;
use crate::resnet::{Layer, LayerParams, ResNet};
use crate::shortcut;
use crate::weights::{Weights, packed_len};

/// The gradient of the loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients {
    /// By layer, in the order of [`ResNet::layers`].
    pub layers: Vec<LayerGradients>,
    /// By image `[n, C, H, W]`, where it was asked for.
    pub images: Option<Vec<f32>>,
}

/// The gradient of one layer's parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerGradients {
    /// Of the convolution's weight, `[out, in, 3, 3]`.
    pub weight: Vec<f32>,
    /// Of the normalization's factor, `[out]`.
    pub gamma: Vec<f32>,
    /// Of the normalization's summand, `[out]`.
    pub beta: Vec<f32>,
}

impl ResNet {
    /// The gradient of a loss, from its gradient by embedding, `[n, D]`.
    ///
    /// `saved` comes from [`forward`](Self::forward) and `params` are those it had: a change in
    /// between goes unnoticed and gives wrong gradients. `image_gradient` asks for the gradient of
    /// the images too, at the cost of one more convolution.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::LayerCount`] for what does not fit, [`Error::ForeignSaved`]
    /// for activations of a network of another depth, input or path.
    pub fn backward(
        &self,
        saved: Saved,
        params: &[LayerParams<'_>],
        embedding_gradient: &[f32],
        image_gradient: bool,
    ) -> Result<Gradients, Error> {
        self.check_params(params)?;
        let same = (saved.z.len(), saved.input, saved.path);
        if same != (self.layers.len(), self.input, self.path()) {
            return Err(Error::ForeignSaved);
        }
        let shape = [saved.n, self.embedding_width()];
        check_length(
            || "embedding gradient".into(),
            embedding_gradient.len(),
            &shape,
        )?;
        let mut pass = Backward {
            network: self,
            params,
            chunks: Chunks::of(saved.n),
            layers: vec![LayerGradients::default(); self.layers.len()],
            saved,
        };
        let (mut gradient, mut sums) = pass.top(embedding_gradient);
        for second in (2..self.layers.len()).step_by(2).rev() {
            (gradient, sums) = pass.block(second, gradient, &sums);
        }
        let coefficients = pass.norm(0, &sums);
        pass.stem(&gradient, &coefficients);
        let images = image_gradient.then(|| pass.images(&gradient, &coefficients));
        Ok(Gradients {
            layers: pass.layers,
            images,
        })
    }
}

/// What a chunk of the batch contributes.
struct Partial {
    weights: Vec<f32>,
    sums: GradientSums,
}

/// A chunk's working memory.
struct Scratch {
    /// The gradient of a layer's convolution's output, with a border.
    gradient: Vec<f32>,
    partial: Partial,
}

impl Scratch {
    fn new(layer: &Layer) -> Scratch {
        let weights = vec![0.0; packed_len(layer.in_channels, layer.out_channels)];
        let sums = GradientSums::zeros(layer.in_channels);
        let gradient = vec![0.0; layer.output().bordered().len()];
        Scratch {
            gradient,
            partial: Partial { weights, sums },
        }
    }
}

/// A layer whose normalization a gradient passes.
struct ThroughLayer<'a> {
    index: usize,
    z: &'a Buffer,
    coefficients: &'a NormGradient,
}

/// Adds up the sums of chunks in their order.
fn total(channels: usize, parts: &[GradientSums]) -> GradientSums {
    let mut sums = GradientSums::zeros(channels);
    parts.iter().for_each(|part| sums.merge(part));
    sums
}

/// The last of what every layer has one of.
fn last<T>(of_layers: &[T]) -> &T {
    of_layers.last().expect("a network has at least a stem")
}

struct Backward<'a> {
    network: &'a ResNet,
    params: &'a [LayerParams<'a>],
    chunks: Chunks,
    saved: Saved,
    layers: Vec<LayerGradients>,
}

impl Backward<'_> {
    /// The gradient of the last block's output before its ReLU.
    fn top(&mut self, embedding_gradient: &[f32]) -> (Buffer, GradientSums) {
        let layer = self.network.last();
        let (layout, width) = (layer.output(), layer.out_channels);
        let mut gradient = self.network.pool.take(layout, self.saved.n);
        let (z, norm) = (last(&self.saved.z), last(&self.saved.norms));
        let output = last(&self.saved.outputs);
        let parts = self
            .chunks
            .map(&mut gradient, layout.len(), |range, gradient| {
                let mut sums = GradientSums::zeros(width);
                for (i, gradient) in each(range, gradient, layout.len()) {
                    spread(
                        &embedding_gradient[i * width..(i + 1) * width],
                        layout,
                        gradient,
                    );
                    self.network.simd.run(MaskAndSum {
                        gradient,
                        z: z.image(i),
                        layout,
                        activation: Some((output.image(i), output.layout())),
                        norm,
                        sums: &mut sums,
                    });
                }
                sums
            });
        // From here on the last block's output is not needed.
        self.saved.outputs.pop();
        (gradient, total(width, &parts))
    }

    /// Takes the gradient of a block's output, before its ReLU, to that of its input. `second` is
    /// the block's last layer.
    fn block(
        &mut self,
        second: usize,
        gradient: Buffer,
        sums: &GradientSums,
    ) -> (Buffer, GradientSums) {
        let coefficients = self.norm(second, sums);
        let (inner, inner_sums) = self.second(second, &gradient, &coefficients);
        let coefficients = self.norm(second - 1, &inner_sums);
        self.first(second - 1, gradient, &inner, &coefficients)
    }

    /// A normalization's own gradients, and what a gradient needs to get through it.
    fn norm(&mut self, index: usize, sums: &GradientSums) -> NormGradient {
        let coefficients = self.saved.norms[index].gradient(self.params[index].gamma, sums);
        self.layers[index].gamma.clone_from(&coefficients.gamma);
        self.layers[index].beta.clone_from(&coefficients.beta);
        coefficients
    }

    /// A block's second layer. The gradient of its input takes the place of its convolution's
    /// output, image by image, when that has been read.
    fn second(
        &mut self,
        index: usize,
        gradient: &Buffer,
        coefficients: &NormGradient,
    ) -> (Buffer, GradientSums) {
        let layer = &self.network.layers[index];
        let simd = self.network.simd;
        let mut z = self.saved.z.pop().expect("one output a layer");
        let weights = self.turned(index);
        let (before, norm) = (&self.saved.z[index - 1], &self.saved.norms[index - 1]);
        let layout = layer.output();
        let parts = self.chunks.map(&mut z, layout.len(), |range, z| {
            let mut scratch = Scratch::new(layer);
            let mut input = vec![0.0; layer.input().len()];
            for (i, z) in each(range, z, layout.len()) {
                simd.run(ThroughNorm {
                    gradient: gradient.image(i),
                    z,
                    layout,
                    norm: &self.saved.norms[index],
                    coefficients,
                    target: &mut scratch.gradient,
                    target_layout: layout.bordered(),
                });
                simd.run(Activate {
                    z: before.image(i),
                    z_layout: layout,
                    scale: &norm.scale,
                    shift: &norm.shift,
                    shortcut: None,
                    relu: true,
                    target: &mut input,
                    target_layout: layer.input(),
                });
                let sums = &mut scratch.partial.weights;
                self.weight_gradient(layer, &input, &scratch.gradient, sums);
                simd.run(Convolution::of_input_gradient(
                    layer.geometry(),
                    &weights,
                    &scratch.gradient,
                    z,
                ));
                simd.run(MaskAndSum {
                    gradient: z,
                    z: before.image(i),
                    layout,
                    activation: Some((&input, layer.input())),
                    norm,
                    sums: &mut scratch.partial.sums,
                });
            }
            scratch.partial
        });
        let sums = self.collect(index, &parts);
        (z, sums)
    }

    /// A block's first layer, whose input also reached the block's end through the shortcut.
    fn first(
        &mut self,
        index: usize,
        shortcut: Buffer,
        inner: &Buffer,
        coefficients: &NormGradient,
    ) -> (Buffer, GradientSums) {
        let layer = &self.network.layers[index];
        let simd = self.network.simd;
        let z = self.saved.z.pop().expect("one output a layer");
        let output = self
            .saved
            .outputs
            .pop()
            .expect("one output a block, and the stem's");
        let weights = self.turned(index);
        let (before, norm) = (&self.saved.z[index - 1], &self.saved.norms[index - 1]);
        let (wide, narrow) = (before.layout(), layer.output());
        let from = ThroughLayer {
            index,
            z: &z,
            coefficients,
        };
        // Where the sizes agree, the shortcut's gradient is where the sum is made.
        let (mut gradient, shortcut) = if layer.stride == 1 {
            (shortcut, None)
        } else {
            (self.network.pool.take(wide, self.saved.n), Some(shortcut))
        };
        let parts = self
            .chunks
            .map(&mut gradient, wide.len(), |range, gradient| {
                let mut scratch = Scratch::new(layer);
                for (i, gradient) in each(range, gradient, wide.len()) {
                    if let Some(shortcut) = &shortcut {
                        shortcut::gradient(shortcut.image(i), narrow, gradient, wide);
                    }
                    self.through_norm(&from, i, inner.image(i), &mut scratch.gradient);
                    let sums = &mut scratch.partial.weights;
                    self.weight_gradient(layer, output.image(i), &scratch.gradient, sums);
                    let convolution = Convolution::of_input_gradient(
                        layer.geometry(),
                        &weights,
                        &scratch.gradient,
                        gradient,
                    );
                    simd.run(Convolution {
                        accumulate: true,
                        ..convolution
                    });
                    simd.run(MaskAndSum {
                        gradient,
                        z: before.image(i),
                        layout: wide,
                        activation: Some((output.image(i), output.layout())),
                        norm,
                        sums: &mut scratch.partial.sums,
                    });
                }
                scratch.partial
            });
        let sums = self.collect(index, &parts);
        (gradient, sums)
    }

    /// Brings the gradient of image `i` through the normalization of a layer, into `target`, which
    /// has a border.
    fn through_norm(
        &self,
        from: &ThroughLayer<'_>,
        i: usize,
        gradient: &[f32],
        target: &mut [f32],
    ) {
        let norm = &self.saved.norms[from.index];
        self.network.simd.run(ThroughNorm {
            gradient,
            z: from.z.image(i),
            layout: from.z.layout(),
            norm,
            coefficients: from.coefficients,
            target,
            target_layout: from.z.layout().bordered(),
        });
    }

    /// Adds an image's part to the gradient of a layer's weights.
    fn weight_gradient(&self, layer: &Layer, input: &[f32], gradient: &[f32], sums: &mut [f32]) {
        self.network.simd.run(WeightGradient {
            input,
            input_layout: layer.input(),
            gradient,
            gradient_layout: layer.output().bordered(),
            stride: layer.stride,
            sums,
        });
    }

    /// The stem's weights and normalization.
    fn stem(&mut self, gradient: &Buffer, coefficients: &NormGradient) {
        let layer = &self.network.layers[0];
        let from = ThroughLayer {
            index: 0,
            z: &self.saved.z[0],
            coefficients,
        };
        let size = self.network.input.values();
        let work = |range: Range<usize>| {
            let mut scratch = Scratch::new(layer);
            let mut input = vec![0.0; layer.input().len()];
            for i in range {
                self.through_norm(&from, i, gradient.image(i), &mut scratch.gradient);
                layer
                    .input()
                    .pack(&self.saved.images[i * size..(i + 1) * size], &mut input);
                let sums = &mut scratch.partial.weights;
                self.weight_gradient(layer, &input, &scratch.gradient, sums);
            }
            scratch.partial
        };
        let parts = self.chunks.each(work);
        self.collect(0, &parts);
    }

    /// The gradient of the images, `[n, C, H, W]`.
    fn images(&self, gradient: &Buffer, coefficients: &NormGradient) -> Vec<f32> {
        let layer = &self.network.layers[0];
        let from = ThroughLayer {
            index: 0,
            z: &self.saved.z[0],
            coefficients,
        };
        let (weights, size) = (self.turned(0), self.network.input.values());
        let layout = layer.input().without_border();
        let mut images = vec![0.0; self.saved.n * size];
        self.chunks.map(&mut images, size, |range, images| {
            let mut bordered = vec![0.0; layer.output().bordered().len()];
            let mut blocked = vec![0.0; layout.len()];
            for (i, image) in each(range, images, size) {
                self.through_norm(&from, i, gradient.image(i), &mut bordered);
                self.network.simd.run(Convolution::of_input_gradient(
                    layer.geometry(),
                    &weights,
                    &bordered,
                    &mut blocked,
                ));
                layout.unpack(&blocked, image);
            }
        });
        images
    }

    /// The weights of layer `index` as the gradient of its input needs them.
    fn turned(&self, index: usize) -> Weights {
        let layer = &self.network.layers[index];
        Weights::backward(layer.geometry(), self.params[index].weight)
    }

    /// Adds up chunks in their order: keeps the weights' gradient, returns the sums.
    fn collect(&mut self, index: usize, parts: &[Partial]) -> GradientSums {
        let layer = &self.network.layers[index];
        let weights: Vec<&[f32]> = parts.iter().map(|part| &part.weights[..]).collect();
        self.layers[index].weight = conv_grad::total(&weights, layer.geometry());
        let mut sums = GradientSums::zeros(layer.in_channels);
        parts.iter().for_each(|part| sums.merge(&part.sums));
        sums
    }
}
