//! A run's configuration: TOML in, checked once.

mod read;

pub use read::{key_value, value};

use crate::wanted::Wanted;
use eos_data::{Format, Imbalance};
use eos_model::{Arch, HeadTraining, Schedule, SgdOptions};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that fixes a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where images come from.
    pub data: Data,
    /// The network.
    #[serde(default)]
    pub model: Model,
    /// Phase one.
    #[serde(default)]
    pub train: Train,
    /// Phase two.
    #[serde(default)]
    pub oversample: Oversample,
    /// Phase three.
    #[serde(default)]
    pub head: Head,
    /// What holds for the whole run.
    #[serde(default)]
    pub run: Run,
}

/// `[data]`: an embedded set by name, or paths.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// "fashion-mnist-lt", the embedded set.
    pub set: Option<String>,
    /// Folder or file of training images.
    pub train: Option<PathBuf>,
    /// Folder or file of test images; without it the metrics are on the validation rows.
    pub test: Option<PathBuf>,
    /// Guessed from the content where absent.
    pub format: Option<Format>,
    /// Height and width that a folder's images are resized to.
    pub size: Option<[usize; 2]>,
    /// Fewer rows of the later classes.
    pub imbalance: Option<Imbalance>,
    /// Mean of each channel, of pixels / 255; measured from the training images where absent.
    pub mean: Option<Vec<f32>>,
    /// Deviation of each channel.
    pub deviation: Option<Vec<f32>>,
}

/// `[model]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// Architecture.
    pub arch: Arch,
    /// Loss of phases one and three.
    pub loss: Loss,
}

/// The losses there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Cross entropy.
    Ce,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            arch: Arch::ResNet32,
            loss: Loss::Ce,
        }
    }
}

/// `[train]`: the paper's recipe where nothing is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Train {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a step.
    pub batch: usize,
    /// Course of the learning rate.
    pub schedule: Schedule,
    /// Its peak.
    pub learning_rate: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// L2 decay.
    pub weight_decay: f64,
    /// Black pixels around an image from which a crop of its size is taken; 0 takes no crop.
    pub crop_padding: usize,
    /// Mirror half of the images.
    pub flip: bool,
}

impl Default for Train {
    fn default() -> Self {
        let sgd = SgdOptions::default();
        Self {
            epochs: 200,
            batch: 128,
            schedule: Schedule::Reference,
            learning_rate: 0.1,
            momentum: sgd.momentum,
            weight_decay: sgd.weight_decay,
            crop_padding: 4,
            flip: true,
        }
    }
}

/// `[oversample]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oversample {
    /// Id of the plugin.
    pub method: String,
    /// Its parameters.
    pub params: toml::Table,
    /// Sizes of the classes afterwards.
    pub wanted: Wanted,
    /// Further plugins, with their defaults, on the same embeddings and with the same head recipe.
    pub beside: Vec<String>,
    /// Registry to look in first.
    pub registry: Option<PathBuf>,
}

impl Default for Oversample {
    fn default() -> Self {
        Self {
            method: "eos".to_owned(),
            params: toml::Table::new(),
            wanted: Wanted::default(),
            beside: Vec::new(),
            registry: None,
        }
    }
}

/// `[head]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Head {
    /// Passes over the balanced embeddings.
    pub epochs: usize,
    /// Rows in a step.
    pub batch: usize,
    /// Course of the learning rate.
    pub schedule: Schedule,
    /// Its peak.
    pub learning_rate: f64,
    /// Fresh weights, or the trained head's.
    pub start: Start,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 128,
            schedule: Schedule::Cosine { warmup_epochs: 0.0 },
            learning_rate: 0.1,
            start: Start::Fresh,
        }
    }
}

/// Where a head's weights begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At random.
    Fresh,
    /// At those of the network as trained.
    Trained,
}

/// `[run]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Of everything random.
    pub seed: u64,
    /// "auto" or "cpu": where neighbours and interpolation run.
    pub device: Device,
    /// Threads; 0 is one a core.
    pub threads: usize,
    /// Which epoch of phase one is kept.
    pub select: Select,
}

/// Where the batched operations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The best there is.
    #[default]
    Auto,
    /// The processor.
    Cpu,
}

/// Which epoch of phase one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// By validation rows where a tenth of every class is at least ten rows, or where there is no
    /// test set; else the last.
    #[default]
    Auto,
    /// The last one; no rows are held out.
    Last,
    /// The best by mean recall on a tenth of the training rows.
    Validation,
    /// The best on the test set, as the reference does: for comparison with published figures only.
    Test,
}

impl Config {
    /// How heads are trained; `trained` is the head of phase one.
    pub fn head_training(&self, trained: &eos_model::Head) -> HeadTraining {
        HeadTraining {
            epochs: self.head.epochs,
            batch: self.head.batch,
            schedule: self.head.schedule,
            learning_rate: self.head.learning_rate,
            sgd: self.sgd(),
            seed: self.run.seed,
            start: (self.head.start == Start::Trained).then(|| trained.clone()),
        }
    }

    /// The optimizer of both training phases.
    pub fn sgd(&self) -> SgdOptions {
        SgdOptions {
            momentum: self.train.momentum,
            weight_decay: self.train.weight_decay,
        }
    }

    /// Every method: those beside first, the chosen one last.
    pub fn methods(&self) -> Vec<&str> {
        let beside = self.oversample.beside.iter().map(String::as_str);
        beside.chain([self.oversample.method.as_str()]).collect()
    }
}
