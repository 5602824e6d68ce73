//! What a comparison asks for, made ready, and refused where it cannot be, before anything is trained.

use super::apply::no_validation;
use super::built_in::BuiltIn;
use super::method::{Method, Place};
use super::{Comparison, LossSpec, Source, suggest};
use crate::source::load_data;
use crate::{Config, Error};
use eos_registry::{Discovery, Plugin, Registry};
use std::collections::BTreeMap;

/// The configuration that all results of a folder have in common.
pub(crate) fn shared(config: &Config) -> Config {
    let mut config = config.clone();
    let own = Config::of_data(config.data.clone());
    config.model.loss = own.model.loss;
    config.train.class_weights = own.train.class_weights;
    config.run.seed = own.run.seed;
    config.report = own.report;
    let (wanted, registry) = (config.oversample.wanted, config.oversample.registry);
    config.oversample = own.oversample;
    (config.oversample.wanted, config.oversample.registry) = (wanted, registry);
    config
}

/// Each loss's name and configuration.
pub(crate) fn configurations(comparison: &Comparison) -> Result<Vec<(String, Config)>, Error> {
    let with = |loss: &LossSpec| {
        let config = loss.apply(&comparison.config);
        config.checked(&format!("loss '{loss}'"))?;
        Ok((loss.to_string(), config))
    };
    comparison.losses.iter().map(with).collect()
}

/// Every plugin that is named, its parameters checked.
pub(crate) fn load_plugins(comparison: &Comparison) -> Result<BTreeMap<String, Plugin>, Error> {
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
pub(crate) fn check(comparison: &Comparison, configs: &[(String, Config)]) -> Result<(), Error> {
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
