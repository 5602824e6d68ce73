//! Methods compared: every loss trained once a seed, every method's head on the same embeddings, one table.
//!
//! Everything lies in one folder and is made only where it is missing, so that a stopped comparison goes on and a later
//! one adds methods, losses and seeds: `backbones/` holds the networks, each a run's folder without later phases,
//! `results/` one file a method, loss and seed, `heads/` their heads. Parameters are chosen by validation rows alone; the
//! rows measured on are scored once a method.

mod apply;
mod bootstrap;
mod built_in;
mod folder;
mod ground;
mod loss;
mod method;
mod outcome;
mod page;
mod pixel;
mod prepare;
mod study;
mod suggest;
mod summary;
mod sweep;
mod table;
mod words;

pub use bootstrap::Difference;
pub use built_in::BuiltIn;
pub use loss::LossSpec;
pub use method::{Method, Place};
pub use outcome::{Candidate, Chosen, Cost, Setting};
pub use summary::{ComparisonSummary, Line, Skipped, Spread};

use crate::{Config, Error, Observer, RunOptions};
use eos_data::Embeddings;
use eos_model::Head;

/// What is compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The data, the network, the recipes of training and of heads; its loss, method and seed are set by what follows.
    pub config: Config,
    /// Where embeddings come from.
    pub source: Source,
    /// Lines of the table, for each loss.
    pub methods: Vec<Method>,
    /// What phase one is trained with.
    pub losses: Vec<LossSpec>,
    /// Of everything random.
    pub seeds: Vec<u64>,
    /// `[LOSS/]METHOD` to which all others are compared; where absent the first loss's network as trained, or else its
    /// first method.
    pub baseline: Option<String>,
    /// The folder, and where plugins are looked for.
    pub run: RunOptions,
}

/// Where embeddings come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Networks trained on the configuration's images.
    Images,
    /// They are given.
    Embeddings(Box<Given>),
}

/// Embeddings of a network trained elsewhere.
#[derive(Debug, Clone)]
pub struct Given {
    /// Rows that it was trained on.
    pub train: Embeddings,
    /// Rows measured on, in the same classes.
    pub test: Embeddings,
    /// Rows that choose parameters, in the same classes.
    pub validation: Option<Embeddings>,
    /// The network's own head.
    pub head: Option<Head>,
}

impl Given {
    /// Of all values and labels, so that results of other embeddings are not taken for theirs.
    fn fingerprint(&self) -> String {
        let mut crc = crc32fast::Hasher::new();
        for rows in [
            Some(&self.train),
            Some(&self.test),
            self.validation.as_ref(),
        ] {
            let Some(rows) = rows else { continue };
            for value in rows.rows() {
                crc.update(&value.to_le_bytes());
            }
            for label in rows.labels() {
                crc.update(&label.to_le_bytes());
            }
        }
        if let Some(head) = &self.head {
            for value in head.weight.iter().chain(&head.bias) {
                crc.update(&value.to_le_bytes());
            }
        }
        let (train, test) = (self.train.len(), self.test.len());
        format!(
            "{train} and {test} rows of {} values, {:08x}",
            self.train.dims(),
            crc.finalize()
        )
    }
}

/// Runs everything that is missing, and writes compare.html, table.csv, table.md and summary.json.
///
/// # Errors
/// Any [`Error`]; what was finished before stays, and the same call goes on.
pub fn compare(
    comparison: &Comparison,
    observer: &mut dyn Observer,
) -> Result<ComparisonSummary, Error> {
    crate::run::on_threads(comparison.config.run.threads, || {
        study::run(comparison, observer)
    })
}

#[cfg(test)]
pub(crate) mod tests;
