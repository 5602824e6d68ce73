//! What one method came to for one loss and seed: the content of a file of results/.

use super::method::{Method, Place};
use crate::Error;
use crate::folder::RunFolder;
use crate::runner::json;
use crate::summary::MethodSummary;
use eos_registry::Trained;
use serde::{Deserialize, Serialize};

/// One method's figures for one loss and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Version of `eos`.
    pub version: String,
    /// As [`LossSpec`](super::LossSpec) writes it.
    pub loss: String,
    /// As [`Method`] writes it.
    pub method: String,
    /// Where it adds rows.
    pub place: Place,
    pub seed: u64,
    pub setting: Setting,
    /// Where validation rows chose parameters.
    pub chosen: Option<Chosen>,
    pub cost: Cost,
    pub measured: MethodSummary,
    /// Class of each row measured on, `[N]`.
    pub labels: Vec<u32>,
    /// What the head names it, `[N]`.
    pub predicted: Vec<u32>,
}

/// What holds for all methods of a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Class names, `[C]`.
    pub classes: Vec<String>,
    /// Training rows of each class, `[C]`.
    pub train_counts: Vec<usize>,
    /// "test" or "validation": the rows that everything was measured on.
    pub measured_on: String,
    /// Rows measured on.
    pub test_rows: usize,
    /// Architecture and shapes, or what embeddings these are.
    pub network: String,
    /// Instruction path of training; `None` where embeddings are given.
    pub simd_path: Option<String>,
    /// Where neighbours and interpolation ran.
    pub device: String,
}

/// Parameters that validation rows chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The method with the chosen values.
    pub method: String,
    /// All that were tried.
    pub candidates: Vec<Candidate>,
}

/// A method that validation rows judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// With its parameters.
    pub method: String,
    /// Balanced accuracy on the validation rows.
    pub bac: f64,
}

/// What a method took, that of the network that it stands on included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds of phase one.
    pub network_seconds: f64,
    /// Seconds of making rows, of all candidates where validation chose.
    pub sample_seconds: f64,
    /// Seconds of training heads, of all candidates where validation chose.
    pub head_seconds: f64,
    /// Parameters of the network.
    pub network_parameters: usize,
    /// Steps of phase one.
    pub network_steps: usize,
    /// Parameters trained beside the network: a head's, a generator's.
    pub extra_parameters: usize,
    /// Steps of training them.
    pub extra_steps: usize,
    /// The most memory that the process held meanwhile; `None` where the system does not tell, or where phase one
    /// was trained by an earlier command that could not.
    pub peak_memory_bytes: Option<u64>,
}

impl Cost {
    /// Takes note of the most memory that a further part took.
    pub(crate) fn held(&mut self, bytes: Option<u64>) {
        let both = self.peak_memory_bytes.zip(bytes);
        self.peak_memory_bytes = both.map(|(before, now)| before.max(now));
    }

    /// Adds what was trained to make rows.
    pub(crate) fn trained(&mut self, trained: Trained) {
        let add = |to: usize, of: u64| to.saturating_add(usize::try_from(of).unwrap_or(usize::MAX));
        self.extra_parameters = add(self.extra_parameters, trained.parameters);
        self.extra_steps = add(self.extra_steps, trained.steps);
    }

    /// All seconds.
    pub fn seconds(&self) -> f64 {
        self.network_seconds + self.sample_seconds + self.head_seconds
    }
}

/// Where the outcome of a method is kept.
fn file(loss: &str, seed: u64, method: &Method) -> String {
    format!("results/{}", cell(loss, seed, &method.slug())) + ".json"
}

/// A name for what belongs to a loss, a seed and a method.
pub(crate) fn cell(loss: &str, seed: u64, of: &str) -> String {
    format!("{}-s{seed}-{of}", loss.replace(':', "-"))
}

impl Outcome {
    /// The outcome that a folder holds; `None` where it holds none, or none of this method.
    pub fn read(
        folder: &RunFolder,
        loss: &str,
        seed: u64,
        method: &Method,
    ) -> Result<Option<Self>, Error> {
        let name = file(loss, seed, method);
        let Some(bytes) = folder.read(&name)? else {
            return Ok(None);
        };
        let outcome: Self = serde_json::from_slice(&bytes).map_err(|e| {
            Error::Request(format!(
                "{} is no result of this version ({e}); remove it, and it is made anew",
                folder.path(&name).display()
            ))
        })?;
        let same = outcome.loss == loss && outcome.method == method.to_string();
        Ok((same && outcome.seed == seed).then_some(outcome))
    }

    /// Keeps it in a folder.
    pub fn write(&self, folder: &RunFolder, method: &Method) -> Result<(), Error> {
        folder.write(&file(&self.loss, self.seed, method), &json(self))
    }
}
