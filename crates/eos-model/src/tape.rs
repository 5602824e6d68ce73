//! What stands on dfdx's tape: the backbone as one operation, the head, the loss.

use crate::head::{largest, norm};
use crate::layer::{ConvNorm, Flat, Values, copied, flat};
use crate::sgd::Parameter;
use crate::{Head, HeadKind, ModelError, Objective, Targets};
use dfdx::prelude::{
    Axes2, Axis, BroadcastTo, Cpu, Gradients, HasShape, NoneTape, OwnedTape, PermuteTo, PutTape,
    SplitTape, Tape, Tensor, TensorFromVec, Trace, TryMatMul, ZerosTensor,
};
use dfdx::shapes::Rank0;
use eos_engine::{BatchStatistics, ResNet};
use std::sync::Arc;

/// A matrix whose size is known at run time.
pub(crate) type Matrix<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;
/// Gradients on the processor.
pub(crate) type Grads = Gradients<f32, Cpu>;
/// A tape that records.
pub(crate) type Recording = OwnedTape<f32, Cpu>;

/// Embeds images `[n, C, H, W]` in training mode; the result's tape holds one operation, whose
/// backward puts the gradient of every layer's parameters.
pub(crate) fn backbone(
    device: &Cpu,
    engine: &Arc<ResNet>,
    layers: &[ConvNorm],
    images: &[f32],
    n: usize,
) -> Result<(Matrix<Recording>, Vec<BatchStatistics>), ModelError> {
    let values: Vec<Values> = layers.iter().map(ConvNorm::values).collect();
    let params: Vec<_> = values.iter().map(Values::params).collect();
    let (embeddings, saved) = engine.forward(images, n, &params)?;
    let statistics = saved.batch_statistics();
    let out = device.try_tensor_from_vec(embeddings, (n, engine.embedding_width()))?;
    let mut tape = recording(device)?;
    let ghosts: Vec<_> = layers
        .iter()
        .map(|layer| {
            [
                layer.weight.ghost(),
                layer.gamma.ghost(),
                layer.beta.ghost(),
            ]
        })
        .collect();
    let (out_ghost, engine) = (out.ghost(), Arc::clone(engine));
    tape.add_backward_op(move |grads| {
        let gradient = std::mem::take(&mut **grads.get_or_alloc_mut(&out_ghost)?);
        let params: Vec<_> = values.iter().map(Values::params).collect();
        let computed = engine
            .backward(saved, &params, &gradient, false)
            .expect("what was saved and the parameters are this network's own");
        for (ghosts, computed) in ghosts.iter().zip(computed.layers) {
            let computed = [computed.weight, computed.gamma, computed.beta];
            for (ghost, computed) in ghosts.iter().zip(computed) {
                let gradient = grads.get_or_alloc_mut(ghost)?;
                for (sum, value) in gradient.iter_mut().zip(computed) {
                    *sum += value;
                }
            }
        }
        Ok(())
    });
    Ok((out.put_tape(tape), statistics))
}

/// An empty tape.
fn recording(device: &Cpu) -> Result<Recording, ModelError> {
    let nothing: Tensor<Rank0, f32, Cpu> = device.try_zeros()?;
    Ok(nothing.trace(Grads::leaky()).split_tape().1)
}

/// The head's parameters in dfdx.
#[derive(Debug, Clone)]
pub(crate) struct HeadParameters {
    /// `[C, D]`.
    pub weight: Matrix,
    /// `[C]`; none where the head is normalised.
    pub bias: Option<Flat>,
}

impl HeadParameters {
    pub fn new(device: &Cpu, head: &Head) -> Result<Self, ModelError> {
        head.check()?;
        let bias = match head.kind {
            HeadKind::Linear => Some(flat(device, head.bias.clone())?),
            HeadKind::Normalised => None,
        };
        let weight = device.try_tensor_from_vec(head.weight.clone(), (head.classes, head.dims))?;
        Ok(Self { weight, bias })
    }

    /// The head as plain numbers.
    pub fn head(&self) -> Head {
        let (classes, dims) = *self.weight.shape();
        Head {
            kind: match self.bias {
                Some(_) => HeadKind::Linear,
                None => HeadKind::Normalised,
            },
            weight: copied(&self.weight),
            bias: self.bias.as_ref().map_or(Vec::new(), copied),
            classes,
            dims,
        }
    }

    /// Logits `[N, C]` of rows `[N, D]`.
    pub fn forward(
        &self,
        device: &Cpu,
        rows: Matrix<Recording>,
    ) -> Result<Matrix<Recording>, ModelError> {
        let weight = self.weight.retaped::<Recording>();
        let Some(bias) = &self.bias else {
            return product(unit_rows(device, rows)?, unit_rows(device, weight)?);
        };
        let scores = product(rows, weight)?;
        let shape = *scores.shape();
        let bias = bias.retaped::<Recording>();
        let bias = bias.try_broadcast_like::<(usize, usize), Axis<0>>(&shape)?;
        Ok(dfdx::prelude::TryAdd::try_add(scores, bias)?)
    }

    /// What gradients move.
    pub fn trained(&mut self) -> impl Iterator<Item = Parameter<'_>> {
        let bias = self.bias.as_mut().map(Parameter::Vector);
        std::iter::once(Parameter::Matrix(&mut self.weight)).chain(bias)
    }
}

/// rows · weightᵀ.
fn product(
    rows: Matrix<Recording>,
    weight: Matrix<Recording>,
) -> Result<Matrix<Recording>, ModelError> {
    let weight = weight.try_permute::<(usize, usize), Axes2<1, 0>>()?;
    Ok(rows.try_matmul(weight)?)
}

/// u = x / ‖x‖ of each row; its gradient is (g − u (u · g)) / ‖x‖.
fn unit_rows(device: &Cpu, rows: Matrix<Recording>) -> Result<Matrix<Recording>, ModelError> {
    let (rows, mut tape) = rows.split_tape();
    let shape = *rows.shape();
    let dims = shape.1;
    let mut unit = copied(&rows);
    let mut norms = Vec::with_capacity(shape.0);
    for row in unit.chunks_exact_mut(dims) {
        let norm = norm(row);
        row.iter_mut().for_each(|x| *x /= norm);
        norms.push(norm);
    }
    let out: Matrix = device.try_tensor_from_vec(unit.clone(), shape)?;
    let (of_rows, of_out) = (rows.ghost(), out.ghost());
    tape.add_backward_op(move |gradients| {
        let by_out = std::mem::take(&mut **gradients.get_or_alloc_mut(&of_out)?);
        let by_rows = gradients.get_or_alloc_mut(&of_rows)?;
        let rows = by_rows.chunks_exact_mut(dims).zip(unit.chunks_exact(dims));
        for (((by_row, unit), by_out), norm) in rows.zip(by_out.chunks_exact(dims)).zip(norms) {
            let along: f32 = unit.iter().zip(by_out).map(|(u, g)| u * g).sum();
            for ((sum, u), g) in by_row.iter_mut().zip(unit).zip(by_out) {
                *sum += (g - u * along) / norm;
            }
        }
        Ok(())
    });
    Ok(out.put_tape(tape))
}

/// The loss of logits `[N, C]`, its gradients by everything on the tape, and how many rows the
/// largest logit names correctly.
pub(crate) fn loss(
    device: &Cpu,
    logits: Matrix<Recording>,
    targets: Targets<'_>,
    objective: &Objective,
) -> Result<Scored, ModelError> {
    let (logits, mut tape) = logits.split_tape();
    let scores = copied(&logits);
    let (value, by_logits) = objective.loss(&scores, targets)?;
    let value = value as f32;
    let named = scores.chunks_exact(objective.classes()).map(largest);
    let correct = named
        .zip(targets.labels)
        .filter(|(named, label)| named == *label)
        .count();
    let out: Tensor<Rank0, f32, Cpu> = device.try_tensor_from_vec(vec![value], ())?;
    let (of_logits, of_out) = (logits.ghost(), out.ghost());
    tape.add_backward_op(move |gradients| {
        let factor = gradients.get_or_alloc_mut(&of_out)?[0];
        let sums = gradients.get_or_alloc_mut(&of_logits)?;
        for (sum, gradient) in sums.iter_mut().zip(by_logits) {
            *sum += factor * gradient;
        }
        Ok(())
    });
    Ok(Scored {
        loss: out.put_tape(tape),
        value,
        correct,
        statistics: Vec::new(),
    })
}

/// A loss that can still be followed back.
pub(crate) struct Scored {
    pub loss: Tensor<Rank0, f32, Cpu, Recording>,
    pub value: f32,
    pub correct: usize,
    /// Of each normalization's batch; none where only a head was run.
    pub statistics: Vec<BatchStatistics>,
}
