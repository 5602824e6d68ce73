//! Phase one, epoch by epoch.

use crate::config::{Select, Train};
use crate::metrics::Confusion;
use crate::phases::embed;
use crate::source::Images;
use crate::summary::EpochRow;
use crate::{Config, Error, Event, Observer};
use eos_data::{Augmentation, BatchOptions, Batches, ImageSet, Normalization};
use eos_model::{Mixed, Network, NetworkSpec, Objective, Targets, Trainer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

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

/// Training under way, between two epochs.
///
/// All chance in it is drawn by seed, epoch and position, so that its [state](Self::state) needs no
/// generators: training that goes on from it takes the same steps, bit for bit, on one instruction path.
pub struct Training<'a> {
    config: &'a Config,
    images: &'a Images,
    trainer: Trainer,
    options: BatchOptions,
    /// Training images of each class, `[C]`.
    counts: Vec<usize>,
    epochs: Vec<EpochRow>,
    best: Option<Best>,
    start: Start,
}

/// The epoch that validation likes best so far.
#[derive(Debug, Clone)]
pub struct Best {
    /// Mean recall, in [0, 1].
    pub bac: f64,
    /// From 1.
    pub epoch: usize,
    /// As it was then.
    pub network: Network,
}

/// Where this part of the training began.
struct Start {
    time: Instant,
    epochs: usize,
    /// What there is to say where earlier epochs ran on another instruction path.
    other_path: Option<String>,
}

/// What the state tells beside tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    /// Instruction path of the epochs so far.
    simd_path: String,
    epochs: Vec<EpochRow>,
    /// Mean recall of the best epoch, and which it is.
    best: Option<(f64, usize)>,
}

impl<'a> Training<'a> {
    /// A fresh network, before its first epoch.
    ///
    /// # Errors
    /// What the network, its optimizer or the sampling refuses.
    pub fn new(config: &'a Config, images: &'a Images) -> Result<Self, Error> {
        let network = Network::new(network_spec(config, &images.train), config.run.seed)?;
        let trainer = Trainer::new(network, config.sgd())?;
        Self::with(config, images, trainer, Vec::new(), None)
    }

    /// Training that goes on from its [state](Self::state); `best` is the network of the best epoch, which is
    /// needed where that is not the last.
    ///
    /// # Errors
    /// [`Error::Model`] and [`Error::Request`] where `state` is none of this training.
    pub fn resume(
        config: &'a Config,
        images: &'a Images,
        state: &[u8],
        best: Option<Network>,
    ) -> Result<Self, Error> {
        let spec = network_spec(config, &images.train);
        let trainer = Trainer::from_safetensors(state, spec, config.sgd())?;
        let note = eos_model::note(state)?.unwrap_or_default();
        let progress: Progress = serde_json::from_str(&note)
            .map_err(|e| Error::Request(format!("it does not tell how far training was: {e}")))?;
        let mut chosen = None;
        if let Some((bac, epoch)) = progress.best {
            let network = match epoch == progress.epochs.len() {
                true => Some(trainer.network().clone()),
                false => best,
            };
            let network = network.ok_or_else(|| {
                Error::Request(format!(
                    "the network of epoch {epoch}, its best, is not there"
                ))
            })?;
            chosen = Some(Best {
                bac,
                epoch,
                network,
            });
        }
        let mut training = Self::with(config, images, trainer, progress.epochs, chosen)?;
        let path = training.trainer.network().simd_path();
        if path != progress.simd_path {
            training.start.other_path = Some(format!(
                "phase 1 began on {} and goes on on {path}: it will not have the bits of a run on one of them",
                progress.simd_path
            ));
        }
        Ok(training)
    }

    fn with(
        config: &'a Config,
        images: &'a Images,
        trainer: Trainer,
        epochs: Vec<EpochRow>,
        best: Option<Best>,
    ) -> Result<Self, Error> {
        let recipe = &config.train;
        let counts = images.train.class_counts();
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
        Ok(Self {
            config,
            images,
            trainer,
            options,
            counts,
            start: Start {
                time: Instant::now(),
                epochs: epochs.len(),
                other_path: None,
            },
            epochs,
            best,
        })
    }

    /// Epochs so far.
    pub fn epochs(&self) -> &[EpochRow] {
        &self.epochs
    }

    /// The best epoch so far, where validation chooses.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// What the user ought to know about going on.
    pub fn warning(&self) -> Option<&str> {
        self.start.other_path.as_deref()
    }

    /// Whether no epoch is left.
    pub fn is_done(&self) -> bool {
        self.epochs.len() >= self.config.train.epochs
    }

    /// Trains one more epoch.
    ///
    /// # Errors
    /// [`Error::Interrupted`] between steps, after which this training is between two epochs no more; and
    /// what the network refuses.
    pub fn epoch(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        let (config, images) = (self.config, self.images);
        let (epoch, epochs) = (self.epochs.len(), config.train.epochs);
        let began = Instant::now();
        let trainer = &mut self.trainer;
        let head = trainer.network().spec().head;
        let objective = Objective::new(&config.loss_options(epoch), &self.counts, head)?;
        let mut pass = Pass::new(config, epoch);
        pass.run(trainer, &objective, images, &self.options, observer)?;
        let judged = match config.run.select {
            Select::Auto | Select::Last => None,
            Select::Validation => images.validation.as_ref(),
            Select::Test => Some(&images.test),
        };
        let bac = judged.map(|set| judge(trainer.network(), set, &images.normalization));
        let bac = bac.transpose()?;
        if let Some(bac) = bac
            && self.best.as_ref().is_none_or(|best| bac > best.bac)
        {
            self.best = Some(Best {
                bac,
                epoch: epoch + 1,
                network: trainer.network().clone(),
            });
        }
        let seconds = began.elapsed().as_secs_f64();
        let n = images.train.len() as f64;
        let (loss, train_accuracy) = (pass.loss / n, pass.correct as f64 / n);
        self.epochs.push(EpochRow {
            epoch: epoch + 1,
            loss,
            train_accuracy,
            validation_bac: bac,
            learning_rate: Some(pass.learning_rate),
            seconds,
        });
        let done = (epoch + 1 - self.start.epochs) as f64;
        observer.event(&Event::Epoch {
            epoch: epoch + 1,
            epochs,
            loss,
            learning_rate: pass.learning_rate,
            train_accuracy,
            validation_bac: bac,
            images_per_second: n / seconds,
            seconds_left: self.start.time.elapsed().as_secs_f64() / done
                * (epochs - epoch - 1) as f64,
        });
        Ok(())
    }

    /// All that [`resume`](Self::resume) goes on from, as safetensors bytes: the network with PyTorch's
    /// names, the optimizer's velocities, the epochs so far.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn state(&mut self) -> Result<Vec<u8>, Error> {
        let progress = Progress {
            simd_path: self.trainer.network().simd_path(),
            epochs: self.epochs.clone(),
            best: self.best.as_ref().map(|best| (best.bac, best.epoch)),
        };
        let note = serde_json::to_string(&progress).expect("figures are JSON");
        Ok(self.trainer.to_safetensors(&note)?)
    }

    /// The network of the best epoch, or of the last where nothing chooses.
    pub fn finish(self) -> Trained {
        let last = self.epochs.len();
        let (network, kept_epoch) = match self.best {
            Some(best) => (best.network, best.epoch),
            None => (self.trainer.into_network(), last),
        };
        Trained {
            network,
            kept_epoch,
            epochs: self.epochs,
        }
    }
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
