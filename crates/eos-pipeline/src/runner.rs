//! The phases of a run, each written to its folder as it ends.

use crate::balanced::write_balanced;
use crate::checkpoint::{About, head_checkpoint};
use crate::folder::{RunFolder, SUMMARY};
use crate::heads::{self, Stage, Tuned};
use crate::log::Log;
use crate::memory;
use crate::phases::{self, Trained, Training};
use crate::report::{self, Material};
use crate::saved;
use crate::source::Images;
use crate::summary::{EpochRow, MethodSummary, Summary, metrics_csv};
use crate::{Config, Error, Event, Observer};
use eos_data::{BalancedFiles, Embeddings, Labels, write_embeddings_npz};
use eos_model::{Head, Network};
use eos_registry::Plugin;
use eos_tensor::Backend;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// The network of phase one, in a run's folder.
pub const WEIGHTS: &str = "phase1/network.safetensors";
const HISTORY: &str = "phase1/history.json";

/// A run under way.
pub(crate) struct Runner<'a, 'o> {
    pub config: &'a Config,
    pub folder: &'a RunFolder,
    pub images: &'a Images,
    /// Where neighbours are found and rows are made.
    pub backend: &'a dyn Backend,
    pub observer: &'a mut Log<'o>,
}

/// What phases two and three came to.
pub(crate) struct Heads {
    methods: Vec<MethodSummary>,
    embed_seconds: f64,
    material: Material,
}

#[derive(Serialize, Deserialize)]
struct History {
    kept_epoch: usize,
    epochs: Vec<EpochRow>,
}

impl Runner<'_, '_> {
    fn phase(&mut self, name: &str, about: String) {
        let name = name.to_owned();
        self.observer.event(&Event::Phase { name, about });
    }

    /// The trained network: from its checkpoint, or by training.
    pub fn trained(&mut self) -> Result<Trained, Error> {
        for text in &self.images.warnings {
            self.observer.event(&Event::Warning { text: text.clone() });
        }
        let spec = phases::network_spec(self.config, &self.images.train);
        if let (Some(bytes), Some(text)) = (self.folder.read(WEIGHTS)?, self.folder.read(HISTORY)?)
        {
            let network = Network::from_safetensors(&bytes, spec)?;
            let history: History = serde_json::from_slice(&text).map_err(|e| {
                Error::io("read", self.folder.path(HISTORY), std::io::Error::other(e))
            })?;
            let text = "phase 1 is taken from its checkpoint".to_owned();
            self.observer.event(&Event::Note { text });
            let History { kept_epoch, epochs } = history;
            saved::remove(self.folder)?;
            return Ok(Trained {
                network,
                kept_epoch,
                epochs,
            });
        }
        let (epochs, images) = (self.config.train.epochs, self.images.train.len());
        self.phase(
            "train",
            format!("{spec}, {epochs} epochs of {images} images"),
        );
        let trained = self.train()?;
        let metrics = metrics_csv(&trained.epochs);
        self.folder.write("metrics.csv", metrics.as_bytes())?;
        let history = History {
            kept_epoch: trained.kept_epoch,
            epochs: trained.epochs.clone(),
        };
        self.folder.write(HISTORY, &json(&history))?;
        // Last: its presence says that phase 1 is whole.
        self.checkpoint(WEIGHTS, &trained.network)?;
        saved::remove(self.folder)?;
        Ok(trained)
    }

    /// Trains, from the last epoch that the folder holds on.
    fn train(&mut self) -> Result<Trained, Error> {
        let file = |network: &Network| self.file(network);
        let saved = saved::load(self.folder, self.config, self.images, file)?;
        let mut training = match saved {
            None => Training::new(self.config, self.images)?,
            Some(training) => {
                let text = format!("phase 1 goes on after epoch {}", training.epochs().len());
                self.observer.event(&Event::Note { text });
                if let Some(text) = training.warning() {
                    let text = text.to_owned();
                    self.observer.event(&Event::Warning { text });
                }
                training
            }
        };
        while !training.is_done() {
            training.epoch(self.observer)?;
            saved::save(self.folder, &mut training, |network| self.file(network))?;
        }
        Ok(training.finish())
    }

    /// Writes a network with all that it takes to use it.
    fn checkpoint(&self, name: &str, network: &Network) -> Result<(), Error> {
        self.folder.write(name, &self.file(network)?)
    }

    /// The file of a network with all that it takes to use it.
    fn file(&self, network: &Network) -> Result<Vec<u8>, Error> {
        let about = About {
            spec: *network.spec(),
            classes: self.images.train.classes().to_vec(),
            normalization: self.images.normalization.clone(),
            loss: self.config.model.loss,
        };
        about.checkpoint(network)
    }

    /// Phases two and three: the network as trained, then each method's head, the chosen one last.
    pub fn methods(
        &mut self,
        network: &Network,
        plugins: &[Plugin],
        wanted: &[u64],
    ) -> Result<Heads, Error> {
        let began = Instant::now();
        let (train, test) = self.embedded(network)?;
        let embed_seconds = began.elapsed().as_secs_f64();
        let own = network.head();
        let stage = Stage {
            config: self.config,
            train: &train,
            test: &test,
            own: Some(&own),
            wanted,
            backend: self.backend,
        };
        let mut methods = vec![stage.measure("as trained", &own)?];
        if let Some(tau) = self.config.head.logit_adjustment {
            const NAME: &str = "logit-adjusted";
            let head = own.logit_adjusted(&train.class_counts(), tau)?;
            self.head(NAME, &head, &stage)?;
            methods.push(stage.measure(NAME, &head)?);
        }
        let mut network = network.clone();
        let mut chosen = None;
        for plugin in plugins {
            let Tuned {
                head,
                summary,
                plan,
            } = self.method(plugin, &stage)?;
            if plugin.id() == self.config.oversample.method {
                network.set_head(&head)?;
                chosen = Some((head.predict(test.rows())?, plan));
            }
            methods.push(summary);
        }
        self.checkpoint("phase3/network.safetensors", &network)?;
        let (predicted, plan) = chosen.expect("the chosen method is among the plugins");
        Ok(Heads {
            methods,
            embed_seconds,
            material: Material {
                train,
                test,
                predicted,
                made: plan.into_content(),
            },
        })
    }

    /// Embeddings of the training images and of those measured on.
    pub fn embedded(&mut self, network: &Network) -> Result<(Embeddings, Embeddings), Error> {
        let images = self.images;
        let (train, test, on) = (images.train.len(), images.test.len(), images.measured_on);
        self.phase("embed", format!("{train} training and {test} {on} images"));
        // Numbers, not names: a reader sorts names, and a head's rows are in the network's order.
        let classes = Labels::indices(images.train.classes().len());
        let mut of = |set, file: &str| -> Result<Embeddings, Error> {
            let rows = phases::embed(network, set, &images.normalization, self.observer)?;
            let (dims, labels) = (network.embedding_width(), set.labels().to_vec());
            let embeddings = Embeddings::new(rows, dims, labels, classes.clone())?;
            write_embeddings_npz(&self.folder.path(file), &embeddings)?;
            Ok(embeddings)
        };
        Ok((
            of(&images.train, "phase2/train.npz")?,
            of(&images.test, &format!("phase2/{on}.npz"))?,
        ))
    }

    /// One method's synthetic rows, the head trained on them, and how good it is.
    fn method(&mut self, plugin: &Plugin, stage: &Stage<'_>) -> Result<Tuned, Error> {
        let id = plugin.id();
        let none = toml::Table::new();
        let params = match id == self.config.oversample.method {
            true => &self.config.oversample.params,
            false => &none,
        };
        let tuned = heads::oversampled(stage, plugin, params, self.observer)?;
        write_balanced(
            &BalancedFiles::Npz(self.folder.path(&format!("phase2/{id}.npz"))),
            stage.train,
            &tuned.plan,
            self.backend,
            self.observer,
        )?;
        self.head(id, &tuned.head, stage)?;
        Ok(tuned)
    }

    /// Writes a head of its own.
    fn head(&self, name: &str, head: &Head, stage: &Stage<'_>) -> Result<(), Error> {
        let bytes = head_checkpoint(head, stage.train.label_values().names())?;
        self.folder
            .write(&format!("phase3/{name}.safetensors"), &bytes)
    }

    /// Writes what the run came to. The summary is last: its presence says that the run is whole.
    pub fn finish(&self, trained: Trained, heads: Heads) -> Result<Summary, Error> {
        let (images, network) = (self.images, &trained.network);
        let summary = Summary {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            classes: images.train.classes().to_vec(),
            train_counts: images.train.class_counts(),
            measured_on: images.measured_on.to_owned(),
            test_rows: images.test.len(),
            network: network.spec().to_string(),
            parameters: network.parameters(),
            simd_path: network.simd_path(),
            device: self.backend.name().to_owned(),
            seed: self.config.run.seed,
            kept_epoch: trained.kept_epoch,
            train_seconds: trained.epochs.iter().map(|epoch| epoch.seconds).sum(),
            embed_seconds: heads.embed_seconds,
            peak_memory_bytes: memory::peak(),
            epochs: trained.epochs,
            methods: heads.methods,
        };
        let report = report::report(&summary, self.config, images, &heads.material)?;
        for (name, svg) in report.plots {
            self.folder
                .write(&format!("plots/{name}.svg"), svg.as_bytes())?;
        }
        self.folder.write("report.html", report.page.as_bytes())?;
        self.folder.write(SUMMARY, &json(&summary))?;
        Ok(summary)
    }
}

pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("figures and names are JSON");
    bytes.push(b'\n');
    bytes
}
