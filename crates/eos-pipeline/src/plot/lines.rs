//! Lines over steps that are numbered from 1.

use super::{Series, Svg, WIDTH, greatest, legend, legend_height};
use std::fmt::Write as _;

const LEFT: f64 = 54.0;
const RIGHT: f64 = 12.0;
const HEIGHT: f64 = 166.0;

/// What a plot of lines shows.
pub(crate) struct Lines<'a> {
    /// What a screen reader says.
    pub title: &'a str,
    /// What is numbered, such as "epoch".
    pub step: &'a str,
    /// Value at the top; the greatest where absent. 0 is at the bottom.
    pub most: Option<f64>,
}

/// A line for each series; values that are not finite break it. A line of one value is a dot.
pub(crate) fn lines(
    plot: &Lines<'_>,
    series: &[Series<'_>],
    shown: impl Fn(f64) -> String,
) -> String {
    let most = plot.most.unwrap_or_else(|| greatest(series));
    let steps = series.iter().map(|s| s.values.len()).max().unwrap_or(0);
    let top = legend_height(series) + 10.0;
    let bottom = top + HEIGHT;
    let mut svg = Svg::new(bottom + 26.0, plot.title);
    legend(&mut svg, series);
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let y = bottom - HEIGHT * share;
        svg.rule([LEFT, y, WIDTH - RIGHT, y]);
        svg.sized_text([LEFT - 6.0, y + 4.0, 12.0], "end", &shown(most * share));
    }
    let x = |step: usize| LEFT + (WIDTH - LEFT - RIGHT) * step as f64 / (steps.max(2) - 1) as f64;
    for (s, one) in series.iter().enumerate() {
        let mut path = String::new();
        let mut pen = 'M';
        for (step, value) in one.values.iter().enumerate() {
            if !value.is_finite() {
                pen = 'M';
                continue;
            }
            let y = bottom - HEIGHT * (value / most).clamp(0.0, 1.0);
            let _ = write!(path, "{pen}{:.1} {y:.1}", x(step));
            if pen == 'M' {
                path.push_str("h0");
            }
            pen = 'L';
        }
        // Told apart by their dashes too.
        let dashes = ["", " stroke-dasharray=\"8 5\"", " stroke-dasharray=\"2 5\""][s % 3];
        svg.raw(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2.5\" stroke-linecap=\"round\" \
             stroke-linejoin=\"round\"{dashes}/>",
            one.colour
        ));
    }
    let first = format!("{} 1", plot.step);
    svg.text(LEFT, bottom + 19.0, "start", &first);
    if steps > 1 {
        svg.text(WIDTH - RIGHT, bottom + 19.0, "end", &steps.to_string());
    }
    svg.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_edge_to_edge_and_breaks_where_there_is_no_value() {
        let plot = Lines {
            title: "t",
            step: "epoch",
            most: Some(2.0),
        };
        let series = [Series {
            name: "loss",
            colour: "#111111",
            values: vec![2.0, f64::NAN, 0.0],
        }];
        let svg = lines(&plot, &series, |v| format!("{v:.1}"));
        assert!(svg.contains("d=\"M54.0 34.0h0M468.0 200.0h0\""), "{svg}");
        assert!(svg.contains(">epoch 1<") && svg.contains(">3<") && svg.contains(">1.5<"));
    }
}
