//! End-to-end training, one step at a time.

use crate::layer::{Flat, copied};
use crate::tape::{Grads, Linear, Scored, backbone, cross_entropy};
use crate::{ModelError, Network};
use dfdx::optim::{Momentum, SgdConfig, WeightDecay};
use dfdx::prelude::Backward;
use dfdx::shapes::Shape;
use dfdx::tensor::{Cpu, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stochastic gradient descent as in PyTorch: v ← momentum · v + (g + decay · p), p ← p − rate · v.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SgdOptions {
    /// Share of the last step that is kept; 0.9 in the paper.
    pub momentum: f64,
    /// L2 decay of every parameter; 2e-4 in the paper.
    pub weight_decay: f64,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self {
            momentum: 0.9,
            weight_decay: 2e-4,
        }
    }
}

/// What one step came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Mean cross entropy of the batch, before the step.
    pub loss: f32,
    /// Images of the batch that were named correctly, before the step.
    pub correct: usize,
}

/// A network in training, with its optimizer.
#[derive(Debug)]
pub struct Trainer {
    network: Network,
    sgd: Sgd,
}

impl Trainer {
    /// Takes a network to train.
    pub fn new(network: Network, options: SgdOptions) -> Self {
        Self {
            network,
            sgd: Sgd::new(options),
        }
    }

    /// The network as it stands.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The trained network.
    pub fn into_network(self) -> Network {
        self.network
    }

    /// One step on images `[n, C, H, W]` with their classes `[n]`.
    ///
    /// # Errors
    /// Lengths that disagree, a label that is no class, and [`ModelError::Diverged`] where the loss
    /// is not finite; the network is then as before the step.
    pub fn step(
        &mut self,
        images: &[f32],
        labels: &[u32],
        learning_rate: f64,
    ) -> Result<Step, ModelError> {
        let scored = self.network.score(images, labels)?;
        let (loss, correct) = (scored.value, scored.correct);
        if !loss.is_finite() {
            return Err(ModelError::Diverged {
                loss,
                learning_rate,
            });
        }
        let mut gradients = Backward::try_backward(scored.loss)?;
        let network = &mut self.network;
        let statistics = scored.statistics;
        for (layer, batch) in network.layers.iter_mut().zip(&statistics) {
            layer.track(&batch.mean, &batch.variance);
            for parameter in layer.trained() {
                self.sgd.update(parameter, &mut gradients, learning_rate)?;
            }
        }
        self.sgd
            .update_head(&mut network.head, &mut gradients, learning_rate)?;
        Ok(Step { loss, correct })
    }

    /// The loss of images `[n, C, H, W]` with their classes `[n]`, and its gradient by every
    /// parameter under the parameter's name in a checkpoint, in its shape. Nothing moves.
    ///
    /// For checks against another implementation, and for optimizers of one's own.
    ///
    /// # Errors
    /// As [`step`](Self::step), but for a loss that is not finite.
    pub fn gradients(
        &self,
        images: &[f32],
        labels: &[u32],
    ) -> Result<(Step, BTreeMap<String, Vec<f32>>), ModelError> {
        let network = &self.network;
        let scored = network.score(images, labels)?;
        let (loss, correct) = (scored.value, scored.correct);
        let gradients = Backward::try_backward(scored.loss)?;
        let mut named = BTreeMap::new();
        for (own, layer) in network.layers.iter().zip(network.engine.layers()) {
            for (name, parameter) in [
                (format!("{}.weight", layer.conv), &own.weight),
                (format!("{}.weight", layer.norm), &own.gamma),
                (format!("{}.bias", layer.norm), &own.beta),
            ] {
                named.insert(name, copied(&gradients.get(parameter)));
            }
        }
        let head = &network.head;
        let weight = copied(&gradients.get(&head.weight));
        named.insert("linear.weight".to_owned(), weight);
        let bias = copied(&gradients.get(&head.bias));
        named.insert("linear.bias".to_owned(), bias);
        Ok((Step { loss, correct }, named))
    }
}

impl Network {
    /// The loss of a batch in training mode, ready to be followed back.
    fn score(&self, images: &[f32], labels: &[u32]) -> Result<Scored, ModelError> {
        check_labels(labels, self.spec.classes)?;
        let (rows, statistics) = backbone(
            &self.device,
            &self.engine,
            &self.layers,
            images,
            labels.len(),
        )?;
        let logits = self.head.forward(rows)?;
        let scored = cross_entropy(&self.device, logits, labels)?;
        Ok(Scored {
            statistics,
            ..scored
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
    pub fn new(options: SgdOptions) -> Self {
        Self {
            options,
            velocity: Grads::leaky(),
        }
    }

    pub fn update<S: Shape>(
        &mut self,
        parameter: &mut Tensor<S, f32, Cpu>,
        gradients: &mut Grads,
        learning_rate: f64,
    ) -> Result<(), ModelError> {
        let config = SgdConfig {
            lr: learning_rate,
            momentum: Some(Momentum::Classic(self.options.momentum)),
            weight_decay: Some(WeightDecay::L2(self.options.weight_decay)),
        };
        let gradient = gradients.get_or_alloc_mut(parameter)?;
        let velocity = self.velocity.get_or_alloc_mut(parameter)?;
        config.try_update(parameter, velocity, gradient)?;
        Ok(())
    }

    pub fn update_head(
        &mut self,
        head: &mut Linear,
        gradients: &mut Grads,
        learning_rate: f64,
    ) -> Result<(), ModelError> {
        self.update(&mut head.weight, gradients, learning_rate)?;
        let bias: &mut Flat = &mut head.bias;
        self.update(bias, gradients, learning_rate)
    }
}

/// Refuses no labels and labels without a class.
pub(crate) fn check_labels(labels: &[u32], classes: usize) -> Result<(), ModelError> {
    if labels.is_empty() {
        return Err(ModelError::Length {
            what: "labels",
            got: 0,
            wanted: "at least 1".to_owned(),
        });
    }
    match labels.iter().position(|label| *label as usize >= classes) {
        None => Ok(()),
        Some(row) => Err(ModelError::Label {
            row,
            label: labels[row],
            classes,
        }),
    }
}
