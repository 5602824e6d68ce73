//! Tables of classes, as plain text.

use crate::metrics::Scores;
use crate::summary::{MethodSummary, Summary};
use std::fmt::Write as _;

/// Classes with their training counts and recall in per cent, one column a method; below, figures of
/// the whole.
pub fn render(summary: &Summary) -> String {
    let methods = |cell: &dyn Fn(&MethodSummary) -> String| -> Vec<String> {
        summary.methods.iter().map(cell).collect()
    };
    let names = methods(&|m| m.name.clone());
    let mut table = Table::new("class (recall, %)", "training", names);
    for (c, class) in summary.classes.iter().enumerate() {
        let cells = methods(&|m| percent(m.scores.recall[c]));
        table.class(class, summary.train_counts[c], cells);
    }
    let rare = methods(&|m| percent(summary.rare_recall(m)));
    table.whole(BAC, methods(&|m| percent(m.scores.bac)));
    table.whole("three rarest classes", rare);
    table.whole(G_MEAN, methods(&|m| percent(m.scores.g_mean)));
    table.whole(G_MEAN_MACRO, methods(&|m| percent(m.scores.g_mean_macro)));
    table.whole(MACRO_F1, methods(&|m| percent(m.scores.macro_f1)));
    let gap = methods(&|m| format!("{:.4}", m.gap.mean));
    table.whole("generalization gap", gap);
    table.text()
}

/// Recall of each class in per cent with its count, and below, figures of the whole.
pub fn scores(classes: &[String], counts: &[usize], scores: &Scores) -> String {
    let mut table = Table::new("class (recall, %)", "rows", vec!["recall".to_owned()]);
    for (c, class) in classes.iter().enumerate() {
        table.class(class, counts[c], vec![percent(scores.recall[c])]);
    }
    table.whole(BAC, vec![percent(scores.bac)]);
    table.whole(G_MEAN, vec![percent(scores.g_mean)]);
    table.whole(G_MEAN_MACRO, vec![percent(scores.g_mean_macro)]);
    table.whole(MACRO_F1, vec![percent(scores.macro_f1)]);
    table.text()
}

const BAC: &str = "balanced accuracy (BAC)";
const G_MEAN: &str = "G-mean (of recalls)";
const G_MEAN_MACRO: &str = "G-mean (macro)";
const MACRO_F1: &str = "macro-F1";

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// Lines of a name, a count and as many cells as the first has.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub fn new(name: &str, count: &str, cells: Vec<String>) -> Self {
        let mut table = Self(Vec::new());
        table.push(name, count.to_owned(), cells);
        table
    }

    pub fn class(&mut self, name: &str, count: usize, cells: Vec<String>) {
        self.push(name, count.to_string(), cells);
    }

    /// A figure of all classes together.
    pub fn whole(&mut self, name: &str, cells: Vec<String>) {
        self.push(name, String::new(), cells);
    }

    fn push(&mut self, name: &str, count: String, cells: Vec<String>) {
        let mut line = vec![name.to_owned(), count];
        line.extend(cells);
        self.0.push(line);
    }

    /// In columns as wide as their widest cell: the first to the left, the others to the right.
    pub fn text(&self) -> String {
        columns(&self.0, 1)
    }
}

/// Lines in columns as wide as their widest cell: the first `left` to the left, the others to the right.
pub(crate) fn columns(lines: &[Vec<String>], left: usize) -> String {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| lines.iter().map(|line| line[i].chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|i| width(i).unwrap_or(0)).collect();
    let mut out = String::new();
    for line in lines {
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = if at == 0 { "" } else { "  " };
            let _ = match at < left {
                true => write!(out, "{gap}{cell:<width$}"),
                false => write!(out, "{gap}{cell:>width$}"),
            };
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let figures = Scores {
            recall: vec![1.0, 0.5],
            bac: 0.75,
            g_mean: 0.707,
            g_mean_macro: 0.75,
            macro_f1: 0.7,
        };
        let classes = ["Käse".to_owned(), "b".to_owned()];
        assert_eq!(
            scores(&classes, &[12, 4], &figures),
            "class (recall, %)        rows  recall\n\
             Käse                       12  100.00\n\
             b                           4   50.00\n\
             balanced accuracy (BAC)         75.00\n\
             G-mean (of recalls)             70.70\n\
             G-mean (macro)                  75.00\n\
             macro-F1                        70.00\n"
        );
    }
}
