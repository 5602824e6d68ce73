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

/// The most memory that this process has held so far, in bytes; `None` where the system does not tell.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    peak_of(&status)
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_read_of_what_linux_tells() {
        assert_eq!(
            peak_of("Name:\teos\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(peak_of("Name:\teos\n"), None);
    }
}
