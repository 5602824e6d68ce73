//! The forward pass in training mode. One pass over the batch for each convolution: it finishes the
//! normalization before (whose statistics are known by then), convolves, and gathers statistics.

use std::ops::Range;

use rayon::prelude::*;

use crate::buffers::Buffer;
use crate::conv::Convolution;
use crate::elementwise::Activate;
use crate::norm::{AddMoments, Moments, Norm};
use crate::parallel::Chunks;
use crate::pooling::AveragePool;
use crate::resnet::{InputShape, Layer, LayerParams, ResNet};
use crate::shortcut::shortcut;
use crate::weights::Weights;
use crate::{Error, SimdPath};

/// What the backward pass needs of a forward pass.
///
/// Dropping it gives its memory back to the network, for the next step.
pub struct Saved {
    pub(crate) n: usize,
    pub(crate) images: Vec<f32>,
    /// The convolution's output of each layer.
    pub(crate) z: Vec<Buffer>,
    /// The stem's output and each block's, with a border.
    pub(crate) outputs: Vec<Buffer>,
    pub(crate) norms: Vec<Norm>,
    pub(crate) input: InputShape,
    pub(crate) path: SimdPath,
}

/// The statistics that a normalization saw in one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStatistics {
    /// Mean by channel.
    pub mean: Vec<f32>,
    /// Variance by channel with count − 1 in the denominator, as PyTorch folds it into
    /// `running_var`.
    pub variance: Vec<f32>,
}

impl Saved {
    /// The batch statistics of every layer, in the order of [`ResNet::layers`].
    pub fn batch_statistics(&self) -> Vec<BatchStatistics> {
        let statistics = |norm: &Norm| BatchStatistics {
            mean: norm.mean(),
            variance: norm.unbiased_variance(),
        };
        self.norms.iter().map(statistics).collect()
    }
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saved")
            .field("images", &self.n)
            .finish_non_exhaustive()
    }
}

impl ResNet {
    /// Embeds a batch in training mode: normalizations use the statistics of the batch.
    ///
    /// `images` is `[n, C, H, W]`; the embeddings are `[n, D]`. [`backward`](Self::backward)
    /// consumes what is saved.
    ///
    /// # Errors
    /// [`Error::EmptyBatch`], [`Error::Length`] and [`Error::LayerCount`] for what does not fit,
    /// [`Error::OneValue`] where a normalization would see a single value a channel.
    pub fn forward(
        &self,
        images: &[f32],
        n: usize,
        params: &[LayerParams<'_>],
    ) -> Result<(Vec<f32>, Saved), Error> {
        self.check_images(images, n)?;
        self.check_params(params)?;
        if let Some(layer) = self
            .layers
            .iter()
            .find(|layer| n * layer.output().pixels() == 1)
        {
            return Err(Error::OneValue {
                norm: layer.norm.clone(),
            });
        }
        let mut pass = Forward {
            network: self,
            chunks: Chunks::of(n),
            saved: Saved {
                n,
                images: images.to_vec(),
                z: Vec::with_capacity(self.layers.len()),
                outputs: Vec::with_capacity(self.layers.len() / 2 + 1),
                norms: Vec::with_capacity(self.layers.len()),
                input: self.input,
                path: self.path(),
            },
        };
        let weights: Vec<Weights> = self
            .layers
            .par_iter()
            .zip(params)
            .map(|(l, p)| Weights::forward(l.geometry(), p.weight, None))
            .collect();
        for (index, (weights, params)) in weights.iter().zip(params).enumerate() {
            pass.layer(index, weights, params);
        }
        let embeddings = pass.embeddings();
        Ok((embeddings, pass.saved))
    }
}

struct Forward<'a> {
    network: &'a ResNet,
    chunks: Chunks,
    saved: Saved,
}

impl Forward<'_> {
    /// Runs layer `index`: its input, its convolution and its statistics.
    fn layer(&mut self, index: usize, weights: &Weights, params: &LayerParams<'_>) {
        let (pool, n) = (&self.network.pool, self.saved.n);
        let layer = &self.network.layers[index];
        let mut z = pool.take(layer.output(), n);
        let moments = if index == 0 {
            self.stem(layer, weights, &mut z)
        } else if index.is_multiple_of(2) {
            self.second(index, weights, &mut z)
        } else {
            let mut output = pool.take(layer.input(), n);
            let moments = self.first(index, weights, &mut output, &mut z);
            self.saved.outputs.push(output);
            moments
        };
        let mut all = Moments::none(layer.out_channels);
        moments.iter().for_each(|chunk| all.merge(chunk));
        self.saved
            .norms
            .push(Norm::new(&all, params.gamma, params.beta));
        self.saved.z.push(z);
    }

    /// The stem reads the images.
    fn stem(&self, layer: &Layer, weights: &Weights, z: &mut [f32]) -> Vec<Moments> {
        let size = self.network.input.values();
        self.chunks.map(z, layer.output().len(), |range, z| {
            let mut input = vec![0.0; layer.input().len()];
            let mut moments = Moments::none(layer.out_channels);
            for (i, z) in each(range, z, layer.output().len()) {
                layer
                    .input()
                    .pack(&self.saved.images[i * size..(i + 1) * size], &mut input);
                self.convolve(layer, weights, &input, z, &mut moments);
            }
            moments
        })
    }

    /// A block's first convolution finishes the output of the block before, which is its input.
    fn first(
        &self,
        index: usize,
        weights: &Weights,
        output: &mut [f32],
        z: &mut [f32],
    ) -> Vec<Moments> {
        let layer = &self.network.layers[index];
        let (input_len, z_len) = (layer.input().len(), layer.output().len());
        self.chunks
            .map2((output, input_len), (z, z_len), |range, output, z| {
                let mut finish = Finish::new(self, index - 1);
                let mut moments = Moments::none(layer.out_channels);
                let outputs = output.chunks_exact_mut(input_len);
                for ((i, z), output) in each(range, z, z_len).zip(outputs) {
                    finish.image(i, output);
                    self.convolve(layer, weights, output, z, &mut moments);
                }
                moments
            })
    }

    /// A block's second convolution reads the first's output, normalized and rectified.
    fn second(&self, index: usize, weights: &Weights, z: &mut [f32]) -> Vec<Moments> {
        let layer = &self.network.layers[index];
        let (before, norm) = (&self.saved.z[index - 1], &self.saved.norms[index - 1]);
        self.chunks.map(z, layer.output().len(), |range, z| {
            let mut input = vec![0.0; layer.input().len()];
            let mut moments = Moments::none(layer.out_channels);
            for (i, z) in each(range, z, layer.output().len()) {
                self.network.simd.run(Activate {
                    z: before.image(i),
                    z_layout: before.layout(),
                    scale: &norm.scale,
                    shift: &norm.shift,
                    shortcut: None,
                    relu: true,
                    target: &mut input,
                    target_layout: layer.input(),
                });
                self.convolve(layer, weights, &input, z, &mut moments);
            }
            moments
        })
    }

    /// Convolves one image and takes it into the statistics while it is in the cache.
    fn convolve(
        &self,
        layer: &Layer,
        weights: &Weights,
        input: &[f32],
        z: &mut [f32],
        moments: &mut Moments,
    ) {
        let simd = self.network.simd;
        simd.run(Convolution {
            input,
            input_layout: layer.input(),
            weights,
            output: z,
            output_layout: layer.output(),
            step: layer.step(),
            bias: None,
            accumulate: false,
            relu: false,
        });
        simd.run(AddMoments {
            image: z,
            layout: layer.output(),
            moments,
        });
    }

    /// Finishes the last block and pools its output: `[n, D]`.
    fn embeddings(&mut self) -> Vec<f32> {
        let layer = self.network.last();
        let (layout, width) = (layer.output().bordered(), layer.out_channels);
        let mut output = self.network.pool.take(layout, self.saved.n);
        let mut embeddings = vec![0.0; self.saved.n * width];
        let index = self.network.layers.len() - 1;
        let parts = ((&mut *output, layout.len()), (&mut embeddings[..], width));
        self.chunks
            .map2(parts.0, parts.1, |range, output, embeddings| {
                let mut finish = Finish::new(self, index);
                let embeddings = embeddings.chunks_exact_mut(width);
                for ((i, image), out) in each(range, output, layout.len()).zip(embeddings) {
                    finish.image(i, image);
                    self.network.simd.run(AveragePool { image, layout, out });
                }
            });
        self.saved.outputs.push(output);
        embeddings
    }
}

/// The images of a chunk with their part of an output.
pub(crate) fn each(
    range: Range<usize>,
    out: &mut [f32],
    len: usize,
) -> impl Iterator<Item = (usize, &mut [f32])> {
    range.zip(out.chunks_exact_mut(len))
}

/// Makes the stem's or a block's output: `relu(normalized z + shortcut)`.
struct Finish<'a> {
    pass: &'a Forward<'a>,
    /// The last layer of the block.
    index: usize,
    /// Where a shortcut that halves the image is laid out.
    halved: Vec<f32>,
}

impl<'a> Finish<'a> {
    fn new(pass: &'a Forward<'a>, index: usize) -> Finish<'a> {
        let layers = &pass.network.layers;
        let halves = index > 0 && layers[index - 1].stride == 2;
        let len = if halves {
            layers[index].output().len()
        } else {
            0
        };
        Finish {
            pass,
            index,
            halved: vec![0.0; len],
        }
    }

    /// Writes the output of image `i`, which has a border.
    fn image(&mut self, i: usize, output: &mut [f32]) {
        let saved = &self.pass.saved;
        let (z, norm) = (&saved.z[self.index], &saved.norms[self.index]);
        let before = self
            .index
            .checked_sub(1)
            .map(|first| &saved.outputs[first / 2]);
        let shortcut = match before {
            None => None,
            Some(before) if self.halved.is_empty() => Some((before.image(i), before.layout())),
            Some(before) => {
                shortcut(
                    before.image(i),
                    before.layout(),
                    &mut self.halved,
                    z.layout(),
                );
                Some((&self.halved[..], z.layout()))
            }
        };
        self.pass.network.simd.run(Activate {
            z: z.image(i),
            z_layout: z.layout(),
            scale: &norm.scale,
            shift: &norm.shift,
            shortcut,
            relu: true,
            target: output,
            target_layout: z.layout().bordered(),
        });
    }
}
