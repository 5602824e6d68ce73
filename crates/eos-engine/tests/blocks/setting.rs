//! A sequence with parameters and a batch, all from one seed.

use eos_engine::blocks::{Batch, Block, Parameter, Sequence};
use eos_engine::{BatchStatistics, SimdPath};

use crate::definition::Images;
use crate::random::Random;

pub struct Setting {
    pub blocks: Vec<Block>,
    pub n: usize,
    pub shape: [usize; 3],
    pub images: Vec<f32>,
    pub parameters: Vec<Vec<f32>>,
    pub running: Vec<Vec<f32>>,
    /// Of the output.
    pub gradient: Vec<f32>,
}

/// What the engine made of a setting.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub output: Vec<f32>,
    pub statistics: Vec<BatchStatistics>,
    pub evaluated: Vec<f32>,
    pub parameters: Vec<Vec<f32>>,
    pub input: Vec<f32>,
}

impl Setting {
    pub fn new(n: usize, shape: [usize; 3], blocks: &[Block], seed: u64) -> Setting {
        let sequence = Sequence::new(shape, blocks, SimdPath::Portable).unwrap();
        let mut random = Random::new(seed);
        let mut values = |parameter: &Parameter| {
            let len = parameter.len();
            if parameter.name.ends_with("running_var") {
                return (0..len).map(|_| 0.5 + random.unit()).collect();
            }
            let fan_in: usize = parameter.shape[1..].iter().product();
            match parameter.shape[..] {
                [_] if parameter.name.ends_with("weight") => random.normals(len, 1.0, 0.1),
                [_] => random.normals(len, 0.0, 0.3),
                _ => random.normals(len, 0.0, (2.0 / fan_in as f32).sqrt()),
            }
        };
        let parameters = sequence.parameters().iter().map(&mut values).collect();
        let running = sequence.running().iter().map(&mut values).collect();
        let len = |shape: [usize; 3]| n * shape.iter().product::<usize>();
        Setting {
            images: random.normals(len(shape), 0.1, 1.0),
            gradient: random.normals(len(sequence.output()), 0.0, 1.0),
            blocks: blocks.to_vec(),
            n,
            shape,
            parameters,
            running,
        }
    }

    pub fn sequence(&self, path: SimdPath) -> Sequence {
        Sequence::new(self.shape, &self.blocks, path).unwrap()
    }

    pub fn batch(&self) -> Batch {
        Batch::new(&self.images, self.n, self.shape).unwrap()
    }

    /// Runs it: a step with the gradient of what comes in, and an evaluation.
    pub fn run(&self, sequence: &Sequence) -> Outcome {
        let (parameters, running) = (slices(&self.parameters), slices(&self.running));
        let (output, saved) = sequence.forward(self.batch(), &parameters).unwrap();
        let gradient = Batch::new(&self.gradient, self.n, sequence.output()).unwrap();
        let statistics = saved.batch_statistics();
        let gradients = sequence
            .backward(saved, &parameters, gradient, true)
            .unwrap();
        let evaluated = sequence
            .evaluate(self.batch(), &parameters, &running)
            .unwrap();
        Outcome {
            output: output.to_vec(),
            statistics,
            evaluated: evaluated.to_vec(),
            parameters: gradients.parameters,
            input: gradients.input.unwrap().to_vec(),
        }
    }

    pub fn wide_images(&self) -> Images {
        let data = wide(&self.images);
        let (n, shape) = (self.n, self.shape);
        Images { n, shape, data }
    }

    pub fn wide_parameters(&self) -> Vec<Vec<f64>> {
        self.parameters.iter().map(|values| wide(values)).collect()
    }

    pub fn wide_running(&self) -> Vec<Vec<f64>> {
        self.running.iter().map(|values| wide(values)).collect()
    }
}

pub fn slices(values: &[Vec<f32>]) -> Vec<&[f32]> {
    values.iter().map(Vec::as_slice).collect()
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}
