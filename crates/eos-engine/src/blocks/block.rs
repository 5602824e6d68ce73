//! Which blocks there are, what they take and what they give.

use super::batch::{MOST_VALUES, countable};

/// One step of a [`Sequence`](super::Sequence). Shapes are channels × height × width.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// A 3 × 3 convolution with a padding of one pixel and no bias; parameter `weight`
    /// `[outputs, inputs, 3, 3]`. Stride 2 halves the sides, odd ones rounded up.
    Conv3x3 {
        /// Channels that come in.
        inputs: usize,
        /// Channels that go out.
        outputs: usize,
        /// 1 or 2.
        stride: usize,
    },
    /// Batch normalization; parameters `weight` and `bias` `[channels]`, in evaluation
    /// `running_mean` and `running_var`. ε is 1e-5.
    BatchNorm {
        /// Channels.
        channels: usize,
    },
    /// x where it is positive, else `slope · x`.
    LeakyRelu {
        /// From 0 (ReLU) to below 1.
        slope: f32,
    },
    /// Every pixel four times: nearest neighbours at twice the size.
    Upsample2x,
    /// The mean of each channel: C × H × W becomes C × 1 × 1.
    GlobalAveragePool,
    /// The same values in another shape: PyTorch's `Flatten` where that is D × 1 × 1, else its
    /// `Unflatten`.
    Reshape([usize; 3]),
    /// A dense layer from vectors to vectors; parameters `weight` `[outputs, inputs]` and `bias`
    /// `[outputs]`.
    Dense {
        /// Values that come in.
        inputs: usize,
        /// Values that go out.
        outputs: usize,
    },
    /// The hyperbolic tangent, between −1 and 1.
    Tanh,
    /// 1 / (1 + e⁻ˣ), between 0 and 1.
    Sigmoid,
}

/// Names and shapes of tensors.
pub(super) type Tensors = Vec<(&'static str, Vec<usize>)>;

/// Why a block does not fit: what it has or gets, and what it wants.
pub(super) type Misfit = (String, String);

impl Block {
    /// As errors name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Block::Conv3x3 { .. } => "Conv3x3",
            Block::BatchNorm { .. } => "BatchNorm",
            Block::LeakyRelu { .. } => "LeakyRelu",
            Block::Upsample2x => "Upsample2x",
            Block::GlobalAveragePool => "GlobalAveragePool",
            Block::Reshape(_) => "Reshape",
            Block::Dense { .. } => "Dense",
            Block::Tanh => "Tanh",
            Block::Sigmoid => "Sigmoid",
        }
    }

    /// The shape that goes out where `input` comes in.
    pub(super) fn output(self, input: [usize; 3]) -> Result<[usize; 3], Misfit> {
        let [channels, height, width] = input;
        self.check()?;
        let gets = |want: String| {
            let fits = match self {
                Block::Conv3x3 { inputs, .. } => channels == inputs,
                Block::BatchNorm { channels: own } => channels == own,
                Block::Dense { inputs, .. } => input == [inputs, 1, 1],
                _ => true,
            };
            let misfit = (format!("gets {}", written(input)), want);
            if fits { Ok(()) } else { Err(misfit) }
        };
        let output = match self {
            Block::Conv3x3 {
                inputs,
                outputs,
                stride,
            } => {
                gets(format!("{inputs} channels"))?;
                [outputs, height.div_ceil(stride), width.div_ceil(stride)]
            }
            Block::BatchNorm { channels } => {
                gets(format!("{channels} channels"))?;
                input
            }
            Block::Upsample2x => [channels, height.saturating_mul(2), width.saturating_mul(2)],
            Block::GlobalAveragePool => [channels, 1, 1],
            Block::Dense { inputs, outputs } => {
                gets(format!("{inputs} x 1 x 1; put a Reshape before it"))?;
                [outputs, 1, 1]
            }
            Block::Reshape(to) => {
                let values = |shape: [usize; 3]| shape.into_iter().try_fold(1, usize::checked_mul);
                if values(to) != values(input) {
                    let got = format!("makes {} of {}", written(to), written(input));
                    return Err((got, "as many values".into()));
                }
                to
            }
            Block::LeakyRelu { .. } | Block::Tanh | Block::Sigmoid => input,
        };
        if countable(output) {
            return Ok(output);
        }
        let got = format!("makes images of {}", written(output));
        Err((got, "at least one channel and at most 2^32 values".into()))
    }

    /// What is wrong whatever comes in.
    fn check(self) -> Result<(), Misfit> {
        match self {
            Block::Conv3x3 { stride, .. } if !matches!(stride, 1 | 2) => {
                return Err((format!("has stride {stride}"), "1 or 2".into()));
            }
            Block::LeakyRelu { slope } if !(0.0..1.0).contains(&slope) => {
                return Err((format!("has slope {slope}"), "0 to below 1".into()));
            }
            _ => {}
        }
        for (name, shape) in self.parameters() {
            let values = shape.iter().copied().try_fold(1, usize::checked_mul);
            if values.is_none_or(|values| values > MOST_VALUES) {
                let got = format!("has a {name} of {shape:?}");
                return Err((got, "at most 2^32 values".into()));
            }
        }
        Ok(())
    }

    /// Names and shapes of what is trained.
    pub(super) fn parameters(self) -> Tensors {
        match self {
            Block::Conv3x3 {
                inputs, outputs, ..
            } => vec![("weight", vec![outputs, inputs, 3, 3])],
            Block::BatchNorm { channels } => {
                vec![("weight", vec![channels]), ("bias", vec![channels])]
            }
            Block::Dense { inputs, outputs } => {
                vec![("weight", vec![outputs, inputs]), ("bias", vec![outputs])]
            }
            _ => Vec::new(),
        }
    }

    /// Names and shapes of running statistics.
    pub(super) fn running(self) -> Tensors {
        match self {
            Block::BatchNorm { channels } => vec![
                ("running_mean", vec![channels]),
                ("running_var", vec![channels]),
            ],
            _ => Vec::new(),
        }
    }
}

/// A shape as messages show it.
pub(super) fn written([channels, height, width]: [usize; 3]) -> String {
    format!("{channels} x {height} x {width}")
}
