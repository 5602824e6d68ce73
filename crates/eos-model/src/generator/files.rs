//! Generators as safetensors, each half under the names of PyTorch's `nn.Sequential`.

use super::part::Part;
use super::{Generator, GeneratorSpec};
use crate::ModelError;
use crate::tensors::{Reader, Writer};

impl Generator {
    /// The whole generator as safetensors bytes: `encoder.0.weight` … `decoder.0.weight` …
    ///
    /// # Errors
    /// [`ModelError::Unwritable`].
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ModelError> {
        let mut out = Writer::default();
        for (half, part) in [("encoder", &self.encoder), ("decoder", &self.decoder)] {
            let (parameters, running) = (part.sequence.parameters(), part.sequence.running());
            let trained = parameters.iter().zip(&part.values);
            for (tensor, values) in trained.chain(running.iter().zip(&part.running)) {
                out.floats(format!("{half}.{}", tensor.name), &tensor.shape, values);
            }
            for name in counters(half, part) {
                out.count(name);
            }
        }
        out.finish("the generator", None)
    }

    /// A generator from what [`to_safetensors`](Self::to_safetensors) gave.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] for other bytes; [`ModelError::Mismatch`] listing every tensor
    /// that is missing, unexpected, of another shape or type, or not finite.
    pub fn from_safetensors(bytes: &[u8], spec: GeneratorSpec) -> Result<Self, ModelError> {
        let subject = spec.to_string();
        let mut generator = Self::new(spec, 0)?;
        let mut file = Reader::open(bytes, &subject)?;
        for (half, part) in [
            ("encoder", &mut generator.encoder),
            ("decoder", &mut generator.decoder),
        ] {
            for name in counters(half, part) {
                file.optional(&name);
            }
            let (parameters, running) = (part.sequence.parameters(), part.sequence.running());
            let trained = parameters.iter().zip(&mut part.values);
            for (tensor, values) in trained.chain(running.iter().zip(&mut part.running)) {
                *values = file.floats(&format!("{half}.{}", tensor.name), &tensor.shape);
            }
        }
        file.finish(subject)?;
        Ok(generator)
    }
}

/// Names of PyTorch's counters of batches.
fn counters(half: &str, part: &Part) -> Vec<String> {
    let names = part.sequence.running().iter();
    let norms = names.filter_map(|tensor| tensor.name.strip_suffix("running_mean"));
    norms
        .map(|norm| format!("{half}.{norm}num_batches_tracked"))
        .collect()
}
