//! The table of classes before and after, as plain text.

use crate::summary::{MethodSummary, Summary};
use std::fmt::Write as _;

/// Classes with their training counts and recall in per cent, one column a method; below, figures of
/// the whole.
pub fn render(summary: &Summary) -> String {
    let width = summary
        .classes
        .iter()
        .map(|c| c.chars().count())
        .max()
        .unwrap_or(0)
        .max(24);
    let columns: Vec<usize> = summary
        .methods
        .iter()
        .map(|m| m.name.len().max(10))
        .collect();
    let mut out = String::new();
    let mut line = |name: &str, count: &str, cells: &dyn Fn(&MethodSummary) -> String| {
        let pad = width.saturating_sub(name.chars().count());
        let _ = write!(out, "{name}{:pad$}  {count:>8}", "");
        for (method, width) in summary.methods.iter().zip(&columns) {
            let _ = write!(out, "  {:>width$}", cells(method));
        }
        out.push('\n');
    };
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    line("class (recall, %)", "training", &|m| m.name.clone());
    for (c, name) in summary.classes.iter().enumerate() {
        line(name, &summary.train_counts[c].to_string(), &|m| {
            percent(m.recall[c])
        });
    }
    line("balanced accuracy (BAC)", "", &|m| percent(m.bac));
    line("three rarest classes", "", &|m| {
        percent(summary.rare_recall(m))
    });
    line("G-mean (of recalls)", "", &|m| percent(m.g_mean));
    line("G-mean (macro)", "", &|m| percent(m.g_mean_macro));
    line("macro-F1", "", &|m| percent(m.macro_f1));
    line("generalization gap", "", &|m| format!("{:.4}", m.gap.mean));
    out
}
