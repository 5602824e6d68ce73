//! Plots of an analysis.

use super::{Analysis, ByClass, OfSet};
use crate::plot::{AFTER, BEFORE, Series, bars, colour};

/// Name of each plot and its SVG text. Classes go from the largest to the smallest.
pub(super) fn plots(analysis: &Analysis) -> Vec<(&'static str, String)> {
    let of_sets = |figure: &dyn Fn(&OfSet) -> Option<Vec<f64>>| -> Vec<Series<'_>> {
        let sets = analysis.sets.iter().enumerate();
        sets.filter_map(|(at, set)| {
            Some(Series {
                name: &set.name,
                colour: match (at, analysis.sets.len()) {
                    (0, _) => BEFORE,
                    (1, 2) => AFTER,
                    _ => colour(at - 1),
                },
                values: figure(set)?,
            })
        })
        .collect()
    };
    let geometry = &analysis.geometry;
    let moved = [
        ("shift / training spread", &geometry.relative_shift),
        (
            "share of the way to the global mean",
            &geometry.towards_global_mean,
        ),
    ];
    let spread = [("unseen spread / training spread", &geometry.spread_ratio)];
    let shown = |all: &[(&'static str, &ByClass)]| -> Vec<Series<'_>> {
        let series = all.iter().enumerate().map(|(at, (name, of))| Series {
            name,
            colour: colour(at),
            values: of.per_class.clone(),
        });
        series.collect()
    };
    let plots = [
        (
            "gap",
            "generalization gap by class",
            of_sets(&|set| Some(set.gap.gap.per_class.clone())),
        ),
        (
            "gap-equal-rows",
            "generalization gap by class, equally many rows",
            of_sets(&|set| Some(set.equal_rows.as_ref()?.gap.per_class.clone())),
        ),
        (
            "shift",
            "how far unseen means lie from training means, by class",
            shown(&moved),
        ),
        (
            "spread",
            "spread of unseen rows over that of training rows, by class",
            shown(&spread),
        ),
        (
            "norms",
            "norm of head weights by class",
            of_sets(&|set| Some(set.head_norms.as_ref()?.per_class.clone())),
        ),
    ];
    let plots = plots.into_iter().filter(|(.., series)| !series.is_empty());
    plots
        .map(|(name, title, series)| (name, drawn(analysis, title, series)))
        .collect()
}

fn drawn(analysis: &Analysis, title: &str, mut series: Vec<Series<'_>>) -> String {
    let order = analysis.largest_first();
    for one in &mut series {
        one.values = order.iter().map(|c| one.values[*c]).collect();
    }
    let label = |c: &usize| format!("{} ({})", analysis.classes[*c], analysis.train_counts[*c]);
    let labels: Vec<String> = order.iter().map(label).collect();
    bars(title, &labels, &series, None, |v| format!("{v:.3}"))
}
