//! Plots as SVG text, of plain data: each stands alone as a file and within a page.
//!
//! Words take the colour of their surroundings, so that a plot reads on light and dark ground; no value is told by
//! colour alone.

mod bars;
mod heat_map;
mod intervals;
mod lines;
mod svg;

pub(crate) use bars::bars;
pub(crate) use heat_map::{HeatMap, heat_map};
pub(crate) use intervals::{Interval, intervals};
pub(crate) use lines::{Lines, Steps, lines};
pub(crate) use svg::{Svg, colour, escaped};

/// Units of width of every plot; a phone shows it at about three quarters.
pub(crate) const WIDTH: f64 = 480.0;
/// Of what was before.
pub(crate) const BEFORE: &str = "#8a8f98";
/// Of what is after.
pub(crate) const AFTER: &str = "#0072b2";

/// Values with a name and a colour.
#[derive(Debug, Clone)]
pub(crate) struct Series<'a> {
    /// As the legend has it.
    pub name: &'a str,
    /// `#rrggbb`.
    pub colour: &'a str,
    /// One a label of the plot.
    pub values: Vec<f64>,
}

/// The greatest finite value, and at least a billionth.
fn greatest(series: &[Series<'_>]) -> f64 {
    let values = series.iter().flat_map(|s| s.values.iter().copied());
    values.filter(|v| v.is_finite()).fold(1e-9, f64::max)
}

/// Height of a line of the legend.
const LEGEND: f64 = 20.0;

/// Where each name of the legend stands: line by line, as many in each as it has room for.
fn legend_places(series: &[Series<'_>]) -> Vec<[f64; 2]> {
    let (mut x, mut y) = (4.0, 4.0);
    let place = |one: &Series<'_>| {
        let width = 17.0 + 7.2 * one.name.chars().count() as f64;
        if x > 4.0 && x + width > WIDTH {
            (x, y) = (4.0, y + LEGEND);
        }
        let place = [x, y];
        x += width + 16.0;
        place
    };
    series.iter().map(place).collect()
}

/// Room that the legend takes from the top.
fn legend_height(series: &[Series<'_>]) -> f64 {
    legend_places(series)
        .last()
        .map_or(0.0, |[_, y]| y + LEGEND)
}

/// A coloured square and a name for each series, from the top on.
fn legend(svg: &mut Svg, series: &[Series<'_>]) {
    for (one, [x, y]) in series.iter().zip(legend_places(series)) {
        svg.rect([x, y, 12.0, 12.0], one.colour, 1.0);
        svg.text(x + 17.0, y + 11.0, "start", one.name);
    }
}

/// Letters of the longest label that stands beside a plot.
const LONGEST: usize = 32;

/// Room for labels beside a plot, in letters of a size; what is longer is cut to as many characters as are told too.
fn label_room<'a>(labels: impl Iterator<Item = &'a str>, least: f64, size: f64) -> (f64, usize) {
    let longest = labels.map(|label| label.chars().count()).max().unwrap_or(0);
    let shown = longest.min(LONGEST);
    ((0.56 * size * shown as f64 + 14.0).max(least), LONGEST)
}

/// A name cut to `most` characters.
fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let start: String = name.chars().take(most.saturating_sub(1)).collect();
    start + "…"
}
