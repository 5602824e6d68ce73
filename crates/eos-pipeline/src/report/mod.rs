//! report.html: one file, no network, readable on a phone and without scripts; its plots also stand alone.

mod costs;
mod figures;
mod map;
mod origin;
mod pca;
pub(crate) mod pick;
mod scene;
mod thumbnails;
mod tsne;

use crate::source::Images;
use crate::summary::{MethodSummary, Summary};
use crate::{Config, Error};
use askama::Template;
use costs::Cost;
use eos_data::Embeddings;
use eos_registry::Content;
use map::Map;
use thumbnails::{OfClass, Pair};

/// What a page shows beside a summary's figures.
pub(crate) struct Material {
    /// Training rows.
    pub train: Embeddings,
    /// Rows measured on.
    pub test: Embeddings,
    /// What the chosen method's head names the rows measured on, `[N]`.
    pub predicted: Vec<u32>,
    /// The chosen method's synthetic rows.
    pub made: Content,
}

impl Material {
    /// Class of each synthetic row, `[M]`.
    fn made_labels(&self) -> Vec<u32> {
        match &self.made {
            Content::Recipes(recipes) => recipes.iter().map(|recipe| recipe.label).collect(),
            Content::Rows { labels, .. } => labels.clone(),
        }
    }
}

/// A page and its plots.
pub(crate) struct Report {
    /// report.html.
    pub page: String,
    /// Name in plots/ and SVG text.
    pub plots: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    summary: &'a Summary,
    headline: String,
    plots: &'a [(&'static str, String)],
    map: Option<&'a Map>,
    pairs: Vec<Pair>,
    origins: Vec<OfClass>,
    no_images: Option<String>,
    recipes: bool,
    costs: Vec<Cost>,
    config: &'a str,
}

/// A figure of the whole, before and after.
struct Headline {
    name: &'static str,
    before: String,
    after: String,
    change: String,
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

    fn count(&self, class: &usize) -> usize {
        self.summary.train_counts[*class]
    }

    fn recall_of(&self, method: &MethodSummary, class: &usize) -> String {
        self.percent(&method.scores.recall[*class])
    }

    /// The plot of a name, if the run has it.
    fn plot(&self, name: &str) -> Option<&str> {
        let found = self.plots.iter().find(|(of, _)| *of == name);
        found.map(|(_, svg)| svg.as_str())
    }

    fn headlines(&self) -> Vec<Headline> {
        let (before, after) = (self.summary.before(), self.summary.after());
        let of = |name, figure: &dyn Fn(&MethodSummary) -> f64| {
            let [a, b] = [before, after].map(|method| 100.0 * figure(method));
            Headline {
                name,
                before: format!("{a:.2}"),
                after: format!("{b:.2}"),
                change: format!("{:+.2}", b - a),
            }
        };
        vec![
            of("balanced accuracy", &|m| m.scores.bac),
            of("macro-F1", &|m| m.scores.macro_f1),
            of("G-mean of recalls", &|m| m.scores.g_mean),
            of("recall, three rarest classes", &|m| {
                self.summary.rare_recall(m)
            }),
        ]
    }

    fn memory(&self) -> Option<String> {
        let bytes = self.summary.peak_memory_bytes?;
        Some(format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)))
    }
}

/// The page of a run and its plots.
///
/// # Errors
/// [`Error::Request`] where the page's template refuses.
pub(crate) fn report(
    summary: &Summary,
    config: &Config,
    images: &Images,
    material: &Material,
) -> Result<Report, Error> {
    let mut plots = vec![
        ("recall", figures::recall(summary)),
        (
            "confusion-before",
            figures::confusion(summary, summary.before()),
        ),
        (
            "confusion-after",
            figures::confusion(summary, summary.after()),
        ),
        ("gap", figures::gap(summary)),
        ("norms", figures::norms(summary)),
        ("loss", figures::loss(summary)),
        ("accuracy", figures::accuracy(summary)),
        ("head-loss", figures::head_loss(summary)),
    ];
    plots.extend(figures::learning_rate(summary).map(|svg| ("learning-rate", svg)));
    let map = map::map(summary, material, config.report.tsne);
    if let Some(map) = &map {
        plots.push(("map", map.svg.clone()));
        plots.extend(map.tsne.clone().map(|svg| ("map-tsne", svg)));
    }
    let shown = thumbnails::can_show(&images.test);
    let page = Page {
        summary,
        headline: summary.headline(),
        plots: &plots,
        map: map.as_ref(),
        pairs: match shown {
            true => thumbnails::confused(summary, material, &images.test),
            false => Vec::new(),
        },
        origins: match shown {
            true => thumbnails::origins(summary, material, &images.train),
            false => Vec::new(),
        },
        no_images: (!shown).then(|| {
            let shape = images.test.shape();
            format!("Images of {shape} are not shown: neither grey nor RGB.")
        }),
        recipes: matches!(material.made, Content::Recipes(_)),
        costs: costs::costs(summary, config, material.train.dims()),
        config: &config.to_toml(),
    };
    let page = page
        .render()
        .map_err(|e| Error::Request(format!("the report could not be written: {e}")))?;
    Ok(Report { page, plots })
}

#[cfg(test)]
mod tests;
