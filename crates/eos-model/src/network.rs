//! A backbone and its head.

use crate::checkpoint::parameters;
use crate::layer::{ConvNorm, Values};
use crate::tape::HeadParameters;
use crate::{Head, ModelError, NetworkSpec};
use dfdx::tensor::Cpu;
use eos_engine::{ResNet, SimdPath};
use eos_tensor::{PhiloxRng, stream};
use std::sync::Arc;

/// Images that one call of the engine embeds: bounds the memory of an evaluation.
const EMBED_BATCH: usize = 256;

/// A residual network for small images: backbone, then a head.
#[derive(Debug, Clone)]
pub struct Network {
    pub(crate) spec: NetworkSpec,
    pub(crate) device: Cpu,
    pub(crate) engine: Arc<ResNet>,
    pub(crate) layers: Vec<ConvNorm>,
    pub(crate) head: HeadParameters,
}

impl Network {
    /// A network with fresh weights, drawn from `seed`, on the instruction path that
    /// [`SimdPath::detect`] chooses.
    ///
    /// # Errors
    /// Shapes that no network can have, or an `EOS_SIMD` that this machine cannot run.
    pub fn new(spec: NetworkSpec, seed: u64) -> Result<Self, ModelError> {
        Self::on_path(spec, seed, SimdPath::detect()?)
    }

    /// As [`new`](Self::new), on a given instruction path.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on_path(spec: NetworkSpec, seed: u64, path: SimdPath) -> Result<Self, ModelError> {
        spec.check()?;
        let engine = spec.engine(path)?;
        let device = Cpu::default();
        let layers = engine.layers().iter().enumerate();
        let layers = layers
            .map(|(index, layer)| ConvNorm::new(&device, layer, index as u64, seed))
            .collect::<Result<Vec<_>, _>>()?;
        let rng = PhiloxRng::new(seed, stream::INITIALISATION, layers.len() as u64);
        let head = Head::draw(spec.head, spec.classes, engine.embedding_width(), rng);
        Self::assemble(spec, engine, layers, &head)
    }

    /// The same network on another instruction path; results then differ by rounding.
    ///
    /// # Errors
    /// A path that this machine cannot run.
    pub fn with_simd_path(mut self, path: SimdPath) -> Result<Self, ModelError> {
        self.engine = Arc::new(self.spec.engine(path)?);
        Ok(self)
    }

    pub(crate) fn assemble(
        spec: NetworkSpec,
        engine: ResNet,
        layers: Vec<ConvNorm>,
        head: &Head,
    ) -> Result<Self, ModelError> {
        let device = Cpu::default();
        let head = HeadParameters::new(&device, head)?;
        let engine = Arc::new(engine);
        Ok(Self {
            spec,
            device,
            engine,
            layers,
            head,
        })
    }

    /// What fixes its shapes.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Trainable parameters; running statistics do not count.
    pub fn parameters(&self) -> usize {
        let named = parameters(&self.engine, &self.spec);
        named.iter().map(|(_, values)| values).sum()
    }

    /// Values in an embedding, D.
    pub fn embedding_width(&self) -> usize {
        self.engine.embedding_width()
    }

    /// The instruction path: "avx512", "avx2" or "portable".
    pub fn simd_path(&self) -> String {
        self.engine.path().to_string()
    }

    /// Embeddings `[N, D]` of images `[N, C, H, W]` in evaluation mode.
    ///
    /// # Errors
    /// [`ModelError::Length`] where the values are no whole images.
    pub fn embed(&self, images: &[f32]) -> Result<Vec<f32>, ModelError> {
        let size = self.spec.image_len();
        if images.is_empty() || !images.len().is_multiple_of(size) {
            return Err(ModelError::Length {
                what: "images",
                got: images.len(),
                wanted: format!("one or more images of {size} values"),
            });
        }
        let values: Vec<Values> = self.layers.iter().map(ConvNorm::values).collect();
        let params: Vec<_> = values.iter().map(Values::params).collect();
        let running: Vec<_> = values.iter().map(Values::running).collect();
        let mut embeddings = Vec::with_capacity(images.len() / size * self.embedding_width());
        for batch in images.chunks(EMBED_BATCH * size) {
            let n = batch.len() / size;
            embeddings.extend(self.engine.embed(batch, n, &params, &running)?);
        }
        Ok(embeddings)
    }

    /// A copy of the head.
    pub fn head(&self) -> Head {
        self.head.head()
    }

    /// Puts a head on the network, which may be of another kind than the one it had.
    ///
    /// # Errors
    /// [`ModelError::Length`] where its classes or dimensions are not the network's.
    pub fn set_head(&mut self, head: &Head) -> Result<(), ModelError> {
        head.check()?;
        let (classes, dims) = (self.spec.classes, self.embedding_width());
        if (head.classes, head.dims) != (classes, dims) {
            return Err(ModelError::Length {
                what: "head weight",
                got: head.weight.len(),
                wanted: format!("{classes} classes × {dims} dimensions"),
            });
        }
        self.head = HeadParameters::new(&self.device, head)?;
        self.spec.head = head.kind;
        Ok(())
    }
}
