//! A run's configuration: TOML in, checked once.

mod read;
mod recipe;

pub use read::{key_value, value};

use crate::Device;
use crate::wanted::Wanted;
use eos_data::{Format, Imbalance};
use eos_model::{
    Arch, ClassWeights, Decay, HeadKind, HeadTraining, Loss, LossOptions, Schedule, SgdOptions,
};
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
    /// What the report shows beside what it always does.
    #[serde(default)]
    pub report: Report,
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
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Model {
    /// Architecture.
    pub arch: Arch,
    /// Factor of the channels of every layer.
    pub width_factor: usize,
    /// "linear" or "normalised"; the loss's own kind where absent.
    pub head: Option<HeadKind>,
    /// Factor of a normalised head's cosines in the loss.
    pub scale: f64,
    /// Loss of phase one, and of phase three where [`Head::loss`] is absent.
    pub loss: Loss,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            arch: Arch::ResNet32,
            width_factor: 1,
            head: None,
            scale: LossOptions::SCALE,
            loss: Loss::CrossEntropy,
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
    /// Whether a step looks ahead along its velocity.
    pub nesterov: bool,
    /// L2 decay.
    pub weight_decay: f64,
    /// What decays: "all", or "weights" without norms and biases.
    pub decay: Decay,
    /// Largest norm of a step's gradients; none are clipped where absent.
    pub clip_norm: Option<f64>,
    /// Share of a label that goes to all classes alike; the loss's own where absent.
    pub label_smoothing: Option<f64>,
    /// How much each class counts: "none", "inverse" or "effective".
    pub class_weights: ClassWeights,
    /// β of effective numbers, in weights and in sampling.
    pub beta: f64,
    /// Epochs without class weights (deferred re-weighting); with them from the first where absent.
    pub drw_from: Option<usize>,
    /// Black pixels around an image from which a crop of its size is taken; 0 takes no crop.
    pub crop_padding: usize,
    /// Mirror half of the images.
    pub flip: bool,
    /// Side of the square hole cut out of each image; 0 cuts none.
    pub cutout: usize,
    /// α of mixup; 0 mixes no images.
    pub mixup: f64,
    /// Which images an epoch takes.
    pub sampling: Sampling,
}

/// Which images an epoch takes. All but the first draw as many as there are, with replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Every image once.
    #[default]
    Shuffled,
    /// Every class as often.
    Balanced,
    /// Class c in proportion to √n_c.
    SquareRoot,
    /// Images weighted by their class's effective number, as the reference means to.
    Effective,
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
            nesterov: sgd.nesterov,
            weight_decay: sgd.weight_decay,
            decay: sgd.decay,
            clip_norm: sgd.clip_norm,
            label_smoothing: None,
            class_weights: ClassWeights::None,
            beta: ClassWeights::BETA,
            drw_from: None,
            crop_padding: 4,
            flip: true,
            cutout: 0,
            mixup: 0.0,
            sampling: Sampling::Shuffled,
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
    /// Its loss; the network's where absent.
    pub loss: Option<Loss>,
    /// Share of a label that goes to all classes alike; the loss's own where absent.
    pub label_smoothing: Option<f64>,
    /// How much each class counts, by its rows after oversampling.
    pub class_weights: ClassWeights,
    /// τ: measures the trained head with logits − τ ln π too, for the training classes' priors π.
    pub logit_adjustment: Option<f64>,
}

impl Default for Head {
    fn default() -> Self {
        let HeadTraining {
            epochs,
            batch,
            schedule,
            learning_rate,
            ..
        } = HeadTraining::default();
        Self {
            epochs,
            batch,
            schedule,
            learning_rate,
            start: Start::Fresh,
            loss: None,
            label_smoothing: None,
            class_weights: ClassWeights::None,
            logit_adjustment: None,
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
    /// "auto", "cpu", "cuda" or "cuda:N": where neighbours and interpolation run.
    pub device: Device,
    /// Threads; 0 is one a core.
    pub threads: usize,
    /// Which epoch of phase one is kept.
    pub select: Select,
}

/// `[report]`: decides nothing about results; a finished run is drawn again where it differs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// A map by t-SNE beside that of the principal components.
    pub tsne: bool,
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
    /// The defaults for some data.
    pub fn of_data(data: Data) -> Self {
        Self {
            data,
            model: Model::default(),
            train: Train::default(),
            oversample: Oversample::default(),
            head: Head::default(),
            run: Run::default(),
            report: Report::default(),
        }
    }

    /// Every method: those beside first, the chosen one last.
    pub fn methods(&self) -> Vec<&str> {
        let beside = self.oversample.beside.iter().map(String::as_str);
        beside.chain([self.oversample.method.as_str()]).collect()
    }
}
