//! The three phases, each usable alone.

use crate::balanced::WINDOW;
use crate::config::{Select, Train};
use crate::metrics::Confusion;
use crate::source::Images;
use crate::summary::EpochRow;
use crate::{Config, Error, Event, Observer};
use eos_data::{Augmentation, BatchOptions, Batches, Embeddings, ImageSet, Normalization};
use eos_model::{
    Head, HeadData, HeadTraining, Mixed, Network, NetworkSpec, Objective, Targets, Trainer,
    train_head,
};
use eos_registry::{Plan, Plugin, Request, Services};
use eos_tensor::{Backend, Rows};
use std::sync::Arc;
use std::time::Instant;

/// Images that are embedded at a time.
const EVALUATION_BATCH: usize = 256;
/// Threads that prepare batches ahead of training.
const LOADERS: usize = 1;

/// A trained network and how it got there.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Of the kept epoch.
    pub network: Network,
    /// From 1.
    pub kept_epoch: usize,
    /// One row an epoch.
    pub epochs: Vec<EpochRow>,
}

/// The shapes of the network for these images.
pub fn network_spec(config: &Config, set: &ImageSet) -> NetworkSpec {
    let shape = set.shape();
    NetworkSpec {
        arch: config.model.arch,
        channels: shape.channels,
        height: shape.height,
        width: shape.width,
        classes: set.classes().len(),
        width_factor: config.model.width_factor,
        head: config.head_kind(),
    }
}

/// Phase one: trains a fresh network end to end.
///
/// # Errors
/// [`Error::Interrupted`] between steps, and what the network refuses.
pub fn train(
    config: &Config,
    images: &Images,
    observer: &mut dyn Observer,
) -> Result<Trained, Error> {
    let recipe = &config.train;
    let network = Network::new(network_spec(config, &images.train), config.run.seed)?;
    let mut trainer = Trainer::new(network, config.sgd())?;
    let counts = images.train.class_counts();
    let head = trainer.network().spec().head;
    let options = BatchOptions {
        batch: recipe.batch,
        augmentation: Augmentation {
            crop_padding: recipe.crop_padding,
            flip: recipe.flip,
            cutout: recipe.cutout,
        },
        class_weights: config.sampling_weights(&counts)?,
        mixup: recipe.mixup,
        normalization: images.normalization.clone(),
        seed: config.run.seed,
        threads: LOADERS,
        prefetch: 4,
    };
    let judged = match config.run.select {
        Select::Auto | Select::Last => None,
        Select::Validation => images.validation.as_ref(),
        Select::Test => Some(&images.test),
    };
    let mut epochs = Vec::new();
    let mut best: Option<(f64, usize, Network)> = None;
    let start = Instant::now();
    for epoch in 0..recipe.epochs {
        let began = Instant::now();
        let objective = Objective::new(&config.loss_options(epoch), &counts, head)?;
        let mut pass = Pass::new(config, epoch);
        pass.run(&mut trainer, &objective, images, &options, observer)?;
        let bac = judged.map(|set| judge(trainer.network(), set, &images.normalization));
        let bac = bac.transpose()?;
        if let Some(bac) = bac
            && best.as_ref().is_none_or(|(most, ..)| bac > *most)
        {
            best = Some((bac, epoch + 1, trainer.network().clone()));
        }
        let seconds = began.elapsed().as_secs_f64();
        let n = images.train.len() as f64;
        let (loss, train_accuracy) = (pass.loss / n, pass.correct as f64 / n);
        epochs.push(EpochRow {
            epoch: epoch + 1,
            loss,
            train_accuracy,
            validation_bac: bac,
            seconds,
        });
        let (done, left) = ((epoch + 1) as f64, (recipe.epochs - epoch - 1) as f64);
        observer.event(&Event::Epoch {
            epoch: epoch + 1,
            epochs: recipe.epochs,
            loss,
            learning_rate: pass.learning_rate,
            train_accuracy,
            validation_bac: bac,
            images_per_second: n / seconds,
            seconds_left: start.elapsed().as_secs_f64() / done * left,
        });
    }
    let (network, kept_epoch) = match best {
        Some((_, epoch, network)) => (network, epoch),
        None => (trainer.into_network(), recipe.epochs),
    };
    Ok(Trained {
        network,
        kept_epoch,
        epochs,
    })
}

/// One epoch, and what it came to.
struct Pass<'a> {
    recipe: &'a Train,
    epoch: usize,
    loss: f64,
    correct: usize,
    learning_rate: f64,
}

impl<'a> Pass<'a> {
    fn new(config: &'a Config, epoch: usize) -> Self {
        Self {
            recipe: &config.train,
            epoch,
            loss: 0.0,
            correct: 0,
            learning_rate: 0.0,
        }
    }

    fn run(
        &mut self,
        trainer: &mut Trainer,
        objective: &Objective,
        images: &Images,
        options: &BatchOptions,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let recipe = self.recipe;
        let batches = Batches::epoch(&images.train, self.epoch, options)?;
        let steps = Batches::count(&batches);
        for (step, batch) in batches.enumerate() {
            if observer.cancelled() {
                return Err(Error::Interrupted);
            }
            let position = self.epoch as f64 + step as f64 / steps as f64;
            let rate = recipe
                .schedule
                .learning_rate(recipe.learning_rate, position, recipe.epochs);
            let targets = Targets {
                labels: &batch.labels,
                mixed: batch.mixed.as_ref().map(|with| Mixed {
                    labels: &with.labels,
                    share: with.share,
                }),
            };
            let done = trainer.step(&batch.images, targets, objective, rate)?;
            self.loss += f64::from(done.loss) * batch.labels.len() as f64;
            self.correct += done.correct;
            self.learning_rate = rate;
            observer.event(&Event::Progress {
                done: step as u64 + 1,
                total: steps as u64,
            });
        }
        Ok(())
    }
}

/// Mean recall of the network's own head.
fn judge(network: &Network, set: &Arc<ImageSet>, norm: &Normalization) -> Result<f64, Error> {
    let rows = embed(network, set, norm, &mut ())?;
    let classes = set.classes().len();
    Ok(Confusion::new(set.labels(), &network.head().predict(&rows)?, classes).bac())
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

/// Phase three: a head on balanced rows.
///
/// # Errors
/// [`Error::Interrupted`] between epochs, and what training refuses.
pub fn finetune(
    options: &HeadTraining,
    data: HeadData<'_>,
    observer: &mut dyn Observer,
) -> Result<Head, Error> {
    let mut stopped = false;
    let head = train_head(data, options, &mut |epoch| {
        let (done, total) = (epoch.epoch as u64, options.epochs as u64);
        observer.event(&Event::Progress { done, total });
        stopped = observer.cancelled();
        !stopped
    })?;
    if stopped {
        Err(Error::Interrupted)
    } else {
        Ok(head)
    }
}
