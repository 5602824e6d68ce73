//! What a run cost.

use crate::Config;
use crate::summary::Summary;

/// A phase, or a part of one for a method.
pub(crate) struct Cost {
    pub what: String,
    pub seconds: String,
    /// Parameters that it trains.
    pub trained: String,
    /// Steps of its optimizer.
    pub steps: String,
    /// Synthetic rows that it makes.
    pub added: String,
}

/// Every phase that took time, with what it trained.
pub(crate) fn costs(summary: &Summary, config: &Config, dims: usize) -> Vec<Cost> {
    let seconds = |s: f64| format!("{s:.2}");
    let images: usize = summary.train_counts.iter().sum();
    let mut costs = vec![
        Cost {
            what: "training, end to end".to_owned(),
            seconds: seconds(summary.train_seconds),
            trained: summary.parameters.to_string(),
            steps: (summary.epochs.len() * images.div_ceil(config.train.batch)).to_string(),
            added: String::new(),
        },
        Cost {
            what: format!("embedding of training and {} images", summary.measured_on),
            seconds: seconds(summary.embed_seconds),
            trained: String::new(),
            steps: String::new(),
            added: String::new(),
        },
    ];
    let bias = usize::from(config.head_kind() == eos_model::HeadKind::Linear);
    let head = summary.classes.len() * (dims + bias);
    for method in summary.methods.iter().filter(|m| !m.head_losses.is_empty()) {
        costs.push(Cost {
            what: format!("{}: oversampling", method.name),
            seconds: seconds(method.sample_seconds),
            trained: String::new(),
            steps: String::new(),
            added: method.added.to_string(),
        });
        let steps = (images + method.added).div_ceil(config.head.batch);
        costs.push(Cost {
            what: format!("{}: head", method.name),
            seconds: seconds(method.head_seconds),
            trained: head.to_string(),
            steps: (method.head_losses.len() * steps).to_string(),
            added: String::new(),
        });
    }
    costs
}
