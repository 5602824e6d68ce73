//! A whole run: the three phases, measured once, in a folder.

use crate::folder::{RunFolder, SUMMARY};
use crate::phases::{self, Labelled, Trained};
use crate::source::{Images, load_data};
use crate::summary::{EpochRow, MethodSummary, Summary};
use crate::{Config, Error, Event, Observer, gap::gap, metrics::Confusion, plot, report};
use eos_model::{Head, HeadData, Network};
use eos_registry::{Discovery, Plugin, Registry, Synthetic};
use eos_tensor::Rows;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

/// Where a run lives.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The run's folder.
    pub folder: PathBuf,
    /// Moves a run that is there aside instead of refusing.
    pub fresh: bool,
    /// Registry to look in before any other.
    pub registry: Option<PathBuf>,
}

const WEIGHTS: &str = "phase1/network.safetensors";
const HISTORY: &str = "phase1/history.json";

/// Trains, oversamples and fine-tunes; writes the run folder and returns its summary.
///
/// Phase one of an interrupted run with the same configuration is taken from its checkpoint.
///
/// # Errors
/// Any [`Error`]; what was finished before stays.
pub fn run(
    config: &Config,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Summary, Error> {
    match config.run.threads {
        0 => Runner {
            config,
            options,
            observer,
        }
        .run(),
        threads => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|e| Error::Request(format!("run.threads = {threads}: {e}")))?;
            pool.install(|| {
                Runner {
                    config,
                    options,
                    observer,
                }
                .run()
            })
        }
    }
}

struct Runner<'a> {
    config: &'a Config,
    options: &'a RunOptions,
    observer: &'a mut dyn Observer,
}

/// Embeddings of both sides and who they belong to.
struct Embedded {
    train: Vec<f32>,
    test: Vec<f32>,
    dims: usize,
}

#[derive(Serialize, Deserialize)]
struct History {
    kept_epoch: usize,
    epochs: Vec<EpochRow>,
}

impl Runner<'_> {
    fn run(mut self) -> Result<Summary, Error> {
        // Everything that can be refused is refused before anything is trained.
        let plugins = self.plugins()?;
        let images = load_data(self.config)?;
        let counts = images.train.class_counts();
        let wanted = self
            .config
            .oversample
            .wanted
            .rows(&counts, images.train.classes())?;
        let folder = RunFolder::open(&self.options.folder, self.config, self.options.fresh)?;
        for text in &images.warnings {
            self.observer.event(&Event::Warning { text: text.clone() });
        }
        let began = Instant::now();
        let trained = self.trained(&folder, &images)?;
        let train_seconds = began.elapsed().as_secs_f64();
        let embedded = self.embedded(&trained.network, &images)?;
        let data = Labelled {
            rows: Rows::new(&embedded.train, embedded.dims)?,
            labels: images.train.labels(),
        };
        let mut network = trained.network.clone();
        let own = network.head();
        let mut methods = vec![measure("as trained", &own, data, &embedded, &images)?];
        for plugin in &plugins {
            let chosen = plugin.id() == self.config.oversample.method;
            let (head, summary) = self.method(
                plugin, chosen, &wanted, data, &embedded, &images, &own, &folder,
            )?;
            if chosen {
                network.set_head(&head)?;
            }
            methods.push(summary);
        }
        folder.write("phase3/network.safetensors", &network.to_safetensors()?)?;
        let summary = Summary {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            classes: images.train.classes().to_vec(),
            train_counts: counts,
            measured_on: images.measured_on.to_owned(),
            test_rows: images.test.len(),
            network: network.spec().to_string(),
            parameters: network.parameters(),
            simd_path: network.simd_path(),
            device: "cpu".to_owned(),
            seed: self.config.run.seed,
            kept_epoch: trained.kept_epoch,
            train_seconds,
            epochs: trained.epochs,
            methods,
        };
        self.write_results(&folder, &summary)?;
        Ok(summary)
    }

    fn plugins(&self) -> Result<Vec<Plugin>, Error> {
        let registry = Registry::discover(&Discovery {
            explicit: self.options.registry.clone(),
            configured: self.config.oversample.registry.clone(),
        })?;
        let methods = self.config.methods();
        let plugins: Vec<Plugin> = methods
            .iter()
            .map(|id| registry.load(id))
            .collect::<Result<_, _>>()?;
        let chosen = plugins.last().expect("a configuration names a method");
        chosen.resolve(&self.config.oversample.params)?;
        Ok(plugins)
    }

    /// The trained network: from its checkpoint, or by training.
    fn trained(&mut self, folder: &RunFolder, images: &Images) -> Result<Trained, Error> {
        let (weights, history) = (folder.path(WEIGHTS), folder.path(HISTORY));
        if let (Ok(bytes), Ok(text)) = (std::fs::read(&weights), std::fs::read(&history)) {
            let spec = phases::network_spec(self.config, &images.train);
            let network = Network::from_safetensors(&bytes, spec)?;
            let history: History = serde_json::from_slice(&text)
                .map_err(|e| Error::io("read", history, std::io::Error::other(e)))?;
            let text = "phase 1 is taken from its checkpoint".to_owned();
            self.observer.event(&Event::Note { text });
            let History { kept_epoch, epochs } = history;
            return Ok(Trained {
                network,
                kept_epoch,
                epochs,
            });
        }
        let spec = phases::network_spec(self.config, &images.train);
        let about = format!(
            "{spec}, {} epochs of {} images",
            self.config.train.epochs,
            images.train.len()
        );
        self.observer.event(&Event::Phase {
            name: "train".to_owned(),
            about,
        });
        let trained = phases::train(self.config, images, self.observer)?;
        folder.write("metrics.csv", metrics_csv(&trained.epochs).as_bytes())?;
        let history = History {
            kept_epoch: trained.kept_epoch,
            epochs: trained.epochs.clone(),
        };
        folder.write(HISTORY, &json(&history))?;
        // Last: its presence says that phase 1 is whole.
        folder.write(WEIGHTS, &trained.network.to_safetensors()?)?;
        Ok(trained)
    }

    fn embedded(&mut self, network: &Network, images: &Images) -> Result<Embedded, Error> {
        let about = format!(
            "{} training and {} {} images",
            images.train.len(),
            images.test.len(),
            images.measured_on
        );
        self.observer.event(&Event::Phase {
            name: "embed".to_owned(),
            about,
        });
        let train = phases::embed(network, &images.train, &images.normalization, self.observer)?;
        let test = phases::embed(network, &images.test, &images.normalization, self.observer)?;
        Ok(Embedded {
            train,
            test,
            dims: network.embedding_width(),
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn method(
        &mut self,
        plugin: &Plugin,
        chosen: bool,
        wanted: &[u64],
        data: Labelled<'_>,
        embedded: &Embedded,
        images: &Images,
        own: &Head,
        folder: &RunFolder,
    ) -> Result<(Head, MethodSummary), Error> {
        let id = plugin.id();
        let about = format!("{id}: {} rows to add", wanted.iter().sum::<u64>());
        self.observer.event(&Event::Phase {
            name: "sample".to_owned(),
            about,
        });
        let none = toml::Table::new();
        let params = if chosen {
            &self.config.oversample.params
        } else {
            &none
        };
        let began = Instant::now();
        let seed = self.config.run.seed;
        let synthetic = phases::sample(plugin, data, wanted, params, seed, self.observer)?;
        let sample_seconds = began.elapsed().as_secs_f64();
        for text in &synthetic.notes {
            self.observer.event(&Event::Note {
                text: format!("{id}: {text}"),
            });
        }
        folder.write(
            &format!("phase2/{id}.csv"),
            recipe_csv(&synthetic).as_bytes(),
        )?;
        let (rows, labels) = phases::joined(data, &synthetic);
        let about = format!("{id}: a head on {} rows", labels.len());
        self.observer.event(&Event::Phase {
            name: "finetune".to_owned(),
            about,
        });
        let began = Instant::now();
        let classes = images.train.classes().len();
        let balanced = HeadData {
            rows: &rows,
            dims: embedded.dims,
            labels: &labels,
            classes,
        };
        let head = phases::finetune(self.config, balanced, own, self.observer)?;
        let head_seconds = began.elapsed().as_secs_f64();
        folder.write(&format!("phase3/{id}.safetensors"), &head.to_safetensors()?)?;
        let grown = Labelled {
            rows: Rows::new(&rows, embedded.dims)?,
            labels: &labels,
        };
        let mut summary = measure(id, &head, grown, embedded, images)?;
        summary.added = synthetic.labels.len();
        (summary.sample_seconds, summary.head_seconds) = (sample_seconds, head_seconds);
        summary.notes = synthetic.notes;
        Ok((head, summary))
    }

    fn write_results(&self, folder: &RunFolder, summary: &Summary) -> Result<(), Error> {
        for (name, svg) in plot::all(summary) {
            folder.write(&format!("plots/{name}.svg"), svg.as_bytes())?;
        }
        let page = report::render(summary, &self.config.to_toml())?;
        folder.write("report.html", page.as_bytes())?;
        folder.write(SUMMARY, &json(summary))
    }
}

/// Scores a head, and the gap of the rows that it was trained on.
fn measure(
    name: &str,
    head: &Head,
    trained_on: Labelled<'_>,
    embedded: &Embedded,
    images: &Images,
) -> Result<MethodSummary, Error> {
    let classes = images.train.classes().len();
    let labels = images.test.labels();
    let confusion = Confusion::new(labels, &head.predict(&embedded.test)?, classes);
    let test = Rows::new(&embedded.test, embedded.dims)?;
    Ok(MethodSummary {
        name: name.to_owned(),
        added: 0,
        recall: confusion.recall(),
        bac: confusion.bac(),
        g_mean: confusion.g_mean(),
        g_mean_macro: confusion.g_mean_macro(),
        macro_f1: confusion.macro_f1(),
        gap: gap(trained_on.rows, trained_on.labels, test, labels, classes),
        confusion,
        head_norms: head.weight_norms(),
        sample_seconds: 0.0,
        head_seconds: 0.0,
        notes: Vec::new(),
    })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("figures and names are JSON");
    bytes.push(b'\n');
    bytes
}

fn metrics_csv(epochs: &[EpochRow]) -> String {
    let mut text = "epoch,loss,train_accuracy,validation_bac,seconds\n".to_owned();
    for e in epochs {
        let bac = e
            .validation_bac
            .map_or(String::new(), |bac| bac.to_string());
        let _ = writeln!(
            text,
            "{},{},{},{bac},{:.3}",
            e.epoch, e.loss, e.train_accuracy, e.seconds
        );
    }
    text
}

/// How each synthetic row was made; for a plugin that makes rows itself, its label alone.
fn recipe_csv(synthetic: &Synthetic) -> String {
    let mut text = "label,base,from,neighbour,ratio\n".to_owned();
    match &synthetic.recipe {
        Some(recipe) => {
            for r in recipe {
                let _ = writeln!(
                    text,
                    "{},{},{},{},{}",
                    r.label, r.base, r.from, r.to, r.ratio
                );
            }
        }
        None => {
            for label in &synthetic.labels {
                let _ = writeln!(text, "{label},-1,-1,-1,NaN");
            }
        }
    }
    text
}
