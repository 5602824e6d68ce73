//! The plots of a summary's figures.

use crate::plot::{AFTER, BEFORE, HeatMap, Lines, Series, Steps, bars, colour, heat_map, lines};
use crate::summary::{MethodSummary, Summary};

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Names of the classes with their training images.
fn labels(summary: &Summary) -> Vec<String> {
    let pairs = summary.classes.iter().zip(&summary.train_counts);
    pairs
        .map(|(class, count)| format!("{class} ({count})"))
        .collect()
}

/// The network as trained beside the chosen method.
fn before_and_after<'a>(
    summary: &'a Summary,
    values: impl Fn(&MethodSummary) -> Vec<f64>,
) -> [Series<'a>; 2] {
    [(summary.before(), BEFORE), (summary.after(), AFTER)].map(|(method, colour)| Series {
        name: &method.name,
        colour,
        values: values(method),
    })
}

/// Recall of each class.
pub(crate) fn recall(summary: &Summary) -> String {
    let series = before_and_after(summary, |m| m.scores.recall.clone());
    bars(
        "recall by class",
        &labels(summary),
        &series,
        Some(1.0),
        percent,
    )
}

/// Generalization gap of each class for the rows each head was trained on.
pub(crate) fn gap(summary: &Summary) -> String {
    let series = before_and_after(summary, |m| m.gap.per_class.clone());
    let shown = |v: f64| format!("{v:.3}");
    bars(
        "generalization gap by class",
        &labels(summary),
        &series,
        None,
        shown,
    )
}

/// Norm of each class's head weights.
pub(crate) fn norms(summary: &Summary) -> String {
    let norms = |m: &MethodSummary| -> Vec<f64> {
        m.head_norms.iter().map(|norm| f64::from(*norm)).collect()
    };
    let series = before_and_after(summary, norms);
    let shown = |v: f64| format!("{v:.2}");
    bars(
        "norm of head weights by class",
        &labels(summary),
        &series,
        None,
        shown,
    )
}

/// Counts of (true, predicted); a row's shades are shares of its class.
pub(crate) fn confusion(summary: &Summary, method: &MethodSummary) -> String {
    let counts = &method.confusion;
    let of_class = |t: usize| {
        (0..counts.classes())
            .map(|n| counts.count(t, n))
            .sum::<u64>()
            .max(1)
    };
    let map = HeatMap {
        title: &format!(
            "confusion matrix, {}: true classes down, predicted across",
            method.name
        ),
        rows: &summary.classes,
        columns: &summary.classes,
        colours: [AFTER, "#d55e00"],
    };
    let shade = |t, n| counts.count(t, n) as f64 / of_class(t) as f64;
    heat_map(&map, shade, |t, n| counts.count(t, n).to_string())
}

/// Training loss by epoch.
pub(crate) fn loss(summary: &Summary) -> String {
    let plot = Lines {
        title: "training loss by epoch",
        steps: Steps::Counted("epoch"),
        most: None,
    };
    let loss = Series {
        name: "training loss",
        colour: colour(0),
        values: summary.epochs.iter().map(|e| e.loss).collect(),
    };
    lines(&plot, &[loss], |v| format!("{v:.2}"))
}

/// Training accuracy by epoch, and balanced accuracy on the rows held out where there are any.
pub(crate) fn accuracy(summary: &Summary) -> String {
    let plot = Lines {
        title: "accuracy by epoch",
        steps: Steps::Counted("epoch"),
        most: Some(1.0),
    };
    let mut series = vec![Series {
        name: "training accuracy",
        colour: colour(0),
        values: summary.epochs.iter().map(|e| e.train_accuracy).collect(),
    }];
    if summary.epochs.iter().any(|e| e.validation_bac.is_some()) {
        let bac = summary
            .epochs
            .iter()
            .map(|e| e.validation_bac.unwrap_or(f64::NAN));
        series.push(Series {
            name: "balanced accuracy, held out",
            colour: colour(1),
            values: bac.collect(),
        });
    }
    lines(&plot, &series, |v| format!("{:.0} %", 100.0 * v))
}

/// Learning rate of each epoch's last step; `None` where no epoch has recorded it.
pub(crate) fn learning_rate(summary: &Summary) -> Option<String> {
    let rates = summary
        .epochs
        .iter()
        .map(|e| e.learning_rate.unwrap_or(f64::NAN));
    let rates = Series {
        name: "learning rate at the end of the epoch",
        colour: colour(0),
        values: rates.collect(),
    };
    let plot = Lines {
        title: "learning rate by epoch",
        steps: Steps::Counted("epoch"),
        most: None,
    };
    let any = rates.values.iter().any(|rate| rate.is_finite());
    any.then(|| lines(&plot, &[rates], |v| format!("{v:.3}")))
}

/// Loss of every head that was trained, by epoch.
pub(crate) fn head_loss(summary: &Summary) -> String {
    let trained = summary.methods.iter().filter(|m| !m.head_losses.is_empty());
    let series: Vec<Series<'_>> = trained
        .enumerate()
        .map(|(at, method)| Series {
            name: &method.name,
            colour: match method.name == summary.after().name {
                true => AFTER,
                false => colour(at + 1),
            },
            values: method
                .head_losses
                .iter()
                .map(|loss| f64::from(*loss))
                .collect(),
        })
        .collect();
    let plot = Lines {
        title: "loss of the heads by epoch",
        steps: Steps::Counted("epoch"),
        most: None,
    };
    lines(&plot, &series, |v| format!("{v:.2}"))
}
