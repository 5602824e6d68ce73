//! Phase three: a head trained on balanced embeddings.

use crate::objective::check_labels;
use crate::sgd::Sgd;
use crate::tape::{Grads, HeadParameters, Matrix, Recording, loss};
use crate::{Head, HeadKind, LossOptions, ModelError, Objective, Schedule, SgdOptions};
use dfdx::prelude::{Cpu, TensorFromVec, Trace};
use eos_tensor::{PhiloxRng, Rows, stream};
use rand::seq::SliceRandom;

/// Rows to train on.
#[derive(Debug, Clone, Copy)]
pub struct HeadData<'a> {
    /// `[N, D]`, finite.
    pub rows: &'a [f32],
    /// D.
    pub dims: usize,
    /// `[N]`, each below `classes`.
    pub labels: &'a [u32],
    /// C.
    pub classes: usize,
}

/// How to train a head.
#[derive(Debug, Clone)]
pub struct HeadTraining {
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows in a step; the last one of an epoch may be smaller.
    pub batch: usize,
    /// Course of the learning rate.
    pub schedule: Schedule,
    /// Its peak.
    pub learning_rate: f64,
    /// The optimizer.
    pub sgd: SgdOptions,
    /// What is minimised; weights, margins and priors are of the rows trained on.
    pub loss: LossOptions,
    /// Linear or normalised.
    pub kind: HeadKind,
    /// Of the fresh weights and of the order of rows.
    pub seed: u64,
    /// Starts from this head instead of a fresh one.
    pub start: Option<Head>,
}

impl Default for HeadTraining {
    /// Twenty epochs along a cosine in batches of 512, from a fresh linear head. The reference's recipe
    /// is 10 epochs of [`Schedule::Reference`] in batches of 128.
    fn default() -> Self {
        Self {
            epochs: 20,
            batch: 512,
            schedule: Schedule::Cosine { warmup_epochs: 0.0 },
            learning_rate: 0.1,
            sgd: SgdOptions::default(),
            loss: LossOptions::default(),
            kind: HeadKind::Linear,
            seed: 0,
            start: None,
        }
    }
}

/// An epoch that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadEpoch {
    /// From 1.
    pub epoch: usize,
    /// Mean loss over its steps, each as much as it has rows.
    pub loss: f32,
}

/// Trains a head. The same bits on any number of threads.
///
/// `on_epoch` is told of each epoch and says whether to go on.
///
/// # Errors
/// Rows, labels or options that cannot be used, a start of another shape or kind, a loss that is not
/// finite.
pub fn train_head(
    data: HeadData<'_>,
    options: &HeadTraining,
    on_epoch: &mut dyn FnMut(HeadEpoch) -> bool,
) -> Result<Head, ModelError> {
    let rows = Rows::new(data.rows, data.dims).map_err(ModelError::Rows)?;
    if rows.len() != data.labels.len() {
        return Err(ModelError::Length {
            what: "labels",
            got: data.labels.len(),
            wanted: format!("one for each of {} rows", rows.len()),
        });
    }
    check_labels(data.labels, data.classes)?;
    for (field, got) in [
        ("head.epochs", options.epochs),
        ("head.batch", options.batch),
    ] {
        if got == 0 {
            let wanted = "1 or more";
            return Err(ModelError::Spec { field, got, wanted });
        }
    }
    options.schedule.check(options.epochs)?;
    train(rows, data, options, on_epoch)
}

/// dfdx's matrix product splits large ones over threads by tiles of the result, and sums each tile in
/// one order; small ones run on one thread. So the bits depend on neither.
fn train(
    rows: Rows<'_>,
    data: HeadData<'_>,
    options: &HeadTraining,
    on_epoch: &mut dyn FnMut(HeadEpoch) -> bool,
) -> Result<Head, ModelError> {
    let fresh = || Head::fresh(options.kind, data.classes, data.dims, options.seed);
    let start = options.start.clone().unwrap_or_else(fresh);
    if start.kind != options.kind {
        return Err(ModelError::HeadKind {
            got: start.kind,
            wanted: options.kind,
        });
    }
    if (start.classes, start.dims) != (data.classes, data.dims) {
        return Err(ModelError::Length {
            what: "start head weight",
            got: start.weight.len(),
            wanted: format!("{} classes × {} dimensions", data.classes, data.dims),
        });
    }
    let device = Cpu::default();
    let objective = Objective::new(&options.loss, &counts(&data), options.kind)?;
    let mut head = HeadParameters::new(&device, &start)?;
    let mut sgd = Sgd::new(options.sgd)?;
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    let steps = order.len().div_ceil(options.batch) as f64;
    for epoch in 0..options.epochs {
        let mut rng = PhiloxRng::new(options.seed, stream::HEAD_BATCHES, epoch as u64);
        order.shuffle(&mut rng);
        let mut sum = 0.0;
        for (step, batch) in order.chunks(options.batch).enumerate() {
            let position = epoch as f64 + step as f64 / steps;
            let (schedule, peak) = (&options.schedule, options.learning_rate);
            let rate = schedule.learning_rate(peak, position, options.epochs);
            let (values, labels) = gather(rows, data.labels, batch);
            let values: Matrix = device.try_tensor_from_vec(values, (batch.len(), data.dims))?;
            let traced: Matrix<Recording> = values.trace(Grads::leaky());
            let logits = head.forward(&device, traced)?;
            let scored = loss(&device, logits, labels[..].into(), &objective)?;
            if !scored.value.is_finite() {
                return Err(ModelError::Diverged {
                    loss: scored.value,
                    learning_rate: rate,
                });
            }
            let gradients = dfdx::prelude::Backward::try_backward(scored.loss)?;
            sgd.step(head.trained().collect(), gradients, rate)?;
            sum += f64::from(scored.value) * batch.len() as f64;
        }
        let loss = (sum / order.len() as f64) as f32;
        if !on_epoch(HeadEpoch {
            epoch: epoch + 1,
            loss,
        }) {
            break;
        }
    }
    Ok(head.head())
}

/// Rows of each class.
fn counts(data: &HeadData<'_>) -> Vec<usize> {
    let mut counts = vec![0; data.classes];
    for label in data.labels {
        counts[*label as usize] += 1;
    }
    counts
}

fn gather(rows: Rows<'_>, labels: &[u32], batch: &[u32]) -> (Vec<f32>, Vec<u32>) {
    let mut values = Vec::with_capacity(batch.len() * rows.dims());
    for row in batch {
        values.extend_from_slice(rows.row(*row as usize));
    }
    let labels = batch.iter().map(|row| labels[*row as usize]).collect();
    (values, labels)
}
