//! Each block in f64 as its definition reads: the oracle of the tests here. Its gradients are
//! differences of its values.

use eos_engine::blocks::Block;

const EPSILON: f64 = 1e-5;

/// Images `[n, C, H, W]`.
#[derive(Debug, Clone)]
pub struct Images {
    pub n: usize,
    pub shape: [usize; 3],
    pub data: Vec<f64>,
}

impl Images {
    fn zeros(n: usize, shape: [usize; 3]) -> Images {
        let data = vec![0.0; n * shape.iter().product::<usize>()];
        Images { n, shape, data }
    }

    fn place(&self, i: usize, c: usize, y: usize, x: usize) -> usize {
        let [channels, height, width] = self.shape;
        ((i * channels + c) * height + y) * width + x
    }

    /// Of a new shape, each value from `value(image, channel, row, column)`.
    fn map(&self, shape: [usize; 3], value: impl Fn(usize, usize, usize, usize) -> f64) -> Images {
        let mut out = Images::zeros(self.n, shape);
        let [channels, height, width] = shape;
        for i in 0..self.n {
            for c in 0..channels {
                for y in 0..height {
                    for x in 0..width {
                        let place = out.place(i, c, y, x);
                        out.data[place] = value(i, c, y, x);
                    }
                }
            }
        }
        out
    }

    fn each(&self, f: impl Fn(f64) -> f64) -> Images {
        let data = self.data.iter().map(|&v| f(v)).collect();
        Images { data, ..*self }
    }

    /// The value at a pixel that may lie in the padding.
    fn padded(&self, i: usize, c: usize, y: usize, x: usize) -> f64 {
        let [_, height, width] = self.shape;
        let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
        if inside {
            self.data[self.place(i, c, y - 1, x - 1)]
        } else {
            0.0
        }
    }

    /// Mean and biased variance of a channel.
    pub fn moments(&self, c: usize) -> (f64, f64) {
        let [_, height, width] = self.shape;
        let pixels = height * width;
        let values = || (0..self.n).flat_map(|i| &self.data[self.place(i, c, 0, 0)..][..pixels]);
        let count = (self.n * pixels) as f64;
        let mean = values().sum::<f64>() / count;
        (
            mean,
            values().map(|v| (v - mean).powi(2)).sum::<f64>() / count,
        )
    }
}

/// Runs blocks: with the statistics of the batch, or with running ones.
pub fn run(
    blocks: &[Block],
    images: &Images,
    parameters: &[Vec<f64>],
    running: Option<&[Vec<f64>]>,
) -> Images {
    let (mut images, mut parameters, mut running) = (images.clone(), parameters, running);
    for block in blocks {
        let used = match block {
            Block::Conv3x3 { .. } => 1,
            Block::BatchNorm { .. } | Block::Dense { .. } => 2,
            _ => 0,
        };
        images = one(block, &images, parameters, running);
        parameters = &parameters[used..];
        if matches!(block, Block::BatchNorm { .. }) {
            running = running.map(|running| &running[2..]);
        }
    }
    images
}

fn one(
    block: &Block,
    input: &Images,
    parameters: &[Vec<f64>],
    running: Option<&[Vec<f64>]>,
) -> Images {
    let [channels, height, width] = input.shape;
    match *block {
        Block::Conv3x3 {
            inputs,
            outputs,
            stride,
        } => {
            let shape = [outputs, height.div_ceil(stride), width.div_ceil(stride)];
            input.map(shape, |i, o, y, x| {
                let taps = (0..inputs * 9).map(|tap| {
                    let (c, ky, kx) = (tap / 9, tap / 3 % 3, tap % 3);
                    let pixel = input.padded(i, c, stride * y + ky, stride * x + kx);
                    parameters[0][o * inputs * 9 + tap] * pixel
                });
                taps.sum()
            })
        }
        Block::BatchNorm { channels } => {
            let statistics: Vec<(f64, f64)> = match running {
                Some(running) => (0..channels)
                    .map(|c| (running[0][c], running[1][c]))
                    .collect(),
                None => (0..channels).map(|c| input.moments(c)).collect(),
            };
            input.map(input.shape, |i, c, y, x| {
                let (mean, variance) = statistics[c];
                let centred = input.data[input.place(i, c, y, x)] - mean;
                parameters[0][c] * centred / (variance + EPSILON).sqrt() + parameters[1][c]
            })
        }
        Block::LeakyRelu { slope } => {
            input.each(|v| if v > 0.0 { v } else { f64::from(slope) * v })
        }
        Block::Upsample2x => input.map([channels, 2 * height, 2 * width], |i, c, y, x| {
            input.data[input.place(i, c, y / 2, x / 2)]
        }),
        Block::GlobalAveragePool => input.map([channels, 1, 1], |i, c, _, _| {
            let pixels = height * width;
            let values = &input.data[input.place(i, c, 0, 0)..][..pixels];
            values.iter().sum::<f64>() / pixels as f64
        }),
        Block::Reshape(shape) => Images {
            shape,
            ..input.clone()
        },
        Block::Dense { inputs, outputs } => input.map([outputs, 1, 1], |i, o, _, _| {
            let weight = &parameters[0][o * inputs..][..inputs];
            let row = &input.data[i * inputs..][..inputs];
            parameters[1][o] + weight.iter().zip(row).map(|(w, v)| w * v).sum::<f64>()
        }),
        Block::Tanh => input.each(f64::tanh),
        Block::Sigmoid => input.each(|v| 1.0 / (1.0 + (-v).exp())),
        _ => unreachable!("every block has a definition"),
    }
}
