//! The parameters of one convolution and its normalization, held by dfdx.

use crate::ModelError;
use crate::sgd::Parameter;
use dfdx::tensor::{Cpu, Tensor, TensorFromVec};
use eos_engine::{Layer, LayerParams, Running};
use eos_tensor::{PhiloxRng, stream};

/// A parameter in dfdx, flat; its shape is the layer's.
pub(crate) type Flat = Tensor<(usize,), f32, Cpu>;

/// New running statistic = 0.9 · old + 0.1 · batch, as PyTorch's default.
const MOMENTUM: f32 = 0.1;

/// A 3 × 3 convolution and the batch normalization after it.
#[derive(Debug, Clone)]
pub(crate) struct ConvNorm {
    pub weight: Flat,
    pub gamma: Flat,
    pub beta: Flat,
    /// Detached: moved by batch statistics, not by gradients.
    pub mean: Flat,
    pub variance: Flat,
}

/// A layer's values, copied out of dfdx for the engine.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    pub weight: Vec<f32>,
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

impl ConvNorm {
    /// Kaiming normal weights (fan in, gain √2) from the stream of initialisation, γ = 1, β = 0.
    pub fn new(device: &Cpu, layer: &Layer, index: u64, seed: u64) -> Result<Self, ModelError> {
        let fan_in = 9 * layer.in_channels;
        let deviation = (2.0 / fan_in as f32).sqrt();
        let mut rng = PhiloxRng::new(seed, stream::INITIALISATION, index);
        let weight = (0..fan_in * layer.out_channels)
            .map(|_| deviation * rng.normal())
            .collect();
        let channels = layer.out_channels;
        Self::from_values(
            device,
            Values {
                weight,
                gamma: vec![1.0; channels],
                beta: vec![0.0; channels],
                mean: vec![0.0; channels],
                variance: vec![1.0; channels],
            },
        )
    }

    pub fn from_values(device: &Cpu, values: Values) -> Result<Self, ModelError> {
        Ok(Self {
            weight: flat(device, values.weight)?,
            gamma: flat(device, values.gamma)?,
            beta: flat(device, values.beta)?,
            mean: flat(device, values.mean)?,
            variance: flat(device, values.variance)?,
        })
    }

    pub fn values(&self) -> Values {
        Values {
            weight: copied(&self.weight),
            gamma: copied(&self.gamma),
            beta: copied(&self.beta),
            mean: copied(&self.mean),
            variance: copied(&self.variance),
        }
    }

    /// What gradients move.
    pub fn trained(&mut self) -> [Parameter<'_>; 3] {
        [
            Parameter::Filter(&mut self.weight),
            Parameter::Vector(&mut self.gamma),
            Parameter::Vector(&mut self.beta),
        ]
    }

    /// Moves the running statistics towards those of a batch.
    pub fn track(&mut self, mean: &[f32], variance: &[f32]) {
        for (running, batch) in [(&mut self.mean, mean), (&mut self.variance, variance)] {
            let mut values = copied(running);
            for (value, batch) in values.iter_mut().zip(batch) {
                *value = (1.0 - MOMENTUM) * *value + MOMENTUM * batch;
            }
            running.copy_from(&values);
        }
    }
}

impl Values {
    pub fn params(&self) -> LayerParams<'_> {
        LayerParams {
            weight: &self.weight,
            gamma: &self.gamma,
            beta: &self.beta,
        }
    }

    pub fn running(&self) -> Running<'_> {
        Running {
            mean: &self.mean,
            variance: &self.variance,
        }
    }
}

/// A flat tensor of `values`.
pub(crate) fn flat(device: &Cpu, values: Vec<f32>) -> Result<Flat, ModelError> {
    let len = values.len();
    Ok(device.try_tensor_from_vec(values, (len,))?)
}

/// The values of a tensor of any shape, by one copy of memory.
pub(crate) fn copied<S: dfdx::shapes::Shape>(tensor: &Tensor<S, f32, Cpu>) -> Vec<f32> {
    let mut values = vec![0.0; dfdx::shapes::HasShape::shape(tensor).num_elements()];
    tensor.copy_into(&mut values);
    values
}
