//! Checkpoints: safetensors with the names of the reference ResNet's PyTorch state_dict.

use crate::layer::{ConvNorm, Values};
use crate::{Head, HeadKind, Mismatch, ModelError, Network, NetworkSpec};
use dfdx::tensor::Cpu;
use eos_engine::SimdPath;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::{BTreeMap, HashMap};

/// The key of the metadata that holds a note.
const NOTE: &str = "eos";

impl Network {
    /// The whole network as safetensors bytes; PyTorch's `load_state_dict(strict=True)` takes them.
    ///
    /// # Errors
    /// [`ModelError::Unwritable`].
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ModelError> {
        self.writer().finish("the network", None)
    }

    /// As [`to_safetensors`](Self::to_safetensors), with a note in the file's metadata that
    /// [`note`] reads back; loaders of weights pass it by.
    ///
    /// # Errors
    /// [`ModelError::Unwritable`].
    pub fn to_safetensors_with_note(&self, note: &str) -> Result<Vec<u8>, ModelError> {
        self.writer().finish("the network", Some(note))
    }

    fn writer(&self) -> Writer {
        let mut out = Writer::default();
        for (layer, own) in self.engine.layers().iter().zip(&self.layers) {
            let values = own.values();
            let channels = [layer.out_channels];
            out.floats(
                format!("{}.weight", layer.conv),
                &layer.weight_shape(),
                &values.weight,
            );
            for (field, values) in [
                ("weight", &values.gamma),
                ("bias", &values.beta),
                ("running_mean", &values.mean),
                ("running_var", &values.variance),
            ] {
                out.floats(format!("{}.{field}", layer.norm), &channels, values);
            }
            out.count(format!("{}.num_batches_tracked", layer.norm));
        }
        out.head(&self.head());
        out
    }

    /// A network from safetensors bytes with PyTorch's names, also one trained elsewhere.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] for other bytes; [`ModelError::Mismatch`] listing every tensor
    /// that is missing, unexpected, of another shape or type, or not finite.
    pub fn from_safetensors(bytes: &[u8], spec: NetworkSpec) -> Result<Self, ModelError> {
        spec.check()?;
        let engine = spec.engine(SimdPath::detect()?)?;
        let subject = spec.to_string();
        let mut file = Reader::open(bytes, &subject)?;
        let mut layers = Vec::new();
        for layer in engine.layers() {
            let weight = file.floats(&format!("{}.weight", layer.conv), &layer.weight_shape());
            let mut norm = |field: &str| {
                file.floats(&format!("{}.{field}", layer.norm), &[layer.out_channels])
            };
            let (gamma, beta) = (norm("weight"), norm("bias"));
            let (mean, variance) = (norm("running_mean"), norm("running_var"));
            file.optional(&format!("{}.num_batches_tracked", layer.norm));
            layers.push(Values {
                weight,
                gamma,
                beta,
                mean,
                variance,
            });
        }
        let head = file.head(spec.head, spec.classes, engine.embedding_width());
        file.finish(subject)?;
        let device = Cpu::default();
        let layers = layers
            .into_iter()
            .map(|values| ConvNorm::from_values(&device, values));
        Self::assemble(spec, engine, layers.collect::<Result<_, _>>()?, &head)
    }
}

impl Head {
    /// The head alone: `linear.weight` `[C, D]` and `linear.bias` `[C]`; a normalised head as
    /// `linear.weight` `[D, C]` and no bias, which is how the reference's `NormedLinear` holds it.
    ///
    /// # Errors
    /// A head whose lengths disagree, [`ModelError::Unwritable`].
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ModelError> {
        self.written(None)
    }

    /// As [`to_safetensors`](Self::to_safetensors), with a note that [`note`] reads back.
    ///
    /// # Errors
    /// As [`to_safetensors`](Self::to_safetensors).
    pub fn to_safetensors_with_note(&self, note: &str) -> Result<Vec<u8>, ModelError> {
        self.written(Some(note))
    }

    fn written(&self, note: Option<&str>) -> Result<Vec<u8>, ModelError> {
        self.check()?;
        let mut out = Writer::default();
        out.head(self);
        out.finish("the head", note)
    }

    /// A head from safetensors bytes; other tensors, such as a backbone's, are left alone.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] and [`ModelError::Mismatch`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, ModelError> {
        let subject = "a head";
        let mut file = Reader::open(bytes, subject)?;
        let kind = head_kind(&file.tensors);
        let shape = file.tensors.tensor("linear.weight").ok();
        let shape = shape.map_or(vec![0, 0], |tensor| tensor.shape().to_vec());
        let (classes, dims) = match (kind, &shape[..]) {
            (HeadKind::Linear, [classes, dims]) | (HeadKind::Normalised, [dims, classes]) => {
                (*classes, *dims)
            }
            _ => (0, 0),
        };
        let head = file.head(kind, classes, dims);
        file.unread.clear();
        file.finish(subject.to_owned())?;
        Ok(head)
    }
}

/// The note that a network's or head's `to_safetensors_with_note` put into a file; `None` for files of
/// others.
///
/// # Errors
/// [`ModelError::Unreadable`].
pub fn note(bytes: &[u8]) -> Result<Option<String>, ModelError> {
    let (_, about) =
        SafeTensors::read_metadata(bytes).map_err(|source| ModelError::Unreadable {
            subject: "a checkpoint".to_owned(),
            source,
        })?;
    let notes = about.metadata().as_ref();
    Ok(notes.and_then(|notes| notes.get(NOTE)).cloned())
}

/// A head without a bias is a normalised one.
pub(crate) fn head_kind(file: &SafeTensors<'_>) -> HeadKind {
    match file.tensor("linear.weight").is_ok() && file.tensor("linear.bias").is_err() {
        true => HeadKind::Normalised,
        false => HeadKind::Linear,
    }
}

/// A matrix `[rows, columns]` as `[columns, rows]`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let at = |to: usize| values[to % rows * columns + to / rows];
    (0..values.len()).map(at).collect()
}

/// Tensors on their way into a file.
#[derive(Default)]
struct Writer(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Writer {
    fn floats(&mut self, name: String, shape: &[usize], values: &[f32]) {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.0.push((name, Dtype::F32, shape.to_vec(), bytes));
    }

    /// PyTorch counts batches; nothing of ours reads it, its strict loading wants it.
    fn count(&mut self, name: String) {
        self.0
            .push((name, Dtype::I64, Vec::new(), 0i64.to_le_bytes().to_vec()));
    }

    fn head(&mut self, head: &Head) {
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

    fn finish(self, subject: &str, note: Option<&str>) -> Result<Vec<u8>, ModelError> {
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
struct Reader<'a> {
    tensors: SafeTensors<'a>,
    /// Tensors that nothing has asked for, by name.
    unread: BTreeMap<String, String>,
    mismatch: Mismatch,
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8], subject: &str) -> Result<Self, ModelError> {
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
    fn floats(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
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

    fn optional(&mut self, name: &str) {
        self.unread.remove(name);
    }

    fn head(&mut self, kind: HeadKind, classes: usize, dims: usize) -> Head {
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

    fn finish(mut self, subject: String) -> Result<(), ModelError> {
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
