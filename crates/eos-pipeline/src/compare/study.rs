//! The whole comparison: refuse what cannot be, make what is missing, put it together.

use super::apply::{self, Means, does_not_apply, no_validation};
use super::folder;
use super::ground::Ground;
use super::method::{BuiltIn, Method, Place};
use super::outcome::{Cost, Outcome, Setting, cell};
use super::page::Sheet;
use super::summary::{self, ComparisonSummary, Skipped};
use super::{Comparison, Given, LossSpec, Source, page, pixel, suggest, table};
use crate::checkpoint::head_checkpoint;
use crate::folder::{RunFolder, SUMMARY};
use crate::log::Log;
use crate::runner::json;
use crate::source::{Images, load_data};
use crate::{Config, Error, Event, Observer};
use eos_model::HeadKind;
use eos_registry::{Discovery, Plugin, Registry};
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

/// The configuration that all results of a folder have in common.
fn shared(config: &Config) -> Config {
    let mut config = config.clone();
    let own = Config::of_data(config.data.clone());
    config.model.loss = own.model.loss;
    config.train.class_weights = own.train.class_weights;
    config.run.seed = own.run.seed;
    let (wanted, registry) = (config.oversample.wanted, config.oversample.registry);
    config.oversample = own.oversample;
    (config.oversample.wanted, config.oversample.registry) = (wanted, registry);
    config
}

/// Each loss's name and configuration.
fn configurations(comparison: &Comparison) -> Result<Vec<(String, Config)>, Error> {
    let with = |loss: &LossSpec| {
        let config = loss.apply(&comparison.config);
        config.checked(&format!("loss '{loss}'"))?;
        Ok((loss.to_string(), config))
    };
    comparison.losses.iter().map(with).collect()
}

/// Every plugin that is named, its parameters checked.
fn load_plugins(comparison: &Comparison) -> Result<BTreeMap<String, Plugin>, Error> {
    let registry = Registry::discover(&Discovery {
        explicit: comparison.run.registry.clone(),
        configured: comparison.config.oversample.registry.clone(),
        locked: comparison.run.locked,
    })?;
    let mut plugins = BTreeMap::new();
    for method in &comparison.methods {
        let Some(id) = method.plugin() else { continue };
        if !plugins.contains_key(id) {
            let listed: Vec<String> = registry
                .list()
                .into_iter()
                .map(|plugin| plugin.id)
                .collect();
            // Without any plugin, loading tells where registries were looked for.
            if !listed.is_empty() && !listed.iter().any(|known| known == id) {
                let mut names: Vec<&str> = BuiltIn::names().collect();
                names.extend(listed.iter().map(String::as_str));
                let near = suggest::nearest(id, names.iter().copied());
                return Err(Error::Request(format!(
                    "there is no method '{id}'{near}; there are {}",
                    names.join(", ")
                )));
            }
            plugins.insert(id.to_owned(), registry.load(id)?);
        }
        if method.built_in().is_none() {
            for candidate in method.candidates() {
                plugins[id].resolve(&candidate.params)?;
            }
        }
    }
    Ok(plugins)
}

/// Refuses what cannot be before anything is trained.
fn check(comparison: &Comparison, configs: &[(String, Config)]) -> Result<(), Error> {
    for (what, none) in [
        ("method", comparison.methods.is_empty()),
        ("loss", configs.is_empty()),
        ("seed", comparison.seeds.is_empty()),
    ] {
        if none {
            return Err(Error::Request(format!(
                "there is no {what} to compare; name one or more"
            )));
        }
    }
    for method in comparison.methods.iter().filter(|m| m.built_in().is_some()) {
        for candidate in method.candidates() {
            match method.built_in() {
                Some(BuiltIn::LogitAdjusted | BuiltIn::TauNorm) => {
                    candidate.param::<f64>("tau")?;
                }
                Some(BuiltIn::DeepSmote) => {
                    candidate.param::<usize>("epochs")?;
                    candidate.param::<usize>("latent")?;
                }
                Some(BuiltIn::Reweighted) => {
                    candidate.param::<eos_model::ClassWeights>("weights")?;
                }
                _ => {}
            }
        }
    }
    let choosing = comparison.methods.iter().find(|m| !m.choices.is_empty());
    if let Some(method) = choosing.filter(|m| m.place == Place::Pixel) {
        return Err(Error::Request(format!(
            "method '{method}' would train a network for each of its values; list them in brackets instead, for a \
             line each"
        )));
    }
    match &comparison.source {
        Source::Embeddings(given) => {
            if let Some(method) = comparison.methods.iter().find(|m| m.place == Place::Pixel) {
                return Err(Error::Request(format!(
                    "method '{method}' adds images, and embeddings are given; give a configuration with images"
                )));
            }
            if let Some(method) = choosing.filter(|_| given.validation.is_none()) {
                return Err(no_validation(method));
            }
            let needs = |m: &&Method| {
                use BuiltIn::{AsTrained, LogitAdjusted, TauNorm};
                matches!(m.built_in(), Some(AsTrained | LogitAdjusted | TauNorm))
            };
            if let Some(method) = comparison.methods.iter().find(needs)
                && given.head.is_none()
            {
                return Err(Error::Request(format!(
                    "method '{method}' starts from the head of phase one; give it with --head"
                )));
            }
        }
        Source::Images => {
            // Also reads the images once before anything is trained on them.
            let images = load_data(&comparison.config)?;
            if let Some(method) = choosing.filter(|_| images.choosing().is_none()) {
                return Err(no_validation(method));
            }
        }
    }
    Ok(())
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
        for note in &balanced.notes {
            apply::generator(&mut outcome.cost, note);
        }
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
