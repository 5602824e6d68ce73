//! Tables of classes, as plain text.

use crate::gap::{Gap, OutcomeGap};
use crate::metrics::Scores;
use crate::summary::{MethodSummary, Summary};
use std::fmt::Write as _;

/// Classes with their training counts and recall in per cent, one column a method; below, figures of
/// the whole.
pub fn render(summary: &Summary) -> String {
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    let cells = |of: &dyn Fn(&MethodSummary) -> String| summary.methods.iter().map(of).collect();
    let mut lines = vec![(
        "class (recall, %)".to_owned(),
        "training".to_owned(),
        cells(&|m| m.name.clone()),
    )];
    for (c, name) in summary.classes.iter().enumerate() {
        let count = summary.train_counts[c].to_string();
        lines.push((name.clone(), count, cells(&|m| percent(m.scores.recall[c]))));
    }
    let whole: [(&str, &dyn Fn(&MethodSummary) -> String); 6] = [
        ("balanced accuracy (BAC)", &|m| percent(m.scores.bac)),
        ("three rarest classes", &|m| percent(summary.rare_recall(m))),
        ("G-mean (of recalls)", &|m| percent(m.scores.g_mean)),
        ("G-mean (macro)", &|m| percent(m.scores.g_mean_macro)),
        ("macro-F1", &|m| percent(m.scores.macro_f1)),
        ("generalization gap", &|m| format!("{:.4}", m.gap.mean)),
    ];
    for (name, of) in whole {
        lines.push((name.to_owned(), String::new(), cells(of)));
    }
    aligned(&lines)
}

/// Recall of each class in per cent with its count, and below, figures of the whole.
pub fn scores(classes: &[String], counts: &[usize], scores: &Scores) -> String {
    let percent = |share: f64| vec![format!("{:.2}", 100.0 * share)];
    let mut lines = vec![(
        "class (recall, %)".to_owned(),
        "rows".to_owned(),
        vec!["recall".to_owned()],
    )];
    for (c, name) in classes.iter().enumerate() {
        let count = counts[c].to_string();
        lines.push((name.clone(), count, percent(scores.recall[c])));
    }
    for (name, share) in [
        ("balanced accuracy (BAC)", scores.bac),
        ("G-mean (of recalls)", scores.g_mean),
        ("G-mean (macro)", scores.g_mean_macro),
        ("macro-F1", scores.macro_f1),
    ] {
        lines.push((name.to_owned(), String::new(), percent(share)));
    }
    aligned(&lines)
}

/// The gap of each class with its training count, the mean over classes, and the mean over classes
/// of the sum over dimensions; beside them the gap by outcome.
pub fn gaps(
    classes: &[String],
    counts: &[usize],
    gap: &Gap,
    by_outcome: Option<&OutcomeGap>,
) -> String {
    let mut columns = vec![("gap", gap)];
    if let Some(by) = by_outcome {
        columns.push(("true positives", &by.true_positives));
        columns.push(("false negatives", &by.false_negatives));
        columns.push(("false positives", &by.false_positives));
    }
    let cells = |of: &dyn Fn(&Gap) -> f64| -> Vec<String> {
        columns
            .iter()
            .map(|(_, gap)| format!("{:.4}", of(gap)))
            .collect()
    };
    let names = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut lines = vec![(
        "generalization gap".to_owned(),
        "training".to_owned(),
        names,
    )];
    for (c, name) in classes.iter().enumerate() {
        lines.push((
            name.clone(),
            counts[c].to_string(),
            cells(&|gap| gap.per_class[c]),
        ));
    }
    lines.push((
        "mean over classes".to_owned(),
        String::new(),
        cells(&|gap| gap.mean),
    ));
    lines.push((
        "sum over dimensions".to_owned(),
        String::new(),
        cells(&|gap| gap.sum),
    ));
    aligned(&lines)
}

/// A name to the left, a count and cells to the right, in columns as wide as their widest.
fn aligned(lines: &[(String, String, Vec<String>)]) -> String {
    let width = |of: &dyn Fn(&(String, String, Vec<String>)) -> usize| lines.iter().map(of).max();
    let name_width = width(&|line| line.0.chars().count()).unwrap_or(0);
    let count_width = width(&|line| line.1.chars().count()).unwrap_or(0);
    let cells = lines.iter().map(|line| line.2.len()).max().unwrap_or(0);
    let cell_width = |i: usize| width(&|line| line.2[i].chars().count()).unwrap_or(0);
    let widths: Vec<usize> = (0..cells).map(cell_width).collect();
    let mut out = String::new();
    for (name, count, cells) in lines {
        let pad = name_width - name.chars().count();
        let _ = write!(out, "{name}{:pad$}  {count:>count_width$}", "");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(out, "  {cell:>width$}");
        }
        out.push('\n');
    }
    out
}
