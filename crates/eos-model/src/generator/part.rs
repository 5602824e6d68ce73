//! Half a generator: blocks with their parameters and running statistics.

use crate::ModelError;
use eos_engine::blocks::{Batch, Block, Parameter, Saved, Sequence};
use eos_engine::{BatchStatistics, SimdPath};
use eos_tensor::{PhiloxRng, stream};

/// New running statistic = 0.9 · old + 0.1 · batch, as PyTorch's default.
const MOMENTUM: f32 = 0.1;

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub sequence: Sequence,
    /// In the order of the sequence's parameters.
    pub values: Vec<Vec<f32>>,
    /// In the order of the sequence's running statistics.
    pub running: Vec<Vec<f32>>,
}

impl Part {
    /// Fresh: Kaiming normal weights (fan in, gain √2), γ = 1, β = 0. `number` tells halves apart.
    pub fn new(
        input: [usize; 3],
        blocks: &[Block],
        path: SimdPath,
        seed: u64,
        number: u64,
    ) -> Result<Self, ModelError> {
        let sequence = Sequence::new(input, blocks, path)?;
        let fresh = |(index, parameter): (usize, &Parameter)| {
            let len = parameter.len();
            match parameter.shape[..] {
                [_] if parameter.name.ends_with("weight") => vec![1.0; len],
                [_] => vec![0.0; len],
                [_, ref rest @ ..] => {
                    let deviation = (2.0 / rest.iter().product::<usize>() as f32).sqrt();
                    let index = number << 32 | index as u64;
                    let mut rng = PhiloxRng::new(seed, stream::GENERATOR_INITIALISATION, index);
                    (0..len).map(|_| deviation * rng.normal()).collect()
                }
                [] => Vec::new(),
            }
        };
        let still = |parameter: &Parameter| {
            let start = f32::from(u8::from(parameter.name.ends_with("running_var")));
            vec![start; parameter.len()]
        };
        Ok(Self {
            values: sequence
                .parameters()
                .iter()
                .enumerate()
                .map(fresh)
                .collect(),
            running: sequence.running().iter().map(still).collect(),
            sequence,
        })
    }

    pub fn parameters(&self) -> usize {
        self.values.iter().map(Vec::len).sum()
    }

    /// Runs `n` images or codes in training mode.
    pub fn forward(&self, images: &[f32], n: usize) -> Result<(Batch, Saved), ModelError> {
        let batch = Batch::new(images, n, self.sequence.input())?;
        Ok(self.sequence.forward(batch, &slices(&self.values))?)
    }

    /// Runs `n` images or codes in evaluation mode.
    pub fn evaluate(&self, images: &[f32], n: usize) -> Result<Vec<f32>, ModelError> {
        let batch = Batch::new(images, n, self.sequence.input())?;
        let (values, running) = (slices(&self.values), slices(&self.running));
        Ok(self.sequence.evaluate(batch, &values, &running)?.to_vec())
    }

    /// The gradients of every parameter and, where `input` asks for it, of what came in.
    pub fn backward(
        &self,
        saved: Saved,
        gradient: &[f32],
        n: usize,
        input: bool,
    ) -> Result<(Vec<Vec<f32>>, Vec<f32>), ModelError> {
        let gradient = Batch::new(gradient, n, self.sequence.output())?;
        let values = slices(&self.values);
        let gradients = self.sequence.backward(saved, &values, gradient, input)?;
        let of_input = gradients.input.map_or(Vec::new(), |batch| batch.to_vec());
        Ok((gradients.parameters, of_input))
    }

    /// Takes the statistics of a batch into the running ones.
    pub fn track(&mut self, batches: &[BatchStatistics]) {
        let seen = batches.iter().flat_map(|b| [&b.mean, &b.variance]);
        for (running, seen) in self.running.iter_mut().zip(seen) {
            for (running, seen) in running.iter_mut().zip(seen) {
                *running += MOMENTUM * (seen - *running);
            }
        }
    }
}

fn slices(values: &[Vec<f32>]) -> Vec<&[f32]> {
    values.iter().map(Vec::as_slice).collect()
}
