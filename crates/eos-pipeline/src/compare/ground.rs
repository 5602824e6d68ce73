//! What all methods of a loss and a seed stand on: embeddings, and the network that they are of.

use super::outcome::{Cost, Setting};
use crate::folder::{Existing, RunFolder};
use crate::heads::Stage;
use crate::log::Log;
use crate::runner::{Runner, WEIGHTS, json};
use crate::source::Images;
use crate::{Config, Error, Observer, memory, phases};
use eos_data::{Embeddings, Labels};
use eos_model::Head;
use eos_tensor::Backend;

/// The most memory that training a network took, in the network's folder.
const MEMORY: &str = "phase1/peak_memory.json";

/// Embeddings of one network.
pub(crate) struct Ground {
    pub config: Config,
    pub train: Embeddings,
    /// Rows measured on.
    pub test: Embeddings,
    /// Rows that choose parameters: neither trained nor measured on.
    pub validation: Option<Embeddings>,
    /// The head of phase one, where it is known.
    pub own: Option<Head>,
    /// Rows to add to each class, `[C]`.
    pub wanted: Vec<u64>,
    pub setting: Setting,
    /// What the network took.
    pub cost: Cost,
}

impl Ground {
    /// What methods start from when they are measured on `test`.
    pub fn stage<'a>(&'a self, test: &'a Embeddings, backend: &'a dyn Backend) -> Stage<'a> {
        Stage {
            config: &self.config,
            train: &self.train,
            test,
            own: self.own.as_ref(),
            wanted: &self.wanted,
            backend,
        }
    }

    /// Trains a network on images, or takes up where an earlier command has left it, in a folder of its own that is a
    /// run's without its later phases.
    pub fn of_images(
        config: &Config,
        images: &Images,
        folder: &std::path::Path,
        backend: &dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<Self, Error> {
        let config = images.resolve(config);
        let folder = RunFolder::open(folder, &config, Existing::GoOn)?;
        let mut log = Log::open(&folder.path("events.jsonl"), observer)?;
        let there = folder.read(WEIGHTS)?.is_some();
        memory::forget_peak();
        let mut runner = Runner {
            config: &config,
            folder: &folder,
            images,
            backend,
            observer: &mut log,
        };
        let trained = runner.trained()?;
        if !there {
            folder.write(MEMORY, &json(&memory::peak()))?;
        }
        let network = &trained.network;
        let (train, test) = runner.embedded(network)?;
        let mut validation = None;
        if let Some(held) = images.choosing() {
            let rows = phases::embed(network, held, &images.normalization, &mut log)?;
            let (dims, labels) = (network.embedding_width(), held.labels().to_vec());
            let classes = Labels::indices(held.classes().len());
            validation = Some(Embeddings::new(rows, dims, labels, classes)?);
        }
        let peak = folder.read(MEMORY)?;
        let steps = images.train.len().div_ceil(config.train.batch);
        let counts = images.train.class_counts();
        Ok(Self {
            wanted: config
                .oversample
                .wanted
                .rows(&counts, images.train.classes())?,
            setting: Setting {
                classes: images.train.classes().to_vec(),
                train_counts: counts,
                measured_on: images.measured_on.to_owned(),
                test_rows: images.test.len(),
                network: network.spec().to_string(),
                simd_path: Some(network.simd_path()),
                device: backend.name().to_owned(),
            },
            cost: Cost {
                network_seconds: trained.epochs.iter().map(|epoch| epoch.seconds).sum(),
                network_parameters: network.parameters(),
                network_steps: trained.epochs.len() * steps,
                peak_memory_bytes: peak
                    .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                    .flatten(),
                ..Cost::default()
            },
            own: Some(network.head()),
            train,
            test,
            validation,
            config,
        })
    }
}
