//! The whole comparison: refuse what cannot be, make what is missing, put it together.

use super::apply::{self, Means, does_not_apply};
use super::folder;
use super::ground::Ground;
use super::method::{Method, Place};
use super::outcome::{Cost, Outcome, Setting, cell};
use super::page::Sheet;
use super::prepare::{check, configurations, load_plugins, shared};
use super::summary::{self, ComparisonSummary, Skipped};
use super::{Comparison, Given, Source, page, pixel, table};
use crate::checkpoint::head_checkpoint;
use crate::folder::{RunFolder, SUMMARY};
use crate::log::Log;
use crate::runner::json;
use crate::source::{Images, load_data};
use crate::{Config, Error, Event, Observer};
use eos_model::HeadKind;
use eos_registry::Plugin;
use eos_tensor::Backend;
use std::collections::BTreeMap;
use std::time::Instant;

pub(crate) fn run(
    comparison: &Comparison,
    observer: &mut dyn Observer,
) -> Result<ComparisonSummary, Error> {
    let plugins = load_plugins(comparison)?;
    let configs = configurations(comparison)?;
    check(comparison, &configs)?;
    let backend = comparison.config.run.device.open()?;
    let folder = folder::open(
        &shared(&comparison.config),
        &comparison.source,
        &comparison.run,
    )?;
    let mut log = Log::open(&folder.path("events.jsonl"), observer)?;
    let mut study = Study {
        comparison,
        plugins: &plugins,
        folder: &folder,
        backend: &*backend,
        observer: &mut log,
    };
    for (loss, config) in &configs {
        for seed in &comparison.seeds {
            let mut config = config.clone();
            config.run.seed = *seed;
            study.seed(loss, &config)?;
        }
    }
    study.finish(&configs)
}

/// A comparison under way.
struct Study<'a, 'o> {
    comparison: &'a Comparison,
    plugins: &'a BTreeMap<String, Plugin>,
    folder: &'a RunFolder,
    backend: &'a dyn Backend,
    observer: &'a mut Log<'o>,
}

impl Study<'_, '_> {
    fn head_kind(&self, config: &Config) -> HeadKind {
        match &self.comparison.source {
            Source::Images => config.head_kind(),
            Source::Embeddings(given) => given
                .head
                .as_ref()
                .map_or(HeadKind::Linear, |head| head.kind),
        }
    }

    /// Methods that have a meaning for a loss.
    fn applicable(&self, config: &Config) -> Vec<Method> {
        let kind = self.head_kind(config);
        let methods = self.comparison.methods.iter();
        let has_meaning = methods.filter(|m| does_not_apply(m, kind).is_none());
        has_meaning.cloned().collect()
    }

    fn note(&mut self, text: String) {
        self.observer.event(&Event::Note { text });
    }

    /// Makes what is missing for a loss and a seed.
    fn seed(&mut self, loss: &str, config: &Config) -> Result<(), Error> {
        let seed = config.run.seed;
        let mut missing = Vec::new();
        for method in self.applicable(config) {
            if Outcome::read(self.folder, loss, seed, &method)?.is_none() {
                missing.push(method);
            }
        }
        if missing.is_empty() {
            self.note(format!("{loss}, seed {seed}: everything is there"));
            return Ok(());
        }
        let images = match &self.comparison.source {
            Source::Images => Some(load_data(config)?),
            Source::Embeddings(_) => None,
        };
        let (on_pixels, on_embeddings): (Vec<Method>, Vec<Method>) =
            missing.into_iter().partition(|m| m.place == Place::Pixel);
        if !on_embeddings.is_empty() {
            let ground = match (&self.comparison.source, &images) {
                (Source::Embeddings(given), _) => given.ground(config, self.backend)?,
                (_, Some(images)) => self.network(loss, config, images, "backbone")?,
                (_, None) => return Err(Error::Request("there are no images".to_owned())),
            };
            for method in on_embeddings {
                self.method(loss, &method, &ground)?;
            }
        }
        for method in on_pixels {
            if let Some(images) = &images {
                self.pixel_method(loss, &method, config, images)?;
            }
        }
        Ok(())
    }

    /// A network trained, and its embeddings.
    fn network(
        &mut self,
        loss: &str,
        config: &Config,
        images: &Images,
        of: &str,
    ) -> Result<Ground, Error> {
        let seed = config.run.seed;
        self.note(format!("loss {loss}, seed {seed}: {of}"));
        let name = cell(loss, seed, of);
        let folder = self.folder.path(&format!("backbones/{name}"));
        Ground::of_images(config, images, &folder, self.backend, self.observer)
    }

    /// One method on the embeddings.
    fn method(&mut self, loss: &str, method: &Method, ground: &Ground) -> Result<(), Error> {
        self.note(format!("{loss}, seed {}: {method}", ground.config.run.seed));
        let means = Means {
            backend: self.backend,
            plugin: self.plugins.get(&method.name),
        };
        let (outcome, head) = apply::apply(method, ground, &means, self.observer)?;
        self.keep(method, &outcome, &head, ground)
    }

    /// A network of its own on images that a method has balanced.
    fn pixel_method(
        &mut self,
        loss: &str,
        method: &Method,
        config: &Config,
        images: &Images,
    ) -> Result<(), Error> {
        let mut config = config.clone();
        (config.oversample.method, config.oversample.params) =
            (method.name.clone(), method.params.clone());
        crate::memory::forget_peak();
        let began = Instant::now();
        let Some(plugin) = method.plugin().and_then(|id| self.plugins.get(id)) else {
            return Err(Error::Request(format!("method '{method}' adds no images")));
        };
        let means = pixel::Means {
            plugin,
            images,
            config: &config,
            backend: self.backend,
        };
        let balanced = match method.built_in() {
            Some(_) => pixel::deepsmote(&means, method, self.observer)?,
            None => pixel::by_plugin(&means, &method.params, self.observer)?,
        };
        let sample_seconds = began.elapsed().as_secs_f64();
        let peak = crate::memory::peak();
        let name = cell(loss, config.run.seed, &method.slug());
        if let Some(png) = pixel::sheet(&balanced.images.train, images.train.len())? {
            self.folder.write(&format!("images/{name}.png"), &png)?;
        }
        let mut ground = self.network(loss, &config, &balanced.images, &method.slug())?;
        ground.cost.held(peak);
        let means = Means {
            backend: self.backend,
            plugin: None,
        };
        let (mut outcome, head) =
            apply::apply(&method.as_trained(), &ground, &means, self.observer)?;
        outcome.method = method.to_string();
        outcome.cost.sample_seconds = sample_seconds;
        outcome.cost.trained(balanced.trained);
        outcome.setting.train_counts = images.train.class_counts();
        outcome.measured.name = method.to_string();
        outcome.measured.added = balanced.added;
        outcome.measured.sample_seconds = sample_seconds;
        outcome.measured.notes = balanced.notes;
        self.keep(method, &outcome, &head, &ground)
    }

    fn keep(
        &mut self,
        method: &Method,
        outcome: &Outcome,
        head: &eos_model::Head,
        ground: &Ground,
    ) -> Result<(), Error> {
        let name = cell(&outcome.loss, outcome.seed, &method.slug());
        let bytes = head_checkpoint(head, ground.train.label_values().names())?;
        self.folder
            .write(&format!("heads/{name}.safetensors"), &bytes)?;
        outcome.write(self.folder, method)
    }

    /// Pictures of what was added to images, of the first seed.
    fn sheets(&self, configs: &[(String, Config)]) -> Result<Vec<Sheet>, Error> {
        let mut sheets = Vec::new();
        for (loss, _) in configs {
            for method in &self.comparison.methods {
                let name = cell(loss, self.comparison.seeds[0], &method.slug());
                if let Some(file) = self.folder.read(&format!("images/{name}.png"))? {
                    let name = format!("{loss}/{method}");
                    sheets.push(Sheet { name, file });
                }
            }
        }
        Ok(sheets)
    }

    /// Reads everything that was asked for, and writes the tables and the page.
    fn finish(&mut self, configs: &[(String, Config)]) -> Result<ComparisonSummary, Error> {
        let (mut groups, mut skipped) = (Vec::new(), Vec::new());
        for (loss, config) in configs {
            let kind = self.head_kind(config);
            for method in &self.comparison.methods {
                if let Some(why) = does_not_apply(method, kind) {
                    let (loss, method) = (loss.clone(), method.to_string());
                    self.note(format!("{loss}, {method}: left out, since it {why}"));
                    let why = why.to_owned();
                    skipped.push(Skipped { loss, method, why });
                    continue;
                }
                let read = |seed: &u64| {
                    let outcome = Outcome::read(self.folder, loss, *seed, method)?;
                    outcome.ok_or_else(|| {
                        let place = self.folder.path("results");
                        let message =
                            format!("the result of {method} for {loss} is gone; run again");
                        Error::Folder {
                            folder: place,
                            message,
                        }
                    })
                };
                let outcomes: Vec<Outcome> = self
                    .comparison
                    .seeds
                    .iter()
                    .map(read)
                    .collect::<Result<_, _>>()?;
                groups.push(outcomes);
            }
        }
        let baseline = self.comparison.baseline.as_deref();
        let summary = summary::summarise(&groups, baseline, skipped)?;
        let rerun = std::fs::read_to_string(self.folder.path("compare.toml")).unwrap_or_default();
        let (page, plots) = page::page(&summary, &self.sheets(configs)?, &rerun)?;
        for (name, svg) in plots {
            self.folder
                .write(&format!("plots/{name}.svg"), svg.as_bytes())?;
        }
        self.folder
            .write("table.csv", table::csv(&summary).as_bytes())?;
        self.folder
            .write("table.md", table::markdown(&summary).as_bytes())?;
        self.folder.write("compare.html", page.as_bytes())?;
        self.folder.write(SUMMARY, &json(&summary))?;
        Ok(summary)
    }
}

impl Given {
    fn ground(&self, config: &Config, backend: &dyn Backend) -> Result<Ground, Error> {
        let counts = self.train.class_counts();
        let names = self.train.label_values().names();
        Ok(Ground {
            wanted: config.oversample.wanted.rows(&counts, names)?,
            setting: Setting {
                classes: names.to_vec(),
                train_counts: counts,
                measured_on: "test".to_owned(),
                test_rows: self.test.len(),
                network: format!("embeddings of {} values", self.train.dims()),
                simd_path: None,
                device: backend.name().to_owned(),
            },
            cost: Cost {
                peak_memory_bytes: Some(0),
                ..Cost::default()
            },
            own: self.head.clone(),
            train: self.train.clone(),
            test: self.test.clone(),
            validation: self.validation.clone(),
            config: config.clone(),
        })
    }
}
