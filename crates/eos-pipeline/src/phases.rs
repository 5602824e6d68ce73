//! The three phases, each usable alone.

use crate::balanced::WINDOW;
use crate::source::Images;
use crate::{Config, Error, Event, Observer};
use eos_data::{Batches, Embeddings, ImageSet, Normalization};
use eos_model::{Head, HeadData, HeadTraining, Network, train_head};
use eos_registry::{Plan, Plugin, Request, Services};
use eos_tensor::{Backend, Rows};
use std::sync::Arc;

pub use crate::training::{Trained, Training, network_spec};

/// Images that are embedded at a time.
const EVALUATION_BATCH: usize = 256;
/// Phase one: trains a fresh network end to end. [`Training`] does it epoch by epoch.
///
/// # Errors
/// [`Error::Interrupted`] between steps, and what the network refuses.
pub fn train(
    config: &Config,
    images: &Images,
    observer: &mut dyn Observer,
) -> Result<Trained, Error> {
    let mut training = Training::new(config, images)?;
    while !training.is_done() {
        training.epoch(observer)?;
    }
    Ok(training.finish())
}

/// Embeddings `[N, D]` of a set, in evaluation mode and without augmentation.
///
/// # Errors
/// [`Error::Interrupted`] between batches.
pub fn embed(
    network: &Network,
    set: &Arc<ImageSet>,
    normalization: &Normalization,
    observer: &mut dyn Observer,
) -> Result<Vec<f32>, Error> {
    let mut rows = Vec::with_capacity(set.len() * network.embedding_width());
    for batch in Batches::in_order(set, EVALUATION_BATCH, normalization)? {
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        rows.extend(network.embed(&batch.images)?);
    }
    Ok(rows)
}

/// Labelled embeddings.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// `[N, D]`.
    pub rows: Rows<'a>,
    /// `[N]`.
    pub labels: &'a [u32],
}

impl<'a> Labelled<'a> {
    /// The rows of embeddings with their class indices.
    pub fn of(embeddings: &'a Embeddings) -> Self {
        Self {
            rows: embeddings.as_rows(),
            labels: embeddings.labels(),
        }
    }
}

/// Phase two: synthetic rows by a plugin, planned and checked; see [`Plan`] for how they are made.
///
/// # Errors
/// What the plugin refuses, [`Error::Interrupted`].
pub fn sample(
    plugin: &Plugin,
    data: Labelled<'_>,
    wanted: &[u64],
    params: &toml::Table,
    seed: u64,
    backend: &dyn Backend,
    observer: &mut dyn Observer,
) -> Result<Plan, Error> {
    let request = Request {
        rows: data.rows,
        labels: data.labels,
        wanted,
        seed,
        params,
    };
    let threads = rayon::current_num_threads() as u32;
    let mut progress = |done, total| {
        observer.event(&Event::Progress { done, total });
        !observer.cancelled()
    };
    let mut services = Services {
        backend,
        threads,
        progress: &mut progress,
    };
    Ok(plugin.plan(&request, &mut services)?)
}

/// Rows and labels with synthetic ones behind them: `[N + M, D]` and `[N + M]`.
///
/// # Errors
/// [`Error::Plugin`] for a recipe whose row leaves f32.
pub fn joined(
    data: Labelled<'_>,
    plan: &Plan,
    backend: &dyn Backend,
) -> Result<(Vec<f32>, Vec<u32>), Error> {
    let mut rows = Vec::with_capacity((data.rows.len() + plan.len()) * data.rows.dims());
    rows.extend_from_slice(data.rows.data());
    plan.windows(data.rows, backend, WINDOW, |window| {
        rows.extend_from_slice(window);
        Ok::<(), Error>(())
    })?;
    Ok((rows, [data.labels, &plan.labels()].concat()))
}

/// Phase three: a head on balanced rows, and its mean loss in each epoch.
///
/// # Errors
/// [`Error::Interrupted`] between epochs, and what training refuses.
pub fn finetune(
    options: &HeadTraining,
    data: HeadData<'_>,
    observer: &mut dyn Observer,
) -> Result<(Head, Vec<f32>), Error> {
    let mut stopped = false;
    let mut losses = Vec::with_capacity(options.epochs);
    let head = train_head(data, options, &mut |epoch| {
        losses.push(epoch.loss);
        let (done, total) = (epoch.epoch as u64, options.epochs as u64);
        observer.event(&Event::Progress { done, total });
        stopped = observer.cancelled();
        !stopped
    })?;
    if stopped {
        Err(Error::Interrupted)
    } else {
        Ok((head, losses))
    }
}
