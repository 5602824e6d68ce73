//! Embedding in evaluation mode: running statistics fold into weights and biases, and an image goes
//! through the whole network while it stays in the second-level cache.

use rayon::prelude::*;

use crate::Error;
use crate::conv::Convolution;
use crate::layout::Layout;
use crate::norm::running_scale;
use crate::pooling::AveragePool;
use crate::resnet::{Layer, LayerParams, ResNet, Running};
use crate::shortcut::shortcut;
use crate::weights::Weights;

/// Most images that one thread takes at a time.
const GROUP: usize = 16;

impl ResNet {
    /// Embeds `images` `[n, C, H, W]` in evaluation mode: normalizations use running statistics.
    /// The embeddings are `[n, D]`; an image's does not depend on the others.
    ///
    /// # Errors
    /// [`Error::EmptyBatch`], [`Error::Length`] and [`Error::LayerCount`] for what does not fit.
    pub fn embed(
        &self,
        images: &[f32],
        n: usize,
        params: &[LayerParams<'_>],
        running: &[Running<'_>],
    ) -> Result<Vec<f32>, Error> {
        self.check_images(images, n)?;
        self.check_params(params)?;
        self.check_running(running)?;
        let folded: Vec<Folded> = self
            .layers
            .par_iter()
            .zip(params.par_iter().zip(running))
            .map(|(layer, (params, running))| Folded::new(layer, params, running))
            .collect();
        let (size, width) = (self.input.values(), self.embedding_width());
        let group = n.div_ceil(rayon::current_num_threads()).clamp(1, GROUP);
        let mut embeddings = vec![0.0; n * width];
        embeddings
            .par_chunks_mut(group * width)
            .zip(images.par_chunks(group * size))
            .for_each(|(embeddings, images)| {
                let mut evaluation = Evaluation::new(self, &folded);
                let images = images.chunks_exact(size);
                for (out, image) in embeddings.chunks_exact_mut(width).zip(images) {
                    evaluation.image(image, out);
                }
            });
        Ok(embeddings)
    }
}

/// A convolution with its normalization folded in.
struct Folded {
    weights: Weights,
    bias: Vec<f32>,
}

impl Folded {
    fn new(layer: &Layer, params: &LayerParams<'_>, running: &Running<'_>) -> Folded {
        let (scale, bias) =
            running_scale(params.gamma, params.beta, running.mean, running.variance);
        Folded {
            weights: Weights::forward(layer.geometry(), params.weight, Some(&scale)),
            bias,
        }
    }
}

/// A thread's working memory: images with a border, one for each layout a role needs.
struct Evaluation<'a> {
    network: &'a ResNet,
    folded: &'a [Folded],
    input: Vec<f32>,
    stages: Vec<Stage>,
}

/// The images of one stage.
struct Stage {
    layout: Layout,
    /// Input and output of a block.
    output: Vec<f32>,
    /// Between a block's two convolutions.
    inner: Vec<f32>,
}

impl Stage {
    fn new(layout: Layout) -> Stage {
        Stage {
            layout,
            output: vec![0.0; layout.len()],
            inner: vec![0.0; layout.len()],
        }
    }
}

impl<'a> Evaluation<'a> {
    fn new(network: &'a ResNet, folded: &'a [Folded]) -> Evaluation<'a> {
        let stem = &network.layers[0];
        let halving = network.layers.iter().filter(|layer| layer.stride == 2);
        let stages = std::iter::once(stem).chain(halving);
        let stages = stages
            .map(|layer| Stage::new(layer.output().bordered()))
            .collect();
        Evaluation {
            network,
            folded,
            input: vec![0.0; stem.input().len()],
            stages,
        }
    }

    /// Embeds one image.
    fn image(&mut self, image: &[f32], out: &mut [f32]) {
        let (network, folded) = (self.network, self.folded);
        let stem = &network.layers[0];
        stem.input().pack(image, &mut self.input);
        let first = &mut self.stages[0];
        let stem = activation(stem, &folded[0], &self.input, &mut first.output);
        network.simd.run(stem);
        let mut stage = 0;
        for (layers, folded) in network.layers[1..]
            .chunks_exact(2)
            .zip(folded[1..].chunks_exact(2))
        {
            if layers[0].stride == 2 {
                stage += 1;
                let [before, now] = &mut self.stages[stage - 1..=stage] else {
                    unreachable!("a slice of two")
                };
                let run = activation(&layers[0], &folded[0], &before.output, &mut now.inner);
                network.simd.run(run);
                shortcut(&before.output, before.layout, &mut now.output, now.layout);
            } else {
                let Stage { output, inner, .. } = &mut self.stages[stage];
                network
                    .simd
                    .run(activation(&layers[0], &folded[0], output, inner));
            }
            let Stage { output, inner, .. } = &mut self.stages[stage];
            let convolution = activation(&layers[1], &folded[1], inner, output);
            // The shortcut lies where the sum is made.
            network.simd.run(Convolution {
                accumulate: true,
                ..convolution
            });
        }
        let Stage { layout, output, .. } = &self.stages[stage];
        network.simd.run(AveragePool {
            image: output,
            layout: *layout,
            out,
        });
    }
}

/// A layer with its normalization and ReLU, from one image with a border into another.
fn activation<'a>(
    layer: &Layer,
    folded: &'a Folded,
    input: &'a [f32],
    output: &'a mut [f32],
) -> Convolution<'a> {
    Convolution {
        input,
        input_layout: layer.input(),
        weights: &folded.weights,
        output,
        output_layout: layer.output().bordered(),
        step: layer.step(),
        bias: Some(&folded.bias),
        accumulate: false,
        relu: true,
    }
}
