//! An auto-encoder whose codes are there to be interpolated: synthetic images of rare classes
//! (DeepSMOTE: Dablain, Krawczyk and Chawla 2021).

mod adam;
mod files;
mod part;
mod training;

pub use training::{GeneratorStep, GeneratorTraining};

use crate::ModelError;
use eos_engine::SimdPath;
use eos_engine::blocks::Block;
use part::Part;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Images that go through at a time outside of training: bounds the memory.
const BATCH: usize = 256;
/// Channels after the first halving, twice as many after each further one …
const CHANNELS: usize = 32;
/// … up to these.
const MOST_CHANNELS: usize = 128;
/// Images are halved until both sides are at most so long …
const INNER_SIDE: usize = 8;
/// … and so often at least.
const LEAST_HALVINGS: usize = 2;
/// Sides that a halving leaves something of.
const LEAST_SIDE: usize = 8;
/// Of leaky ReLUs.
const SLOPE: f32 = 0.2;

/// Everything that fixes the shapes of a generator's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorSpec {
    /// Channels of an image.
    pub channels: usize,
    /// Rows of an image, 8 or more.
    pub height: usize,
    /// Columns of an image, 8 or more.
    pub width: usize,
    /// Values of a code.
    pub latent: usize,
}

impl GeneratorSpec {
    /// For images of `[channels, height, width]`, with codes of DeepSMOTE's 300 values.
    pub const fn new([channels, height, width]: [usize; 3]) -> Self {
        Self {
            channels,
            height,
            width,
            latent: 300,
        }
    }

    /// Values in one image: channels × height × width.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn check(&self) -> Result<(), ModelError> {
        let refuse = |field, got, wanted| Err(ModelError::Spec { field, got, wanted });
        if self.channels == 0 {
            return refuse("channels", self.channels, "1 or more");
        }
        for (field, got) in [("height", self.height), ("width", self.width)] {
            if got < LEAST_SIDE {
                return refuse(field, got, "8 or more; resize or pad the images");
            }
        }
        if self.latent == 0 {
            return refuse("latent", self.latent, "1 or more");
        }
        Ok(())
    }

    /// How often the sides are halved on the way to a code.
    fn halvings(&self) -> usize {
        let side = self.height.max(self.width);
        let enough = |halvings: &usize| side.div_ceil(1 << halvings) <= INNER_SIDE;
        let needed = (0..usize::BITS as usize).find(enough);
        needed.unwrap_or(0).max(LEAST_HALVINGS)
    }

    /// Sides that can be halved so often without rest.
    fn padded(&self) -> [usize; 3] {
        let whole = 1 << self.halvings();
        let side = |side: usize| side.next_multiple_of(whole);
        [self.channels, side(self.height), side(self.width)]
    }

    /// Channels after so many halvings.
    fn width_after(&self, halvings: usize) -> usize {
        match halvings {
            0 => self.channels,
            _ => (CHANNELS << (halvings - 1).min(8)).min(MOST_CHANNELS),
        }
    }

    /// Strided convolutions, then a dense layer: images to codes.
    fn encoder(&self) -> Vec<Block> {
        let halvings = self.halvings();
        let mut blocks = Vec::new();
        for halving in 0..halvings {
            let outputs = self.width_after(halving + 1);
            let conv = Block::Conv3x3 {
                inputs: self.width_after(halving),
                outputs,
                stride: 2,
            };
            blocks.push(conv);
            blocks.extend(normalized(outputs));
        }
        let inputs = self.inner().iter().product();
        let outputs = self.latent;
        blocks.push(Block::Reshape([inputs, 1, 1]));
        blocks.push(Block::Dense { inputs, outputs });
        blocks
    }

    /// A dense layer, then up-sampling and convolutions: codes to images between 0 and 1.
    fn decoder(&self) -> Vec<Block> {
        let (inner, halvings) = (self.inner(), self.halvings());
        let dense = Block::Dense {
            inputs: self.latent,
            outputs: inner.iter().product(),
        };
        let mut blocks = vec![dense, Block::Reshape(inner)];
        blocks.extend(normalized(inner[0]));
        let mut inputs = inner[0];
        for halving in (0..halvings).rev() {
            let outputs = match halving {
                0 => CHANNELS / 2,
                _ => self.width_after(halving),
            };
            blocks.push(Block::Upsample2x);
            blocks.push(same(inputs, outputs));
            blocks.extend(normalized(outputs));
            inputs = outputs;
        }
        blocks.push(same(inputs, self.channels));
        blocks.push(Block::Sigmoid);
        blocks
    }

    /// What the dense layers meet.
    fn inner(&self) -> [usize; 3] {
        let halvings = self.halvings();
        let [_, height, width] = self.padded();
        let channels = self.width_after(halvings);
        [channels, height >> halvings, width >> halvings]
    }
}

/// A convolution of stride 1.
fn same(inputs: usize, outputs: usize) -> Block {
    let stride = 1;
    Block::Conv3x3 {
        inputs,
        outputs,
        stride,
    }
}

fn normalized(channels: usize) -> [Block; 2] {
    let leaky = Block::LeakyRelu { slope: SLOPE };
    [Block::BatchNorm { channels }, leaky]
}

impl fmt::Display for GeneratorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            channels,
            height,
            width,
            latent,
        } = self;
        write!(
            f,
            "a generator of {channels}×{height}×{width} images with codes of {latent} values"
        )
    }
}

/// An encoder of images to codes and a decoder back, trained so that what lies between the codes of
/// two images of a class decodes to an image of the class.
///
/// Images are `[N, C, H, W]` with values from 0 to 1. Codes may be interpolated by any method for
/// rows, class by class:
///
/// ```
/// use eos_model::{Generator, GeneratorSpec, GeneratorTraining};
///
/// let spec = GeneratorSpec { latent: 4, ..GeneratorSpec::new([1, 8, 8]) };
/// let images: Vec<f32> = (0..6 * 64).map(|i| ((i / 64 + i) % 5) as f32 / 4.0).collect();
/// let labels = [0, 0, 0, 1, 1, 1];
/// let options = GeneratorTraining { epochs: 2, batch: 6, ..GeneratorTraining::default() };
/// let generator = Generator::train(spec, &images, &labels, &options, &mut |_| true)?;
/// let codes = generator.encode(&images)?;
/// let half_way: Vec<f32> = (0..4).map(|d| 0.5 * (codes[d] + codes[4 + d])).collect();
/// assert_eq!(generator.decode(&half_way)?.len(), 64);
/// # Ok::<(), eos_model::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Generator {
    spec: GeneratorSpec,
    encoder: Part,
    decoder: Part,
}

impl Generator {
    /// A generator with fresh weights, drawn from `seed`.
    ///
    /// # Errors
    /// Shapes that no generator can have, or an `EOS_SIMD` that this machine cannot run.
    pub fn new(spec: GeneratorSpec, seed: u64) -> Result<Self, ModelError> {
        spec.check()?;
        let path = SimdPath::detect()?;
        let encoder = Part::new(spec.padded(), &spec.encoder(), path, seed, 0)?;
        let code = [spec.latent, 1, 1];
        let decoder = Part::new(code, &spec.decoder(), path, seed, 1)?;
        Ok(Self {
            spec,
            encoder,
            decoder,
        })
    }

    /// What fixes its shapes.
    pub fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    /// Trainable parameters of both halves; running statistics do not count.
    pub fn parameters(&self) -> usize {
        self.encoder.parameters() + self.decoder.parameters()
    }

    /// Codes `[N, latent]` of images `[N, C, H, W]`.
    ///
    /// # Errors
    /// [`ModelError::Length`] where the values are no whole images.
    pub fn encode(&self, images: &[f32]) -> Result<Vec<f32>, ModelError> {
        let each = self.spec.image_len();
        check_whole("images", "images", images, each)?;
        let mut codes = Vec::with_capacity(images.len() / each * self.spec.latent);
        for images in images.chunks(BATCH * each) {
            let padded = self.spec.pad(images);
            codes.extend(self.encoder.evaluate(&padded, images.len() / each)?);
        }
        Ok(codes)
    }

    /// Images `[N, C, H, W]` of codes `[N, latent]`.
    ///
    /// # Errors
    /// [`ModelError::Length`] where the values are no whole codes.
    pub fn decode(&self, codes: &[f32]) -> Result<Vec<f32>, ModelError> {
        let each = self.spec.latent;
        check_whole("codes", "codes", codes, each)?;
        let mut images = Vec::with_capacity(codes.len() / each * self.spec.image_len());
        for codes in codes.chunks(BATCH * each) {
            let padded = self.decoder.evaluate(codes, codes.len() / each)?;
            self.spec.crop(&padded, &mut images);
        }
        Ok(images)
    }
}

/// Refuses what is no whole number of rows of `each` values, or none.
fn check_whole(
    what: &'static str,
    of: &str,
    values: &[f32],
    each: usize,
) -> Result<(), ModelError> {
    if !values.is_empty() && values.len().is_multiple_of(each) {
        return Ok(());
    }
    Err(ModelError::Length {
        what,
        got: values.len(),
        wanted: format!("one or more {of} of {each} values"),
    })
}

impl GeneratorSpec {
    /// Images whose last row and column go on until the sides can be halved.
    fn pad(&self, images: &[f32]) -> Vec<f32> {
        let [_, height, width] = self.padded();
        if (height, width) == (self.height, self.width) {
            return images.to_vec();
        }
        let planes = images.chunks_exact(self.height * self.width);
        let mut padded = Vec::with_capacity(planes.len() * height * width);
        for plane in planes {
            for y in 0..height {
                let row = &plane[y.min(self.height - 1) * self.width..][..self.width];
                padded.extend_from_slice(row);
                padded.extend(std::iter::repeat_n(row[self.width - 1], width - self.width));
            }
        }
        padded
    }

    /// Adds images to `out` without what [`pad`](Self::pad) added.
    fn crop(&self, padded: &[f32], out: &mut Vec<f32>) {
        let [_, height, width] = self.padded();
        for plane in padded.chunks_exact(height * width) {
            for row in plane.chunks_exact(width).take(self.height) {
                out.extend_from_slice(&row[..self.width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(shape: [usize; 3]) -> GeneratorSpec {
        GeneratorSpec::new(shape)
    }

    #[test]
    fn sides_are_halved_to_eight_or_less() {
        for (shape, halvings, inner) in [
            ([1, 28, 28], 2, [64, 7, 7]),
            ([3, 32, 32], 2, [64, 8, 8]),
            ([3, 8, 8], 2, [64, 2, 2]),
            ([1, 9, 31], 2, [64, 3, 8]),
            ([3, 64, 33], 3, [128, 8, 5]),
            ([3, 224, 224], 5, [128, 7, 7]),
        ] {
            assert_eq!(spec(shape).halvings(), halvings, "{shape:?}");
            assert_eq!(spec(shape).inner(), inner, "{shape:?}");
        }
    }

    #[test]
    fn padding_goes_on_with_the_last_pixels_and_is_cropped() {
        let spec = spec([1, 9, 10]);
        let images: Vec<f32> = (0..180).map(|v| v as f32).collect();
        let padded = spec.pad(&images);
        assert_eq!(spec.padded(), [1, 12, 12]);
        assert_eq!(padded[9..12], [9.0; 3]);
        assert_eq!(padded[11 * 12 + 8..12 * 12], [88.0, 89.0, 89.0, 89.0]);
        let mut cropped = Vec::new();
        spec.crop(&padded, &mut cropped);
        assert_eq!(cropped, images);
    }

    #[test]
    fn a_generator_for_fashion_has_two_million_parameters() {
        let generator = Generator::new(spec([1, 28, 28]), 0).unwrap();
        // Encoder: 288 + 64 + 18,432 + 128 + 3,136 · 300 + 300; decoder: 300 · 3,136 + 3,136 + 128
        // + 18,432 + 64 + 4,608 + 32 + 144.
        assert_eq!(generator.parameters(), 1_927_356);
    }
}
