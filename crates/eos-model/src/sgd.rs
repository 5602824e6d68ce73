//! Stochastic gradient descent.

use crate::ModelError;
use crate::layer::Flat;
use crate::tape::{Grads, Matrix};
use dfdx::optim::{Momentum, SgdConfig, WeightDecay};
use dfdx::shapes::Shape;
use dfdx::tensor::{Cpu, Tensor};
use serde::{Deserialize, Serialize};

/// Stochastic gradient descent as in PyTorch: g ← g + decay · p, v ← momentum · v + g,
/// p ← p − rate · v, with Nesterov's momentum p ← p − rate · (g + momentum · v).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdOptions {
    /// Share of the last step that is kept; 0.9 in the paper.
    pub momentum: f64,
    /// Whether a step looks ahead along its velocity.
    pub nesterov: bool,
    /// L2 decay; 2e-4 in the paper.
    pub weight_decay: f64,
    /// What decays.
    pub decay: Decay,
    /// Gradients whose norm over all parameters is larger are scaled down to it, as PyTorch's
    /// `clip_grad_norm_` does.
    pub clip_norm: Option<f64>,
}

/// Which parameters weight decay pulls at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Every one, as in the paper.
    #[default]
    All,
    /// Those of convolutions and of the head; not normalizations and biases.
    Weights,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 2e-4,
            decay: Decay::All,
            clip_norm: None,
        }
    }
}

impl SgdOptions {
    /// Refuses numbers that no training can use.
    ///
    /// # Errors
    /// [`ModelError::Option`].
    pub fn check(&self) -> Result<(), ModelError> {
        let refuse = |field, got, wanted| Err(ModelError::Option { field, got, wanted });
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse("momentum", self.momentum, "a number from 0 to below 1");
        }
        if self.nesterov && self.momentum == 0.0 {
            return refuse(
                "momentum",
                0.0,
                "above 0 with nesterov; or nesterov = false",
            );
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return refuse("weight-decay", self.weight_decay, "a number of 0 or more");
        }
        match self.clip_norm {
            Some(norm) if !(norm > 0.0 && norm.is_finite()) => refuse(
                "clip-norm",
                norm,
                "a number above 0; leave it out to clip nothing",
            ),
            _ => Ok(()),
        }
    }
}

/// A parameter with its shape.
pub(crate) enum Parameter<'a> {
    /// A normalization's or a bias.
    Vector(&'a mut Flat),
    /// A convolution's weight, flat.
    Filter(&'a mut Flat),
    /// A head's weight.
    Matrix(&'a mut Matrix),
}

impl Parameter<'_> {
    /// Its gradient.
    fn gradient<'g>(&self, gradients: &'g mut Grads) -> Result<&'g mut Vec<f32>, ModelError> {
        Ok(match self {
            Self::Vector(p) | Self::Filter(p) => &mut **gradients.get_or_alloc_mut(*p)?,
            Self::Matrix(p) => &mut **gradients.get_or_alloc_mut(*p)?,
        })
    }
}

/// dfdx's optimizer step with its velocities.
///
/// dfdx's own `Sgd` walks a module whose shapes are types; a network whose depth and width are
/// known at run time goes through the same step parameter by parameter.
#[derive(Debug)]
pub(crate) struct Sgd {
    options: SgdOptions,
    velocity: Grads,
}

impl Sgd {
    pub fn new(options: SgdOptions) -> Result<Self, ModelError> {
        options.check()?;
        Ok(Self {
            options,
            velocity: Grads::leaky(),
        })
    }

    /// A parameter's velocity; zeros before the first step.
    pub fn velocity(&mut self, parameter: &Parameter<'_>) -> Result<&mut Vec<f32>, ModelError> {
        parameter.gradient(&mut self.velocity)
    }

    /// Moves every parameter against its gradient.
    pub fn step(
        &mut self,
        parameters: Vec<Parameter<'_>>,
        mut gradients: Grads,
        learning_rate: f64,
    ) -> Result<(), ModelError> {
        if let Some(norm) = self.options.clip_norm {
            clip(&parameters, &mut gradients, norm)?;
        }
        for parameter in parameters {
            match parameter {
                Parameter::Vector(p) => {
                    let decays = self.options.decay == Decay::All;
                    self.update(p, decays, &mut gradients, learning_rate)?;
                }
                Parameter::Filter(p) => self.update(p, true, &mut gradients, learning_rate)?,
                Parameter::Matrix(p) => self.update(p, true, &mut gradients, learning_rate)?,
            }
        }
        Ok(())
    }

    fn update<S: Shape>(
        &mut self,
        parameter: &mut Tensor<S, f32, Cpu>,
        decays: bool,
        gradients: &mut Grads,
        learning_rate: f64,
    ) -> Result<(), ModelError> {
        let SgdOptions {
            momentum,
            nesterov,
            weight_decay,
            ..
        } = self.options;
        let config = SgdConfig {
            lr: learning_rate,
            momentum: Some(match nesterov {
                true => Momentum::Nesterov(momentum),
                false => Momentum::Classic(momentum),
            }),
            weight_decay: decays.then_some(WeightDecay::L2(weight_decay)),
        };
        let gradient = gradients.get_or_alloc_mut(parameter)?;
        let velocity = self.velocity.get_or_alloc_mut(parameter)?;
        config.try_update(parameter, velocity, gradient)?;
        Ok(())
    }
}

/// Scales gradients down where their norm over all parameters is above `largest`.
fn clip(parameters: &[Parameter<'_>], all: &mut Grads, largest: f64) -> Result<(), ModelError> {
    let mut squares = 0.0;
    for parameter in parameters {
        let gradient = parameter.gradient(all)?;
        squares += gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
    }
    // PyTorch's guard against a division by 0.
    let factor = largest / (squares.sqrt() + 1e-6);
    if factor < 1.0 {
        for parameter in parameters {
            let gradient = parameter.gradient(all)?;
            gradient.iter_mut().for_each(|g| *g *= factor as f32);
        }
    }
    Ok(())
}
