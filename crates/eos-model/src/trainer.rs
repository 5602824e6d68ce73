//! End-to-end training, one step at a time.

use crate::layer::copied;
use crate::objective::check_labels;
use crate::sgd::{Parameter, Sgd};
use crate::tape::{Scored, backbone, loss};
use crate::{ModelError, Network, Objective, SgdOptions, Targets};
use dfdx::prelude::Backward;
use std::collections::BTreeMap;

/// What one step came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Loss of the batch, before the step.
    pub loss: f32,
    /// Images of the batch whose label the largest logit named, before the step.
    pub correct: usize,
}

/// A network in training, with its optimizer.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) network: Network,
    pub(crate) sgd: Sgd,
}

impl Trainer {
    /// Takes a network to train.
    ///
    /// # Errors
    /// What [`SgdOptions::check`] refuses.
    pub fn new(network: Network, options: SgdOptions) -> Result<Self, ModelError> {
        Ok(Self {
            network,
            sgd: Sgd::new(options)?,
        })
    }

    /// The network as it stands.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The trained network.
    pub fn into_network(self) -> Network {
        self.network
    }

    /// One step down the loss of images `[n, C, H, W]`.
    ///
    /// # Errors
    /// Lengths that disagree, a label that is no class, an objective of other classes, and [`ModelError::Diverged`] where the loss
    /// is not finite; the network is then as before the step.
    pub fn step(
        &mut self,
        images: &[f32],
        targets: Targets<'_>,
        objective: &Objective,
        learning_rate: f64,
    ) -> Result<Step, ModelError> {
        let scored = self.network.score(images, targets, objective)?;
        let (loss, correct) = (scored.value, scored.correct);
        if !loss.is_finite() {
            return Err(ModelError::Diverged {
                loss,
                learning_rate,
            });
        }
        let gradients = Backward::try_backward(scored.loss)?;
        let network = &mut self.network;
        for (layer, batch) in network.layers.iter_mut().zip(&scored.statistics) {
            layer.track(&batch.mean, &batch.variance);
        }
        self.sgd.step(network.trained(), gradients, learning_rate)?;
        Ok(Step { loss, correct })
    }

    /// The loss of images `[n, C, H, W]`, and its gradient by every parameter under the parameter's
    /// name in a checkpoint; the head's weight is `[C, D]`. Nothing moves.
    ///
    /// For checks against another implementation, and for optimizers of one's own.
    ///
    /// # Errors
    /// As [`step`](Self::step), but for a loss that is not finite.
    pub fn gradients(
        &self,
        images: &[f32],
        targets: Targets<'_>,
        objective: &Objective,
    ) -> Result<(Step, BTreeMap<String, Vec<f32>>), ModelError> {
        let network = &self.network;
        let scored = network.score(images, targets, objective)?;
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
        if let Some(bias) = &head.bias {
            named.insert("linear.bias".to_owned(), copied(&gradients.get(bias)));
        }
        Ok((Step { loss, correct }, named))
    }
}

impl Network {
    /// What gradients move.
    pub(crate) fn trained(&mut self) -> Vec<Parameter<'_>> {
        let layers = self.layers.iter_mut().flat_map(|layer| layer.trained());
        layers.chain(self.head.trained()).collect()
    }

    /// The loss of a batch in training mode, ready to be followed back.
    fn score(
        &self,
        images: &[f32],
        targets: Targets<'_>,
        objective: &Objective,
    ) -> Result<Scored, ModelError> {
        let (labels, classes) = (targets.labels, self.spec.classes);
        check_labels(labels, classes)?;
        if objective.classes() != classes {
            return Err(ModelError::Length {
                what: "classes of the loss",
                got: objective.classes(),
                wanted: format!("the network's {classes}"),
            });
        }
        let (device, n) = (&self.device, labels.len());
        let (rows, statistics) = backbone(device, &self.engine, &self.layers, images, n)?;
        let logits = self.head.forward(device, rows)?;
        let scored = loss(device, logits, targets, objective)?;
        Ok(Scored {
            statistics,
            ..scored
        })
    }
}
