//! The network in f64, written as its definition reads: the oracle of every test here.

use eos_engine::{InputShape, Layer, ResNet};

const EPSILON: f64 = 1e-5;

/// A batch of images `[n, channels, height, width]`.
#[derive(Clone)]
pub struct Batch {
    pub n: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub data: Vec<f64>,
}

impl Batch {
    pub fn zeros(n: usize, channels: usize, [height, width]: [usize; 2]) -> Batch {
        Batch {
            n,
            channels,
            height,
            width,
            data: vec![0.0; n * channels * height * width],
        }
    }

    fn like(&self) -> Batch {
        Batch::zeros(self.n, self.channels, [self.height, self.width])
    }

    fn at(&self, i: usize, c: usize, y: usize, x: usize) -> usize {
        ((i * self.channels + c) * self.height + y) * self.width + x
    }

    fn values_per_channel(&self) -> f64 {
        (self.n * self.height * self.width) as f64
    }

    /// Calls `f` with every value's channel and place.
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        let plane = self.height * self.width;
        (0..self.data.len()).for_each(|place| f(place / plane % self.channels, place));
    }
}

#[derive(Clone)]
pub struct Params {
    pub weight: Vec<f64>,
    pub gamma: Vec<f64>,
    pub beta: Vec<f64>,
}

/// Mean and biased variance by channel.
#[derive(Clone)]
pub struct Statistics {
    pub mean: Vec<f64>,
    pub variance: Vec<f64>,
}

impl Statistics {
    fn of(z: &Batch) -> Statistics {
        let mut mean = vec![0.0; z.channels];
        let mut variance = vec![0.0; z.channels];
        let count = z.values_per_channel();
        z.each(|c, place| mean[c] += z.data[place] / count);
        z.each(|c, place| variance[c] += (z.data[place] - mean[c]).powi(2) / count);
        Statistics { mean, variance }
    }

    fn inverse(&self, c: usize) -> f64 {
        1.0 / (self.variance[c] + EPSILON).sqrt()
    }
}

fn convolve(layer: &Layer, input: &Batch, weight: &[f64]) -> Batch {
    let mut out = Batch::zeros(input.n, layer.out_channels, layer.out_size);
    taps(layer, input, |i, place, o, w, y, x| {
        let to = out.at(i, o, y, x);
        out.data[to] += input.data[place] * weight[w];
    });
    out
}

/// The gradients of a convolution's input and weight.
fn convolve_back(layer: &Layer, input: &Batch, weight: &[f64], g: &Batch) -> (Batch, Vec<f64>) {
    let (mut of_input, mut of_weight) = (input.like(), vec![0.0; weight.len()]);
    taps(layer, input, |i, place, o, w, y, x| {
        let g = g.data[g.at(i, o, y, x)];
        of_input.data[place] += g * weight[w];
        of_weight[w] += g * input.data[place];
    });
    (of_input, of_weight)
}

/// Calls `f` with image, input place, output channel, weight, output row and column of every
/// product of a convolution.
fn taps(layer: &Layer, input: &Batch, mut f: impl FnMut(usize, usize, usize, usize, usize, usize)) {
    let [height, width] = layer.out_size;
    for i in 0..input.n {
        for o in 0..layer.out_channels {
            for c in 0..layer.in_channels {
                for tap in 0..9 {
                    let w = (o * layer.in_channels + c) * 9 + tap;
                    for y in 0..height {
                        for x in 0..width {
                            let (row, column) =
                                (y * layer.stride + tap / 3, x * layer.stride + tap % 3);
                            if (1..=input.height).contains(&row)
                                && (1..=input.width).contains(&column)
                            {
                                f(i, input.at(i, c, row - 1, column - 1), o, w, y, x);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn normalize(z: &Batch, statistics: &Statistics, params: &Params) -> Batch {
    let mut out = z.like();
    z.each(|c, place| {
        let x = (z.data[place] - statistics.mean[c]) * statistics.inverse(c);
        out.data[place] = params.gamma[c] * x + params.beta[c];
    });
    out
}

/// The gradients of a normalization's input, factor and summand.
fn normalize_back(
    z: &Batch,
    statistics: &Statistics,
    params: &Params,
    g: &Batch,
) -> (Batch, Vec<f64>, Vec<f64>) {
    let normal =
        |c: usize, place: usize| (z.data[place] - statistics.mean[c]) * statistics.inverse(c);
    let (mut gamma, mut beta) = (vec![0.0; z.channels], vec![0.0; z.channels]);
    z.each(|c, place| {
        gamma[c] += g.data[place] * normal(c, place);
        beta[c] += g.data[place];
    });
    let count = z.values_per_channel();
    let mut out = z.like();
    z.each(|c, place| {
        let centred = g.data[place] - beta[c] / count - normal(c, place) * gamma[c] / count;
        out.data[place] = params.gamma[c] * statistics.inverse(c) * centred;
    });
    (out, gamma, beta)
}

fn relu(mut batch: Batch) -> Batch {
    batch.data.iter_mut().for_each(|v| *v = v.max(0.0));
    batch
}

fn relu_back(activation: &Batch, mut g: Batch) -> Batch {
    for (g, &a) in g.data.iter_mut().zip(&activation.data) {
        *g = if a > 0.0 { *g } else { 0.0 };
    }
    g
}

fn add(mut a: Batch, b: &Batch) -> Batch {
    a.data.iter_mut().zip(&b.data).for_each(|(a, b)| *a += b);
    a
}

/// The option-A shortcut, or its gradient where `back` holds the gradient of its output.
fn shortcut(input: &Batch, layer: &Layer, back: Option<&Batch>) -> Batch {
    if layer.stride == 1 {
        return back.unwrap_or(input).clone();
    }
    let narrow = Batch::zeros(input.n, layer.out_channels, layer.out_size);
    let mut out = if back.is_some() {
        input.like()
    } else {
        narrow.clone()
    };
    let added = (layer.out_channels - layer.in_channels) / 2;
    for i in 0..input.n {
        for c in 0..input.channels {
            for y in 0..narrow.height {
                for x in 0..narrow.width {
                    let (wide, slim) =
                        (input.at(i, c, 2 * y, 2 * x), narrow.at(i, c + added, y, x));
                    match back {
                        None => out.data[slim] = input.data[wide],
                        Some(back) => out.data[wide] = back.data[slim],
                    }
                }
            }
        }
    }
    out
}

/// A forward pass with all that it computed.
pub struct Forward {
    pub embeddings: Vec<f64>,
    pub statistics: Vec<Statistics>,
    inputs: Vec<Batch>,
    z: Vec<Batch>,
    output: Batch,
}

pub struct Gradients {
    pub layers: Vec<Params>,
    pub images: Vec<f64>,
}

/// Runs the network: with the statistics of the batch, or with given ones.
pub fn forward(
    network: &ResNet,
    images: &Batch,
    params: &[Params],
    running: Option<&[Statistics]>,
) -> Forward {
    let (mut statistics, mut inputs, mut all_z) = (vec![], vec![], vec![]);
    let mut current = images.clone();
    for (index, layer) in network.layers().iter().enumerate() {
        let z = convolve(layer, &current, &params[index].weight);
        let seen = running.map_or_else(|| Statistics::of(&z), |running| running[index].clone());
        let mut next = normalize(&z, &seen, &params[index]);
        if index > 0 && index % 2 == 0 {
            let first = &network.layers()[index - 1];
            next = add(next, &shortcut(&inputs[index - 1], first, None));
        }
        statistics.push(seen);
        all_z.push(z);
        inputs.push(std::mem::replace(&mut current, relu(next)));
    }
    let mut embeddings = vec![0.0; current.n * current.channels];
    let pixels = current.height * current.width;
    for (place, value) in current.data.iter().enumerate() {
        embeddings[place / pixels] += value / pixels as f64;
    }
    Forward {
        embeddings,
        statistics,
        inputs,
        z: all_z,
        output: current,
    }
}

/// The gradients of Σ embeddings · `weights`.
pub fn backward(network: &ResNet, pass: &Forward, params: &[Params], weights: &[f64]) -> Gradients {
    let layers = network.layers();
    let pixels = pass.output.height * pass.output.width;
    let mut g = pass.output.like();
    for (place, g) in g.data.iter_mut().enumerate() {
        *g = weights[place / pixels] / pixels as f64;
    }
    let mut gradients: Vec<Params> = params.to_vec();
    let mut around: Option<Batch> = None;
    for index in (0..layers.len()).rev() {
        let after = pass.inputs.get(index + 1).unwrap_or(&pass.output);
        g = relu_back(after, g);
        if index > 0 && index % 2 == 0 {
            let (first, input) = (&layers[index - 1], &pass.inputs[index - 1]);
            around = Some(shortcut(input, first, Some(&g)));
        }
        let (z, statistics) = (&pass.z[index], &pass.statistics[index]);
        let (through, gamma, beta) = normalize_back(z, statistics, &params[index], &g);
        let (input, weight) = convolve_back(
            &layers[index],
            &pass.inputs[index],
            &params[index].weight,
            &through,
        );
        gradients[index] = Params {
            weight,
            gamma,
            beta,
        };
        g = input;
        if index % 2 == 1 {
            g = add(g, &around.take().expect("a block's end comes first"));
        }
    }
    Gradients {
        layers: gradients,
        images: g.data,
    }
}

/// A batch for the network's input.
pub fn batch(input: InputShape, n: usize, images: &[f32]) -> Batch {
    let data = images.iter().map(|&v| f64::from(v)).collect();
    Batch {
        n,
        channels: input.channels,
        height: input.height,
        width: input.width,
        data,
    }
}
