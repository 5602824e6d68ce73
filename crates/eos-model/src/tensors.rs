//! Named tensors of a safetensors file, written and read.

use crate::{Head, HeadKind, Mismatch, ModelError};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::{BTreeMap, HashMap};

/// The key of the metadata that holds a note.
pub(crate) const NOTE: &str = "eos";

/// A matrix `[rows, columns]` as `[columns, rows]`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let at = |to: usize| values[to % rows * columns + to / rows];
    (0..values.len()).map(at).collect()
}

/// Tensors on their way into a file.
#[derive(Default)]
pub(crate) struct Writer(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Writer {
    pub fn floats(&mut self, name: String, shape: &[usize], values: &[f32]) {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.0.push((name, Dtype::F32, shape.to_vec(), bytes));
    }

    /// PyTorch counts batches; nothing of ours reads it, its strict loading wants it.
    pub fn count(&mut self, name: String) {
        self.0
            .push((name, Dtype::I64, Vec::new(), 0i64.to_le_bytes().to_vec()));
    }

    pub fn head(&mut self, head: &Head) {
        let (classes, dims) = (head.classes, head.dims);
        let name = "linear.weight".to_owned();
        match head.kind {
            HeadKind::Linear => {
                self.floats(name, &[classes, dims], &head.weight);
                self.floats("linear.bias".into(), &[classes], &head.bias);
            }
            HeadKind::Normalised => {
                let weight = transposed(&head.weight, classes, dims);
                self.floats(name, &[dims, classes], &weight);
            }
        }
    }

    pub fn finish(self, subject: &str, note: Option<&str>) -> Result<Vec<u8>, ModelError> {
        let note = note.map(|note| HashMap::from([(NOTE.to_owned(), note.to_owned())]));
        let write = || {
            let views = self.0.iter().map(|(name, dtype, shape, bytes)| {
                Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?))
            });
            let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
            safetensors::serialize(views, note)
        };
        write().map_err(|source| ModelError::Unwritable {
            subject: subject.to_owned(),
            source,
        })
    }
}

/// Tensors of a file that has been opened, and what did not fit so far.
pub(crate) struct Reader<'a> {
    pub tensors: SafeTensors<'a>,
    /// Tensors that nothing has asked for, by name.
    pub unread: BTreeMap<String, String>,
    mismatch: Mismatch,
}

impl<'a> Reader<'a> {
    pub fn open(bytes: &'a [u8], subject: &str) -> Result<Self, ModelError> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|source| ModelError::Unreadable {
            subject: subject.to_owned(),
            source,
        })?;
        let shown = |tensor: &TensorView<'_>| format!("{} {:?}", tensor.dtype(), tensor.shape());
        let unread = tensors
            .iter()
            .map(|(name, tensor)| (name.to_owned(), shown(&tensor)));
        let unread = unread.collect();
        let mismatch = Mismatch::default();
        Ok(Self {
            tensors,
            unread,
            mismatch,
        })
    }

    /// The values of an f32 tensor; nothing, and a note, where it does not fit.
    pub fn floats(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        let wanted = format!("F32 {shape:?}");
        let Ok(tensor) = self.tensors.tensor(name) else {
            self.mismatch.missing.push(format!("{name} {wanted}"));
            return Vec::new();
        };
        let got = self.unread.remove(name).unwrap_or_default();
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            self.mismatch
                .misshapen
                .push(format!("{name} is {got}, wanted {wanted}"));
            return Vec::new();
        }
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        if values.iter().any(|value| !value.is_finite()) {
            self.mismatch
                .unusable
                .push(format!("{name}: it holds NaN or infinity"));
        } else if name.ends_with("running_var") && values.iter().any(|value| *value < 0.0) {
            self.mismatch
                .unusable
                .push(format!("{name}: a variance below 0"));
        }
        values
    }

    pub fn optional(&mut self, name: &str) {
        self.unread.remove(name);
    }

    pub fn head(&mut self, kind: HeadKind, classes: usize, dims: usize) -> Head {
        let (weight, bias) = match kind {
            HeadKind::Linear => (
                self.floats("linear.weight", &[classes, dims]),
                self.floats("linear.bias", &[classes]),
            ),
            HeadKind::Normalised => {
                let weight = self.floats("linear.weight", &[dims, classes]);
                (transposed(&weight, dims, classes), Vec::new())
            }
        };
        Head {
            kind,
            weight,
            bias,
            classes,
            dims,
        }
    }

    pub fn finish(mut self, subject: String) -> Result<(), ModelError> {
        let unread = self
            .unread
            .into_iter()
            .map(|(name, got)| format!("{name} {got}"));
        self.mismatch.unexpected.extend(unread);
        if self.mismatch.is_empty() {
            return Ok(());
        }
        Err(ModelError::Mismatch {
            subject,
            mismatch: Box::new(self.mismatch),
        })
    }
}
