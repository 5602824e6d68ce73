//! What a run came to: the content of summary.json.

use crate::gap::Gap;
use crate::metrics::{Confusion, Scores};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A finished run. Shares are in [0, 1], times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of `eos`.
    pub version: String,
    /// Class names, `[C]`.
    pub classes: Vec<String>,
    /// Training images of each class, `[C]`.
    pub train_counts: Vec<usize>,
    /// "test" or "validation": the rows that everything was measured on.
    pub measured_on: String,
    /// Rows measured on.
    pub test_rows: usize,
    /// Architecture and shapes.
    pub network: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// Instruction path of training.
    pub simd_path: String,
    /// Where neighbours and interpolation ran.
    pub device: String,
    /// Seed of the run.
    pub seed: u64,
    /// Epoch that was kept, from 1.
    pub kept_epoch: usize,
    /// Seconds of phase one's epochs, whenever they ran.
    pub train_seconds: f64,
    /// Seconds of embedding the images of both sets; 0 where an older version has run.
    #[serde(default)]
    pub embed_seconds: f64,
    /// The most memory that the process has held until the heads were done, in bytes; `None` where the system does
    /// not tell.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// Loss, accuracy and validation BAC of each epoch.
    pub epochs: Vec<EpochRow>,
    /// The network as trained, the methods beside, then the chosen method.
    pub methods: Vec<MethodSummary>,
}

/// One epoch of phase one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// From 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Share of training images named correctly.
    pub train_accuracy: f64,
    /// Mean recall on the rows held out.
    pub validation_bac: Option<f64>,
    /// Learning rate of its last step; `None` where an older version has trained it.
    #[serde(default)]
    pub learning_rate: Option<f64>,
    /// Seconds it took.
    pub seconds: f64,
}

/// What one head came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodSummary {
    /// "as trained", or the method's id.
    pub name: String,
    /// Rows it added.
    pub added: usize,
    /// Recall of each class and what follows from it.
    #[serde(flatten)]
    pub scores: Scores,
    /// Generalization gap of the rows its head was trained on.
    pub gap: Gap,
    /// Counts of (true, predicted).
    pub confusion: Confusion,
    /// Norm of each class's head weights, `[C]`.
    pub head_norms: Vec<f32>,
    /// Mean loss of its head in each epoch of phase three; empty for a head that was not trained there, or by an older
    /// version.
    #[serde(default)]
    pub head_losses: Vec<f32>,
    /// Seconds of oversampling.
    pub sample_seconds: f64,
    /// Seconds of head training.
    pub head_seconds: f64,
    /// What the plugin noted, such as how many rows a fallback made.
    pub notes: Vec<String>,
}

impl Summary {
    /// The network as trained.
    pub fn before(&self) -> &MethodSummary {
        &self.methods[0]
    }

    /// The chosen method.
    pub fn after(&self) -> &MethodSummary {
        self.methods.last().expect("a run has a method")
    }

    /// The `n` classes with the fewest training rows.
    pub fn rarest(&self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by_key(|c| self.train_counts[*c]);
        order.truncate(n);
        order
    }

    /// Mean recall of the three rarest classes.
    pub fn rare_recall(&self, method: &MethodSummary) -> f64 {
        let rare = self.rarest(3);
        rare.iter().map(|c| method.scores.recall[*c]).sum::<f64>() / rare.len().max(1) as f64
    }

    /// One honest sentence on what the chosen method did.
    pub fn headline(&self) -> String {
        let (before, after) = (self.before(), self.after());
        let points = |a: f64, b: f64| format!("{:+.2} points", 100.0 * (a - b));
        let mut text = format!(
            "{} changes balanced accuracy by {} ({:.2} → {:.2}) and the mean recall of the three \
             rarest classes by {}.",
            after.name,
            points(after.scores.bac, before.scores.bac),
            100.0 * before.scores.bac,
            100.0 * after.scores.bac,
            points(self.rare_recall(after), self.rare_recall(before)),
        );
        let best = self
            .methods
            .iter()
            .max_by(|a, b| a.scores.bac.total_cmp(&b.scores.bac));
        if let Some(best) = best.filter(|best| best.scores.bac > after.scores.bac) {
            let by = points(best.scores.bac, after.scores.bac);
            text += &format!(" On these data {} is better still, by {by}.", best.name);
        }
        text
    }
}

/// The epochs as the text of metrics.csv; seconds are last.
pub(crate) fn metrics_csv(epochs: &[EpochRow]) -> String {
    let mut text = "epoch,loss,train_accuracy,validation_bac,learning_rate,seconds\n".to_owned();
    for e in epochs {
        let told = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let (bac, rate) = (told(e.validation_bac), told(e.learning_rate));
        let _ = writeln!(
            text,
            "{},{},{},{bac},{rate},{:.3}",
            e.epoch, e.loss, e.train_accuracy, e.seconds
        );
    }
    text
}
