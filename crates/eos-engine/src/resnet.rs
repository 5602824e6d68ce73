//! The network: which layers there are, by name and shape.

use std::sync::Arc;

use crate::buffers::Pool;
use crate::conv::Step;
use crate::error::check_length;
use crate::geometry::Geometry;
use crate::layout::Layout;
use crate::simd::Simd;
use crate::{Error, SimdPath};

/// Output channels of the three stages of a network of usual width.
const WIDTHS: [usize; 3] = [16, 32, 64];
/// The largest factor of the width: a thousand channels in the last stage.
const MOST: usize = 16;

/// The size of the images a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputShape {
    /// Channels, at least one.
    pub channels: usize,
    /// Rows, a positive multiple of 4.
    pub height: usize,
    /// Columns, a positive multiple of 4.
    pub width: usize,
}

impl InputShape {
    /// Values of one image.
    ///
    /// ```
    /// let shape = eos_engine::InputShape { channels: 3, height: 32, width: 32 };
    /// assert_eq!(shape.values(), 3072);
    /// ```
    pub fn values(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// A 3 × 3 convolution without bias and the batch normalization after it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// The convolution's name in the state_dict of the reference network: `layer1.0.conv1`.
    pub conv: String,
    /// The normalization's name there: `layer1.0.bn1`.
    pub norm: String,
    /// Channels that come in.
    pub in_channels: usize,
    /// Channels that go out.
    pub out_channels: usize,
    /// 1, or 2 where the image is halved.
    pub stride: usize,
    /// Rows and columns that come in.
    pub in_size: [usize; 2],
    /// Rows and columns that go out.
    pub out_size: [usize; 2],
}

impl Layer {
    fn new(
        names: (String, String),
        channels: (usize, usize),
        stride: usize,
        in_size: [usize; 2],
    ) -> Layer {
        let ((conv, norm), (inputs, outputs)) = (names, channels);
        let geometry = Geometry {
            inputs,
            outputs,
            stride,
            in_size,
        };
        Layer {
            conv,
            norm,
            in_channels: inputs,
            out_channels: outputs,
            stride,
            in_size,
            out_size: geometry.out_size(),
        }
    }

    /// The shape of the weight, `[out, in, 3, 3]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.out_channels, self.in_channels, 3, 3]
    }

    pub(crate) fn geometry(&self) -> Geometry {
        Geometry {
            inputs: self.in_channels,
            outputs: self.out_channels,
            stride: self.stride,
            in_size: self.in_size,
        }
    }

    /// The image that comes in, with the border a convolution needs.
    pub(crate) fn input(&self) -> Layout {
        self.geometry().input()
    }

    /// The image that goes out, without border.
    pub(crate) fn output(&self) -> Layout {
        self.geometry().output()
    }

    /// How the convolution changes the size.
    pub(crate) fn step(&self) -> Step {
        self.geometry().step()
    }
}

/// A layer's parameters, borrowed for a call.
#[derive(Debug, Clone, Copy)]
pub struct LayerParams<'a> {
    /// The convolution's weight `[out, in, 3, 3]`.
    pub weight: &'a [f32],
    /// The normalization's factor `[out]`.
    pub gamma: &'a [f32],
    /// The normalization's summand `[out]`.
    pub beta: &'a [f32],
}

/// A normalization's running statistics, borrowed for a call.
#[derive(Debug, Clone, Copy)]
pub struct Running<'a> {
    /// Running mean `[out]`.
    pub mean: &'a [f32],
    /// Running variance `[out]`.
    pub variance: &'a [f32],
}

/// The residual network for small images of He et al. (2016), without its head: a stem, three
/// stages of basic blocks with 16, 32 and 64 channels (or a multiple of them), and global average
/// pooling.
///
/// It holds no parameters: each call borrows them. Calls run on the current rayon pool, and give
/// the same bits whatever its number of threads.
///
/// ```
/// use eos_engine::{InputShape, ResNet, SimdPath};
/// let input = InputShape { channels: 3, height: 32, width: 32 };
/// let network = ResNet::new(32, input, SimdPath::detect()?)?;
/// assert_eq!(network.layers().len(), 31);
/// assert_eq!(network.layers()[1].conv, "layer1.0.conv1");
/// let weights: usize = network.layers().iter().map(|l| l.weight_shape().iter().product::<usize>()).sum();
/// let norms: usize = network.layers().iter().map(|l| 2 * l.out_channels).sum();
/// // With a head of 64 x 10 weights and 10 biases that makes the 464,154 of ResNet-32.
/// assert_eq!(weights + norms + 650, 464_154);
/// # Ok::<(), eos_engine::Error>(())
/// ```
#[derive(Clone)]
pub struct ResNet {
    pub(crate) layers: Vec<Layer>,
    pub(crate) input: InputShape,
    pub(crate) simd: Simd,
    pub(crate) pool: Arc<Pool>,
}

impl std::fmt::Debug for ResNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let depth = self.layers.len() + 1;
        let (input, path) = (self.input, self.path());
        f.debug_struct("ResNet")
            .field("depth", &depth)
            .field("input", &input)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

impl ResNet {
    /// A network of `depth` 6n + 2 (20, 32, 44, 56, 110) for images of `input`, on `path`
    /// ([`SimdPath::detect`] chooses one).
    ///
    /// # Errors
    /// [`Error::Depth`], [`Error::Input`], [`Error::UnsupportedPath`].
    pub fn new(depth: usize, input: InputShape, path: SimdPath) -> Result<ResNet, Error> {
        Self::wide(depth, 1, input, path)
    }

    /// A network whose every layer, the stem too, has `factor` times the channels.
    ///
    /// ```
    /// # use eos_engine::{InputShape, ResNet, SimdPath};
    /// let input = InputShape { channels: 3, height: 32, width: 32 };
    /// let network = ResNet::wide(20, 2, input, SimdPath::detect()?)?;
    /// assert_eq!(network.embedding_width(), 128);
    /// # Ok::<(), eos_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Width`].
    pub fn wide(
        depth: usize,
        factor: usize,
        input: InputShape,
        path: SimdPath,
    ) -> Result<ResNet, Error> {
        if depth < 8 || depth % 6 != 2 {
            return Err(Error::Depth { depth });
        }
        let InputShape {
            channels,
            height,
            width,
        } = input;
        if !(1..=MOST).contains(&factor) {
            return Err(Error::Width { factor, most: MOST });
        }
        let fits = |side: usize| side > 0 && side.is_multiple_of(4);
        // Every activation of an image has to be counted in a usize with room to spare.
        let values = [channels, height, width, WIDTHS[2] * factor]
            .into_iter()
            .try_fold(1, usize::checked_mul);
        if channels == 0 || !fits(height) || !fits(width) || values.is_none() {
            return Err(Error::Input {
                channels,
                height,
                width,
            });
        }
        let layers = describe((depth - 2) / 6, WIDTHS.map(|width| factor * width), input);
        Ok(ResNet {
            layers,
            input,
            simd: Simd::new(path)?,
            pool: Arc::default(),
        })
    }

    /// The layers in forward order: the stem, then two for each block.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Values of an embedding, D: the channels of the last stage, 64 at usual width.
    pub fn embedding_width(&self) -> usize {
        self.last().out_channels
    }

    /// The images it takes.
    pub fn input(&self) -> InputShape {
        self.input
    }

    /// The instructions it runs on.
    pub fn path(&self) -> SimdPath {
        self.simd.path()
    }

    pub(crate) fn last(&self) -> &Layer {
        self.layers.last().expect("a network has at least a stem")
    }

    /// Checks a batch of `n` images.
    pub(crate) fn check_images(&self, images: &[f32], n: usize) -> Result<(), Error> {
        if n == 0 {
            return Err(Error::EmptyBatch);
        }
        let InputShape {
            channels,
            height,
            width,
        } = self.input;
        check_length(
            || "images".into(),
            images.len(),
            &[n, channels, height, width],
        )
    }

    /// Checks parameters against the layers.
    pub(crate) fn check_params(&self, params: &[LayerParams<'_>]) -> Result<(), Error> {
        self.check_count("parameters", params.len())?;
        for (layer, params) in self.layers.iter().zip(params) {
            let weight = || format!("{}.weight", layer.conv);
            check_length(weight, params.weight.len(), &layer.weight_shape())?;
            let out = [layer.out_channels];
            check_length(
                || format!("{}.weight", layer.norm),
                params.gamma.len(),
                &out,
            )?;
            check_length(|| format!("{}.bias", layer.norm), params.beta.len(), &out)?;
        }
        Ok(())
    }

    /// Checks running statistics against the layers.
    pub(crate) fn check_running(&self, running: &[Running<'_>]) -> Result<(), Error> {
        self.check_count("running statistics", running.len())?;
        for (layer, running) in self.layers.iter().zip(running) {
            let out = [layer.out_channels];
            let name = |what| format!("{}.running_{what}", layer.norm);
            check_length(|| name("mean"), running.mean.len(), &out)?;
            check_length(|| name("var"), running.variance.len(), &out)?;
        }
        Ok(())
    }

    fn check_count(&self, what: &'static str, got: usize) -> Result<(), Error> {
        let want = self.layers.len();
        if got == want {
            Ok(())
        } else {
            Err(Error::LayerCount { what, got, want })
        }
    }
}

/// The layers of a network with `blocks` blocks a stage of `widths` channels.
fn describe(blocks: usize, widths: [usize; 3], input: InputShape) -> Vec<Layer> {
    let size = [input.height, input.width];
    let names = ("conv1".into(), "bn1".into());
    let mut layers = vec![Layer::new(names, (input.channels, widths[0]), 1, size)];
    let (mut channels, mut size) = (widths[0], size);
    for (stage, width) in widths.into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            for (number, stride) in [(1, stride), (2, 1)] {
                let prefix = format!("layer{}.{block}", stage + 1);
                let names = (
                    format!("{prefix}.conv{number}"),
                    format!("{prefix}.bn{number}"),
                );
                let layer = Layer::new(names, (channels, width), stride, size);
                (channels, size) = (width, layer.out_size);
                layers.push(layer);
            }
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_follow_the_reference() {
        let layers = describe(
            1,
            WIDTHS,
            InputShape {
                channels: 1,
                height: 28,
                width: 20,
            },
        );
        let names: Vec<&str> = layers.iter().map(|l| l.conv.as_str()).collect();
        let want = [
            "conv1",
            "layer1.0.conv1",
            "layer1.0.conv2",
            "layer2.0.conv1",
        ];
        assert_eq!(names[..4], want);
        assert_eq!(layers[6].norm, "layer3.0.bn2");
        let sizes: Vec<[usize; 2]> = layers.iter().map(|l| l.out_size).collect();
        assert_eq!(
            sizes,
            [
                [28, 20],
                [28, 20],
                [28, 20],
                [14, 10],
                [14, 10],
                [7, 5],
                [7, 5]
            ]
        );
        let strides: Vec<usize> = layers.iter().map(|l| l.stride).collect();
        assert_eq!(strides, [1, 1, 1, 2, 1, 2, 1]);
    }
}
