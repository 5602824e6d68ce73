//! What several tests of comparisons start from.

use super::method::Place;
use super::outcome::{Cost, Outcome, Setting};
use crate::gap::Gap;
use crate::metrics::Confusion;
use crate::summary::MethodSummary;

/// An outcome of a method that names `predicted` what is `labels`, of two classes or more.
pub(crate) fn outcome(labels: &[u32], predicted: &[u32]) -> Outcome {
    named_outcome("ce", "eos", 0, labels, predicted)
}

/// The same of a loss, a method and a seed.
pub(crate) fn named_outcome(
    loss: &str,
    method: &str,
    seed: u64,
    labels: &[u32],
    predicted: &[u32],
) -> Outcome {
    let all = labels.iter().chain(predicted);
    let classes = 2.max(1 + all.max().map_or(0, |c| *c as usize));
    let confusion = Confusion::new(labels, predicted, classes);
    let gap = Gap {
        per_class: vec![0.5; classes],
        mean: 0.5,
        sum: 1.0,
    };
    Outcome {
        version: "0".to_owned(),
        loss: loss.to_owned(),
        method: method.to_owned(),
        place: Place::Embedding,
        seed,
        setting: Setting {
            classes: (0..classes).map(|c| format!("class {c}")).collect(),
            train_counts: vec![10; classes],
            measured_on: "test".to_owned(),
            test_rows: labels.len(),
            network: "resnet20".to_owned(),
            simd_path: None,
            device: "cpu".to_owned(),
        },
        chosen: None,
        cost: Cost::default(),
        measured: MethodSummary {
            name: method.to_owned(),
            added: 0,
            scores: confusion.scores(),
            gap,
            confusion,
            head_norms: vec![1.0; classes],
            head_losses: Vec::new(),
            sample_seconds: 0.0,
            head_seconds: 0.0,
            notes: Vec::new(),
        },
        labels: labels.to_vec(),
        predicted: predicted.to_vec(),
    }
}
