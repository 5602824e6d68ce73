//! Plots as SVG, for plots/ and for the report.

use crate::summary::Summary;
use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const LABELS: f64 = 150.0;
const BAR: f64 = 11.0;
/// Colours that differ in lightness too: before, beside …, the chosen method.
const COLOURS: [&str; 6] = [
    "#8a8f98", "#d9a441", "#5b8def", "#2f9e6e", "#b05bd0", "#d0605b",
];

/// Every plot, by file name.
pub fn all(summary: &Summary) -> Vec<(&'static str, String)> {
    let mut plots = vec![("recall", recall(summary)), ("gap", gap(summary))];
    if summary.epochs.len() > 1 {
        plots.push(("loss", loss(summary)));
    }
    plots
}

/// Recall of each class under each head.
pub fn recall(summary: &Summary) -> String {
    let values: Vec<&[f64]> = summary
        .methods
        .iter()
        .map(|m| m.scores.recall.as_slice())
        .collect();
    bars(summary, &values, 1.0, "recall by class", |v| {
        format!("{:.1} %", 100.0 * v)
    })
}

/// Generalization gap of each class for the rows each head was trained on.
pub fn gap(summary: &Summary) -> String {
    let values: Vec<&[f64]> = summary
        .methods
        .iter()
        .map(|m| m.gap.per_class.as_slice())
        .collect();
    let most = values
        .iter()
        .flat_map(|v| v.iter().copied())
        .fold(1e-9, f64::max);
    bars(summary, &values, most, "generalization gap by class", |v| {
        format!("{v:.3}")
    })
}

fn bars(
    summary: &Summary,
    values: &[&[f64]],
    most: f64,
    title: &str,
    shown: impl Fn(f64) -> String,
) -> String {
    let group = BAR * values.len() as f64 + 10.0;
    let top = 30.0;
    let height = top + group * summary.classes.len() as f64;
    let mut svg = open(height, title);
    for (m, method) in summary.methods.iter().enumerate() {
        let (x, colour) = (LABELS + 130.0 * m as f64, COLOURS[m % COLOURS.len()]);
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"6\" width=\"11\" height=\"11\" fill=\"{colour}\"/>"
        );
        text(&mut svg, x + 16.0, 16.0, "start", &method.name);
    }
    for (c, class) in summary.classes.iter().enumerate() {
        let y = top + group * c as f64;
        let label = format!("{class} ({})", summary.train_counts[c]);
        text(&mut svg, LABELS - 8.0, y + group / 2.0, "end", &label);
        for (m, values) in values.iter().enumerate() {
            let length = (WIDTH - LABELS - 70.0) * values[c] / most;
            let (y, colour) = (y + BAR * m as f64, COLOURS[m % COLOURS.len()]);
            let _ = write!(
                svg,
                "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
                BAR - 1.5
            );
            text(
                &mut svg,
                LABELS + length + 4.0,
                y + BAR - 2.0,
                "start",
                &shown(values[c]),
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Training loss by epoch.
pub fn loss(summary: &Summary) -> String {
    let (height, left, bottom) = (220.0, 50.0, 190.0);
    let mut svg = open(height, "training loss by epoch");
    let most = summary.epochs.iter().map(|e| e.loss).fold(1e-9, f64::max);
    let last = (summary.epochs.len() - 1).max(1) as f64;
    let points: Vec<String> = summary
        .epochs
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let x = left + (WIDTH - left - 20.0) * i as f64 / last;
            format!("{x:.1},{:.1}", bottom - (bottom - 20.0) * e.loss / most)
        })
        .collect();
    let _ = write!(
        svg,
        "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{}\"/>",
        COLOURS[2],
        points.join(" ")
    );
    text(&mut svg, left - 6.0, 24.0, "end", &format!("{most:.2}"));
    text(&mut svg, left - 6.0, bottom, "end", "0");
    text(&mut svg, left, bottom + 18.0, "start", "epoch 1");
    text(
        &mut svg,
        WIDTH - 20.0,
        bottom + 18.0,
        "end",
        &format!("epoch {}", summary.epochs.len()),
    );
    svg.push_str("</svg>");
    svg
}

fn open(height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"10\"><title>{title}</title>"
    )
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"currentColor\">{words}</text>"
    );
}
