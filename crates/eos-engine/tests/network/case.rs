//! A network with parameters and a batch, all from one seed.

use eos_engine::{Gradients, InputShape, LayerParams, ResNet, Running, SimdPath};

use crate::random::Random;
use crate::reference;

/// What a case is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub depth: usize,
    pub factor: usize,
    pub channels: usize,
    pub size: [usize; 2],
    pub n: usize,
}

pub struct Case {
    pub shape: Shape,
    pub images: Vec<f32>,
    pub embedding_gradient: Vec<f32>,
    /// By layer: weight, gamma, beta, running mean, running variance.
    layers: Vec<[Vec<f32>; 5]>,
}

/// What the engine made of a case.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub embeddings: Vec<f32>,
    pub statistics: Vec<eos_engine::BatchStatistics>,
    pub gradients: Gradients,
    pub evaluated: Vec<f32>,
}

impl Case {
    pub fn new(shape: Shape, seed: u64) -> Case {
        let mut random = Random::new(seed);
        let network = network(shape, SimdPath::Portable);
        let layer = |layer: &eos_engine::Layer| {
            let deviation = (2.0 / (9 * layer.in_channels) as f32).sqrt();
            let weights = layer.weight_shape().iter().product();
            let out = layer.out_channels;
            [
                random.normals(weights, 0.0, deviation),
                random.normals(out, 1.0, 0.1),
                random.normals(out, 0.0, 0.2),
                random.normals(out, 0.0, 0.3),
                (0..out).map(|_| 0.5 + random.unit()).collect(),
            ]
        };
        let layers = network.layers().iter().map(layer).collect();
        Case {
            shape,
            images: random.normals(shape.n * network.input().values(), 0.1, 1.0),
            embedding_gradient: random.normals(shape.n * network.embedding_width(), 0.0, 1.0),
            layers,
        }
    }

    pub fn params(&self) -> Vec<LayerParams<'_>> {
        let mut out = vec![];
        for [weight, gamma, beta, ..] in &self.layers {
            out.push(LayerParams {
                weight,
                gamma,
                beta,
            });
        }
        out
    }

    pub fn running(&self) -> Vec<Running<'_>> {
        let mut out = vec![];
        for [.., mean, variance] in &self.layers {
            out.push(Running { mean, variance });
        }
        out
    }

    /// The parameters in f64.
    pub fn reference_params(&self) -> Vec<reference::Params> {
        let params = |[weight, gamma, beta, ..]: &[Vec<f32>; 5]| reference::Params {
            weight: wide(weight),
            gamma: wide(gamma),
            beta: wide(beta),
        };
        self.layers.iter().map(params).collect()
    }

    /// The running statistics in f64.
    pub fn reference_running(&self) -> Vec<reference::Statistics> {
        let running = |[.., mean, variance]: &[Vec<f32>; 5]| reference::Statistics {
            mean: wide(mean),
            variance: wide(variance),
        };
        self.layers.iter().map(running).collect()
    }

    /// Runs the case: a step with the images' gradient, and an evaluation.
    pub fn run(&self, network: &ResNet) -> Outcome {
        let params = self.params();
        let (embeddings, saved) = network
            .forward(&self.images, self.shape.n, &params)
            .unwrap();
        let statistics = saved.batch_statistics();
        let gradients = network
            .backward(saved, &params, &self.embedding_gradient, true)
            .unwrap();
        let evaluated = network
            .embed(&self.images, self.shape.n, &params, &self.running())
            .unwrap();
        Outcome {
            embeddings,
            statistics,
            gradients,
            evaluated,
        }
    }
}

pub fn network(shape: Shape, path: SimdPath) -> ResNet {
    let [height, width] = shape.size;
    let input = InputShape {
        channels: shape.channels,
        height,
        width,
    };
    ResNet::wide(shape.depth, shape.factor, input, path).unwrap()
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}
