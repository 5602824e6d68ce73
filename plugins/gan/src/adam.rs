//! dfdx's Adam, tensor by tensor: its own walks modules whose shapes are types.

use crate::network::{Grads, Network, fault};
use dfdx::optim::AdamConfig;
use dfdx::prelude::{Cpu, Tensor};
use dfdx::shapes::Shape;
use eos_plugin::Error;

/// Adam (Kingma, Ba 2015) with the moments of one network.
#[derive(Debug)]
pub struct Adam {
    first: Grads,
    second: Grads,
    steps: i32,
}

impl Adam {
    pub fn new() -> Self {
        Self {
            first: Grads::leaky(),
            second: Grads::leaky(),
            steps: 0,
        }
    }

    /// Moves every parameter of the network against its gradient.
    pub fn step(
        &mut self,
        network: &mut Network,
        mut gradients: Grads,
        learning_rate: f64,
    ) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(1);
        let config = AdamConfig {
            lr: learning_rate,
            // Two players that learn from each other circle with more momentum.
            betas: [0.5, 0.99],
            eps: 1e-8,
            weight_decay: None,
        };
        for layer in &mut network.0 {
            self.update(&config, &mut layer.weight, &mut gradients)?;
            self.update(&config, &mut layer.bias, &mut gradients)?;
        }
        Ok(())
    }

    fn update<S: Shape>(
        &mut self,
        config: &AdamConfig,
        parameter: &mut Tensor<S, f32, Cpu>,
        gradients: &mut Grads,
    ) -> Result<(), Error> {
        let mut update = || {
            let gradient = gradients.get_or_alloc_mut(parameter)?;
            let first = self.first.get_or_alloc_mut(parameter)?;
            let second = self.second.get_or_alloc_mut(parameter)?;
            config.try_update(self.steps, parameter, first, second, gradient)
        };
        update().map_err(fault)
    }
}
