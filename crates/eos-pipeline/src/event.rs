//! What happens during a run, told to whoever shows it.

use serde::Serialize;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A phase begins.
    Phase {
        /// "train", "embed", "sample", "finetune".
        name: String,
        /// What it works on, in a few words.
        about: String,
    },
    /// An epoch of end-to-end training ended.
    Epoch {
        /// From 1.
        epoch: usize,
        /// In all.
        epochs: usize,
        /// Mean training loss.
        loss: f64,
        /// Learning rate of its last step.
        learning_rate: f64,
        /// Share of training images named correctly, in [0, 1].
        train_accuracy: f64,
        /// Mean recall on the rows held out, in [0, 1], where rows are held out.
        validation_bac: Option<f64>,
        /// Training images a second.
        images_per_second: f64,
        /// Estimate for the epochs to come.
        seconds_left: f64,
    },
    /// Steps within an epoch or a plugin's call.
    Progress {
        /// Done.
        done: u64,
        /// In all; 0 where unknown.
        total: u64,
    },
    /// Worth knowing.
    Note {
        /// One line.
        text: String,
    },
    /// Worth acting on.
    Warning {
        /// One line.
        text: String,
    },
}

/// Is told of events, and may ask to stop.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// Whether to stop as soon as possible.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Hears everything and does nothing.
impl Observer for () {
    fn event(&mut self, _: &Event) {}
}
