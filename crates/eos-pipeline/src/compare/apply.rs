//! One method on the embeddings of a network: parameters chosen, a head made, measured once.

use super::built_in::BuiltIn;
use super::ground::Ground;
use super::method::Method;
use super::outcome::{Candidate, Chosen, Cost, Outcome};
use crate::heads::{self, Stage, Tuned};
use crate::metrics::Confusion;
use crate::summary::MethodSummary;
use crate::{Error, Event, Observer, memory, phases};
use eos_data::Embeddings;
use eos_model::{ClassWeights, Head, HeadKind};
use eos_registry::Plugin;
use eos_tensor::Backend;
use std::time::Instant;

/// What a method has to work with.
pub(crate) struct Means<'a> {
    pub backend: &'a dyn Backend,
    /// The method's plugin, where it is one.
    pub plugin: Option<&'a Plugin>,
}

/// Why a method has no meaning on a network's head, if it has none.
pub(crate) fn does_not_apply(method: &Method, head: HeadKind) -> Option<&'static str> {
    match (method.built_in()?, head) {
        (BuiltIn::LogitAdjusted, HeadKind::Normalised) => {
            Some("moves a linear head's bias, and this loss trains a normalised head")
        }
        (BuiltIn::TauNorm, HeadKind::Normalised) => Some(
            "evens out the norms of a linear head, and this loss trains a normalised head, which has none",
        ),
        _ => None,
    }
}

/// Chooses the method's parameters on the validation rows, makes its head, measures it; with the head.
pub(crate) fn apply(
    method: &Method,
    ground: &Ground,
    means: &Means<'_>,
    observer: &mut dyn Observer,
) -> Result<(Outcome, Head), Error> {
    memory::forget_peak();
    let mut cost = ground.cost;
    let (method_itself, chosen) = choose(method, ground, means, &mut cost, observer)?;
    let stage = ground.stage(&ground.test, means.backend);
    let (head, summary) = one(&method_itself, &stage, means, &mut cost, observer)?;
    cost.held(memory::peak());
    let outcome = Outcome {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        loss: super::LossSpec::of(&ground.config).to_string(),
        method: method.to_string(),
        place: method.place,
        seed: ground.config.run.seed,
        setting: ground.setting.clone(),
        chosen,
        cost,
        measured: summary,
        labels: ground.test.labels().to_vec(),
        predicted: head.predict(ground.test.rows())?,
    };
    Ok((outcome, head))
}

/// The candidate that is best on the validation rows, the first of equals.
fn choose(
    method: &Method,
    ground: &Ground,
    means: &Means<'_>,
    cost: &mut Cost,
    observer: &mut dyn Observer,
) -> Result<(Method, Option<Chosen>), Error> {
    let candidates = method.candidates();
    let [only] = &candidates[..] else {
        let held = ground.validation.as_ref();
        let held = held.ok_or_else(|| no_validation(method))?;
        let mut scored = Vec::new();
        for candidate in &candidates {
            let bac = on_validation(candidate, ground, held, means, cost, observer)?;
            let text = format!(
                "{candidate}: balanced accuracy {:.2} on validation rows",
                100.0 * bac
            );
            observer.event(&Event::Note { text });
            scored.push(Candidate {
                method: candidate.to_string(),
                bac,
            });
        }
        let mut best = 0;
        for (at, candidate) in scored.iter().enumerate() {
            if candidate.bac > scored[best].bac {
                best = at;
            }
        }
        let chosen = Chosen {
            method: scored[best].method.clone(),
            candidates: scored,
        };
        return Ok((candidates[best].clone(), Some(chosen)));
    };
    Ok((only.clone(), None))
}

/// What to say where nothing can choose.
pub(crate) fn no_validation(method: &Method) -> Error {
    Error::Request(format!(
        "method '{method}' has several values to choose among, and there are no validation rows: neither training \
         rows nor those measured on may choose. Set run.select = \"validation\" with a test set of its own (or give \
         --validation-x), or list the values in brackets, such as {}:k=[10,50], for a line each",
        method.name
    ))
}

fn on_validation(
    candidate: &Method,
    ground: &Ground,
    held: &Embeddings,
    means: &Means<'_>,
    cost: &mut Cost,
    observer: &mut dyn Observer,
) -> Result<f64, Error> {
    let stage = ground.stage(held, means.backend);
    let (head, _) = one(candidate, &stage, means, cost, observer)?;
    let named = head.predict(held.rows())?;
    Ok(Confusion::new(held.labels(), &named, head.classes).bac())
}

/// A method's head measured on the stage's rows; what it took is added to `cost`.
fn one(
    method: &Method,
    stage: &Stage<'_>,
    means: &Means<'_>,
    cost: &mut Cost,
    observer: &mut dyn Observer,
) -> Result<(Head, MethodSummary), Error> {
    let name = method.to_string();
    let Some(built_in) = method.built_in() else {
        let plugin = means.plugin.ok_or_else(|| {
            Error::Request(format!("method '{name}' is neither built in nor a plugin"))
        })?;
        let Tuned {
            head,
            summary,
            plan,
        } = heads::oversampled(stage, plugin, &method.params, observer)?;
        let rows = stage.train.len() + summary.added;
        cost.sample_seconds += summary.sample_seconds;
        cost.head_seconds += summary.head_seconds;
        trained_head(cost, stage, &head, rows);
        cost.trained(plan.trained());
        return Ok((head, MethodSummary { name, ..summary }));
    };
    let began = Instant::now();
    let mut losses = Vec::new();
    let head = match built_in {
        // The network was trained on images that the method has balanced.
        BuiltIn::AsTrained | BuiltIn::DeepSmote => own(stage, &name)?.clone(),
        BuiltIn::LogitAdjusted => {
            own(stage, &name)?.logit_adjusted(&stage.train.class_counts(), method.param("tau")?)?
        }
        BuiltIn::TauNorm => own(stage, &name)?.tau_normalised(method.param("tau")?)?,
        BuiltIn::NearestMean => Head::nearest_class_mean(all(stage))?,
        BuiltIn::Retrained | BuiltIn::Reweighted => {
            let mut recipe = stage.recipe();
            if built_in == BuiltIn::Reweighted {
                recipe.loss.class_weights = method.param::<ClassWeights>("weights")?;
            }
            let about = format!("{name}: a head on {} rows", stage.train.len());
            heads::phase(observer, "finetune", about);
            let (head, each) = phases::finetune(&recipe, all(stage), observer)?;
            losses = each;
            trained_head(cost, stage, &head, stage.train.len());
            head
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    cost.head_seconds += seconds;
    let mut summary = stage.measure(&name, &head)?;
    summary.head_seconds = seconds;
    summary.head_losses = losses;
    Ok((head, summary))
}

/// The head of phase one.
fn own<'a>(stage: &'a Stage<'_>, name: &str) -> Result<&'a Head, Error> {
    stage.own.ok_or_else(|| {
        Error::Request(format!(
            "method '{name}' starts from the head of phase one; give it with --head"
        ))
    })
}

fn all<'a>(stage: &'a Stage<'_>) -> eos_model::HeadData<'a> {
    stage.data(stage.train.rows(), stage.train.labels())
}

/// A head trained on so many rows.
fn trained_head(cost: &mut Cost, stage: &Stage<'_>, head: &Head, rows: usize) {
    let recipe = &stage.config.head;
    cost.extra_parameters += head.weight.len() + head.bias.len();
    cost.extra_steps += recipe.epochs * rows.div_ceil(recipe.batch);
}
