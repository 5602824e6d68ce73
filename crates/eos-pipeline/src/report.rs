//! report.html: one file, no network, readable on a phone.

use crate::summary::{MethodSummary, Summary};
use crate::{Error, plot};
use askama::Template;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    summary: &'a Summary,
    headline: String,
    recall: String,
    gap: String,
    loss: Option<String>,
    config: &'a str,
}

impl Page<'_> {
    fn percent(&self, share: &f64) -> String {
        format!("{:.2}", 100.0 * share)
    }

    fn rare(&self, method: &MethodSummary) -> String {
        self.percent(&self.summary.rare_recall(method))
    }

    fn number(&self, value: &f64) -> String {
        format!("{value:.4}")
    }

    fn seconds(&self, value: &f64) -> String {
        format!("{value:.2}")
    }

    fn count(&self, class: &usize) -> usize {
        self.summary.train_counts[*class]
    }

    fn recall_of(&self, method: &MethodSummary, class: &usize) -> String {
        self.percent(&method.scores.recall[*class])
    }
}

/// The page of a run.
pub(crate) fn render(summary: &Summary, config: &str) -> Result<String, Error> {
    let page = Page {
        summary,
        headline: summary.headline(),
        recall: plot::recall(summary),
        gap: plot::gap(summary),
        loss: (summary.epochs.len() > 1).then(|| plot::loss(summary)),
        config,
    };
    page.render()
        .map_err(|e| Error::Request(format!("the report could not be written: {e}")))
}
