//! What stands on dfdx's tape: the backbone as one operation, the head, the loss.

use crate::ModelError;
use crate::layer::{ConvNorm, Values};
use dfdx::prelude::{
    Axes2, Axis, BroadcastTo, Cpu, Gradients, HasShape, NoneTape, OwnedTape, PermuteTo, PutTape,
    SplitTape, Tape, Tensor, TensorFromVec, Trace, TryMatMul, ZerosTensor,
    cross_entropy_with_logits_loss,
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
pub(crate) struct Linear {
    /// `[C, D]`.
    pub weight: Matrix,
    /// `[C]`.
    pub bias: Tensor<(usize,), f32, Cpu>,
}

impl Linear {
    /// Logits `[N, C]` of rows `[N, D]`.
    pub fn forward(&self, rows: Matrix<Recording>) -> Result<Matrix<Recording>, ModelError> {
        let (n, classes) = (rows.shape().0, self.bias.shape().0);
        let weight = self.weight.retaped::<Recording>();
        let weight = weight.try_permute::<(usize, usize), Axes2<1, 0>>()?;
        let scores = rows.try_matmul(weight)?;
        let bias = self.bias.retaped::<Recording>();
        let bias = bias.try_broadcast_like::<(usize, usize), Axis<0>>(&(n, classes))?;
        Ok(dfdx::prelude::TryAdd::try_add(scores, bias)?)
    }
}

/// The mean cross entropy, its gradients by everything on the tape, and how many rows the largest
/// logit names correctly.
pub(crate) fn cross_entropy(
    device: &Cpu,
    logits: Matrix<Recording>,
    labels: &[u32],
) -> Result<Scored, ModelError> {
    let (n, classes) = *logits.shape();
    let scores = crate::layer::copied(&logits.retaped::<NoneTape>());
    let named = scores.chunks_exact(classes).map(crate::head::largest);
    let correct = named
        .zip(labels)
        .filter(|(named, label)| named == *label)
        .count();
    let mut targets = vec![0.0; n * classes];
    for (row, label) in labels.iter().enumerate() {
        targets[row * classes + *label as usize] = 1.0;
    }
    let targets: Matrix = device.try_tensor_from_vec(targets, (n, classes))?;
    let loss = cross_entropy_with_logits_loss(logits, targets);
    let value = dfdx::prelude::AsArray::array(&loss);
    Ok(Scored {
        loss,
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
