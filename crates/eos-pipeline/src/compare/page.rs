//! compare.html: one file without network, its plots also apart.

use super::summary::{ComparisonSummary, Line};
use super::sweep::sweeps;
use super::table::{METRICS, Metric, difference, shown};
use crate::Error;
use crate::plot::{AFTER, BEFORE, Interval, Lines, Series, Steps, bars, colour, intervals, lines};
use askama::Template;
use base64::prelude::{BASE64_STANDARD, Engine as _};

#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'a> {
    summary: &'a ComparisonSummary,
    plots: &'a [(String, String)],
    sweeps: Vec<String>,
    sheets: &'a [Sheet],
    config: &'a str,
}

/// A picture of the images that a method has added.
pub(crate) struct Sheet {
    /// Of the line.
    pub name: String,
    /// PNG.
    pub file: Vec<u8>,
}

impl Sheet {
    fn uri(&self) -> String {
        format!(
            "data:image/png;base64,{}",
            BASE64_STANDARD.encode(&self.file)
        )
    }
}

impl Page<'_> {
    /// The plot of a name, if there is one.
    fn plot(&self, name: &str) -> Option<&str> {
        let found = self.plots.iter().find(|(of, _)| *of == name);
        found.map(|(_, svg)| svg.as_str())
    }

    fn sweep_plot(&self, at: &usize, what: &str) -> Option<&str> {
        self.plot(&format!("sweep-{at}-{what}"))
    }

    /// Opacity of a cell's ground, in per cent: letters stay readable on all of it.
    fn shade(&self, share: &f64) -> String {
        format!("{:.0}", 45.0 * share * share)
    }

    fn metrics(&self) -> impl Iterator<Item = &'static str> {
        METRICS.iter().map(|(name, ..)| *name)
    }

    /// A line's figures, and whether each is the best of its column.
    fn cells(&self, line: &Line) -> Vec<(String, bool)> {
        let cell = |(at, (_, figure, _)): (usize, &Metric)| {
            (shown(at, figure(line)), self.summary.is_best(at, line))
        };
        METRICS.iter().enumerate().map(cell).collect()
    }

    fn difference(&self, line: &Line) -> String {
        difference(line)
    }

    fn percent(&self, share: &f64) -> String {
        format!("{:.1}", 100.0 * share)
    }

    fn count(&self, class: &usize) -> usize {
        self.summary.setting.train_counts[*class]
    }

    fn seconds(&self, seconds: &f64) -> String {
        format!("{seconds:.1}")
    }

    fn memory(&self, line: &Line) -> String {
        let bytes = line.cost.peak_memory_bytes;
        bytes.map_or("—".to_owned(), |bytes| (bytes >> 20).to_string())
    }

    fn seeds(&self) -> String {
        let seeds: Vec<String> = self.summary.seeds.iter().map(u64::to_string).collect();
        seeds.join(", ")
    }
}

impl ComparisonSummary {
    /// What is best by balanced accuracy, and how sure it is that it beats the baseline.
    pub fn headline(&self) -> String {
        let best = self
            .lines
            .iter()
            .max_by(|a, b| a.bac.mean.total_cmp(&b.bac.mean));
        let Some(best) = best else {
            return String::new();
        };
        let figure = format!(
            "{} has the best balanced accuracy, {} %",
            best.name(),
            shown(0, &best.bac)
        );
        match &best.difference {
            None => format!("{figure}: nothing beats the baseline."),
            Some(d) => {
                let [mean, low, high] =
                    [d.mean, d.low, d.high].map(|v| format!("{:+.2}", 100.0 * v));
                let sure = match d.is_clear() {
                    true => "the interval leaves 0 out",
                    false => "the interval holds 0, so these rows do not settle it",
                };
                format!(
                    "{figure}, {mean} points over {} (95 % interval {low} to {high}: {sure}).",
                    self.baseline
                )
            }
        }
    }
}

/// The page and its plots by name.
///
/// # Errors
/// [`Error::Request`] where the template refuses.
pub(crate) fn page(
    summary: &ComparisonSummary,
    sheets: &[Sheet],
    config: &str,
) -> Result<(String, Vec<(String, String)>), Error> {
    let mut plots = vec![
        ("difference".to_owned(), differences(summary)),
        ("gap".to_owned(), gaps(summary)),
        ("seconds".to_owned(), seconds(summary)),
    ];
    let mut names = Vec::new();
    for (at, sweep) in sweeps(summary).iter().enumerate() {
        let values = |of: &dyn Fn(&Line) -> f64| sweep.lines.iter().map(|line| of(line)).collect();
        for (what, series) in [
            (
                "accuracy",
                vec![
                    ("balanced accuracy", AFTER, values(&|line| line.bac.mean)),
                    (
                        "recall, three rarest classes",
                        colour(1),
                        values(&|line| line.rare_recall.mean),
                    ),
                ],
            ),
            (
                "gap",
                vec![("generalization gap", BEFORE, values(&|line| line.gap.mean))],
            ),
        ] {
            let plot = Lines {
                title: &format!("{}: {what}", sweep.title),
                steps: Steps::Named(&sweep.values),
                most: (what == "accuracy").then_some(1.0),
            };
            let series: Vec<Series<'_>> = series
                .into_iter()
                .map(|(name, colour, values)| Series {
                    name,
                    colour,
                    values,
                })
                .collect();
            let shown = |v: f64| match what {
                "accuracy" => format!("{:.0} %", 100.0 * v),
                _ => format!("{v:.3}"),
            };
            plots.push((format!("sweep-{at}-{what}"), lines(&plot, &series, shown)));
        }
        names.push(sweep.title.clone());
    }
    let page = Page {
        summary,
        plots: &plots,
        sweeps: names,
        sheets,
        config,
    };
    let page = page
        .render()
        .map_err(|e| Error::Request(format!("the page could not be written: {e}")))?;
    Ok((page, plots))
}

/// Names of lines: without the loss where all have one.
fn names(summary: &ComparisonSummary) -> Vec<String> {
    let one = summary
        .lines
        .iter()
        .all(|line| line.loss == summary.lines[0].loss);
    let name = |line: &Line| match one {
        true => line.method.clone(),
        false => line.name(),
    };
    summary.lines.iter().map(name).collect()
}

fn differences(summary: &ComparisonSummary) -> String {
    let pairs = summary.lines.iter().zip(names(summary));
    let all: Vec<Interval> = pairs
        .filter_map(|(line, name)| {
            let d = line.difference.as_ref()?;
            Some(Interval {
                name,
                value: d.mean,
                ends: [d.low, d.high],
                colour: match (d.is_clear(), d.mean > 0.0) {
                    (false, _) => BEFORE,
                    (true, true) => AFTER,
                    (true, false) => "#d55e00",
                },
            })
        })
        .collect();
    let title = format!("balanced accuracy less that of {}", summary.baseline);
    intervals(&title, &all, |v| format!("{:+.1}", 100.0 * v))
}

fn gaps(summary: &ComparisonSummary) -> String {
    let series = [Series {
        name: "generalization gap",
        colour: AFTER,
        values: summary.lines.iter().map(|line| line.gap.mean).collect(),
    }];
    bars(
        "generalization gap by method",
        &names(summary),
        &series,
        None,
        |v| format!("{v:.3}"),
    )
}

fn seconds(summary: &ComparisonSummary) -> String {
    let series = [Series {
        name: "seconds, that of the network included",
        colour: AFTER,
        values: summary
            .lines
            .iter()
            .map(|line| line.cost.seconds())
            .collect(),
    }];
    bars("seconds by method", &names(summary), &series, None, |v| {
        format!("{v:.1}")
    })
}
