//! What can go wrong, in words that name what, where, what was wanted and what to do next.

use std::fmt;

use crate::HeadKind;
use dfdx::tensor::CpuError;

/// Why a network could not be built, loaded, run or trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The name is no architecture's.
    #[error("unknown architecture {got:?}; known are {known}")]
    UnknownArch {
        /// The name as given.
        got: String,
        /// Every known name.
        known: String,
    },
    /// A field of a specification or of options holds a number that cannot work.
    #[error("{field} is {got}, wanted {wanted}")]
    Spec {
        /// The field.
        field: &'static str,
        /// Its value.
        got: usize,
        /// What would be accepted.
        wanted: &'static str,
    },
    /// An option is not a number that training can use.
    #[error("{field} is {got}, wanted {wanted}")]
    Option {
        /// The option.
        field: &'static str,
        /// Its value.
        got: f64,
        /// What would be accepted.
        wanted: &'static str,
    },
    /// The rate falls at epochs that are not there, or not in order.
    #[error("the schedule's steps are at {got:?}, wanted epochs rising, from 1 to {last} (training has {epochs})", last = epochs.saturating_sub(1))]
    Steps {
        /// The epochs given.
        got: Vec<usize>,
        /// How many epochs there are.
        epochs: usize,
    },
    /// A slice has the wrong number of values.
    #[error("{what}: {got} values given, wanted {wanted}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        got: usize,
        /// What would be accepted.
        wanted: String,
    },
    /// A label is no class of the network.
    #[error("labels: row {row} has class {label}, but the classes are 0 to {last}", last = classes - 1)]
    Label {
        /// The position in the slice of labels.
        row: usize,
        /// The label found there.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// A pixel of images to generate from is not in range.
    #[error("images: image {image} holds the value {value}, wanted 0 to 1; divide bytes by 255")]
    Pixel {
        /// The position in the slice of images.
        image: usize,
        /// The value found there.
        value: f32,
    },
    /// A class has no rows where weights, margins or priors are made of the classes' sizes.
    #[error("class {class} has no rows, and {what} need one at least of every class")]
    EmptyClass {
        /// Its index.
        class: usize,
        /// What is made of the sizes.
        what: &'static str,
    },
    /// The head to start from is of another kind.
    #[error(
        "the head to start from is {got}, wanted a {wanted} one; choose head \"{got}\", or start afresh"
    )]
    HeadKind {
        /// Its kind.
        got: HeadKind,
        /// The kind that is trained.
        wanted: HeadKind,
    },
    /// Margins are in cosines, which a linear head does not give.
    #[error("loss \"ldam\" needs a normalised head; choose head \"normalised\", or another loss")]
    LinearMargin,
    /// A normalised head has no bias that could be moved.
    #[error(
        "post-hoc logit adjustment moves a linear head's bias, and this head is normalised; train \
         with loss \"logit-adjusted\" instead"
    )]
    Adjustment,
    /// A normalised head's weights have no norms to even out.
    #[error(
        "τ-normalisation evens out the norms of a linear head's weights, and this head is normalised: \
         it already looks at directions alone"
    )]
    Norms,
    /// The loss is NaN or infinite; the parameters are as they were before the step.
    #[error(
        "training diverged: the loss is {loss} at learning rate {learning_rate}; \
         lower the learning rate, or look for NaN or unnormalised values in the input"
    )]
    Diverged {
        /// The loss.
        loss: f32,
        /// The learning rate of the step.
        learning_rate: f64,
    },
    /// The rows to train a head on are unusable.
    #[error("rows: {0}")]
    Rows(#[source] eos_tensor::Error),
    /// The bytes are no safetensors file.
    #[error(
        "{subject}: not a readable safetensors file ({source}); the file may be cut short or of another format"
    )]
    Unreadable {
        /// What was being read.
        subject: String,
        /// The reader's complaint.
        source: safetensors::SafeTensorError,
    },
    /// The tensors could not be put into the safetensors format.
    #[error("{subject}: cannot be written as safetensors: {source}")]
    Unwritable {
        /// What was being written.
        subject: String,
        /// The writer's complaint.
        source: safetensors::SafeTensorError,
    },
    /// The file's tensors are not those that are wanted.
    #[error("the checkpoint does not fit {subject}:{mismatch}")]
    Mismatch {
        /// What was being loaded.
        subject: String,
        /// Every difference.
        mismatch: Box<Mismatch>,
    },
    /// The engine refused its input.
    #[error(transparent)]
    Engine(#[from] eos_engine::Error),
    /// dfdx could not hold a tensor.
    #[error("dfdx: {0}")]
    Device(CpuError),
}

impl From<CpuError> for ModelError {
    fn from(error: CpuError) -> Self {
        Self::Device(error)
    }
}

/// How a checkpoint's tensors differ from the wanted ones; its `Display` lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors that the file lacks, as "name type \[shape\]".
    pub missing: Vec<String>,
    /// Tensors that have no place, as "name type \[shape\]".
    pub unexpected: Vec<String>,
    /// Tensors of another type or shape, as "name is type \[shape\], wanted type \[shape\]".
    pub misshapen: Vec<String>,
    /// Tensors with values that no network can use, as "name: why".
    pub unusable: Vec<String>,
}

impl Mismatch {
    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.misshapen.is_empty()
            && self.unusable.is_empty()
    }

    /// What to do about it, where the cause is a known one.
    fn advice(&self) -> Option<&'static str> {
        let wrapped = |name: &String| name.starts_with("module.");
        if !self.unexpected.is_empty() && self.unexpected.iter().all(wrapped) {
            return Some(
                "the names start with \"module.\": save the inner network's state_dict (model.module.state_dict())",
            );
        }
        if self
            .misshapen
            .iter()
            .any(|line| line.starts_with("linear."))
        {
            return Some("the head has another number of classes: check the classes of the data");
        }
        if self.missing.iter().any(|line| line.starts_with("encoder.")) {
            return Some("it is no generator, or one for images of another size");
        }
        if !self.missing.is_empty() || !self.unexpected.is_empty() {
            return Some(
                "check the architecture's depth, and that the names are those of the reference ResNet's state_dict",
            );
        }
        None
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A wrong depth makes a hundred lines that all say the same.
        const SHOWN: usize = 8;
        for (title, lines) in [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("misshapen", &self.misshapen),
            ("unusable", &self.unusable),
        ] {
            for line in lines.iter().take(SHOWN) {
                write!(f, "\n  {title}: {line}")?;
            }
            if let Some(more) = lines.len().checked_sub(SHOWN + 1) {
                write!(f, "\n  {title}: and {} more", more + 1)?;
            }
        }
        match self.advice() {
            Some(advice) => write!(f, "\n  {advice}"),
            None => Ok(()),
        }
    }
}
