//! Checkpoints: safetensors with the names of the reference ResNet's PyTorch state_dict.

use crate::layer::{ConvNorm, Values};
use crate::tensors::{NOTE, Reader, Writer};
use crate::{Head, HeadKind, ModelError, Network, NetworkSpec, SgdOptions, Trainer};
use dfdx::tensor::Cpu;
use eos_engine::{ResNet, SimdPath};
use safetensors::SafeTensors;

/// What the names of velocities begin with; a parameter's name follows.
const VELOCITY: &str = "velocity.";

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
        let subject = spec.to_string();
        let mut file = Reader::open(bytes, &subject)?;
        let read = Self::read(&mut file, spec)?;
        file.finish(subject)?;
        read.network()
    }

    fn read(file: &mut Reader<'_>, spec: NetworkSpec) -> Result<Unchecked, ModelError> {
        spec.check()?;
        let engine = spec.engine(SimdPath::detect()?)?;
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
        Ok(Unchecked {
            spec,
            engine,
            layers,
            head,
        })
    }
}

/// What was read of a network, before the file is known to fit.
struct Unchecked {
    spec: NetworkSpec,
    engine: ResNet,
    layers: Vec<Values>,
    head: Head,
}

impl Unchecked {
    fn network(self) -> Result<Network, ModelError> {
        let device = Cpu::default();
        let layers = self.layers.into_iter();
        let layers = layers.map(|values| ConvNorm::from_values(&device, values));
        let layers = layers.collect::<Result<_, _>>()?;
        Network::assemble(self.spec, self.engine, layers, &self.head)
    }
}

impl Trainer {
    /// All that training goes on from, as safetensors bytes: the network's tensors, the optimizer's
    /// velocities as `velocity.` and the parameter's name, and a note that [`note`] reads back. A
    /// trainer made of them takes the same steps, bit for bit.
    ///
    /// # Errors
    /// [`ModelError::Unwritable`].
    pub fn to_safetensors(&mut self, note: &str) -> Result<Vec<u8>, ModelError> {
        let mut out = self.network.writer();
        let Self { network, sgd } = self;
        let names = parameters(&network.engine, &network.spec).into_iter();
        for ((name, len), parameter) in names.zip(network.trained()) {
            let velocity = sgd.velocity(&parameter)?;
            out.floats(format!("{VELOCITY}{name}"), &[len], velocity);
        }
        out.finish("the state of training", Some(note))
    }

    /// A trainer from what [`to_safetensors`](Self::to_safetensors) gave.
    ///
    /// # Errors
    /// As [`Network::from_safetensors`], and what [`SgdOptions::check`] refuses.
    pub fn from_safetensors(
        bytes: &[u8],
        spec: NetworkSpec,
        options: SgdOptions,
    ) -> Result<Self, ModelError> {
        let subject = format!("the training of a {spec}");
        let mut file = Reader::open(bytes, &subject)?;
        let read = Network::read(&mut file, spec)?;
        let velocities: Vec<Vec<f32>> = parameters(&read.engine, &spec)
            .iter()
            .map(|(name, len)| file.floats(&format!("{VELOCITY}{name}"), &[*len]))
            .collect();
        file.finish(subject)?;
        let mut trainer = Self::new(read.network()?, options)?;
        let Self { network, sgd } = &mut trainer;
        for (parameter, velocity) in network.trained().iter().zip(velocities) {
            *sgd.velocity(parameter)? = velocity;
        }
        Ok(trainer)
    }
}

/// Name and number of values of every parameter, in the order of [`Network::trained`].
pub(crate) fn parameters(engine: &ResNet, spec: &NetworkSpec) -> Vec<(String, usize)> {
    let mut named = Vec::new();
    for layer in engine.layers() {
        let weights = layer.weight_shape().iter().product();
        named.push((format!("{}.weight", layer.conv), weights));
        named.push((format!("{}.weight", layer.norm), layer.out_channels));
        named.push((format!("{}.bias", layer.norm), layer.out_channels));
    }
    let weights = spec.classes * engine.embedding_width();
    named.push(("linear.weight".to_owned(), weights));
    if spec.head == HeadKind::Linear {
        named.push(("linear.bias".to_owned(), spec.classes));
    }
    named
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
