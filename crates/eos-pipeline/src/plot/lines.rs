//! Lines over steps.

use super::{Series, Svg, WIDTH, greatest, legend, legend_height};
use std::fmt::Write as _;

const LEFT: f64 = 54.0;
const RIGHT: f64 = 12.0;
const HEIGHT: f64 = 166.0;

/// What a plot of lines shows.
pub(crate) struct Lines<'a> {
    /// What a screen reader says.
    pub title: &'a str,
    /// What the steps are.
    pub steps: Steps<'a>,
    /// Value at the top; the greatest where absent. 0 is at the bottom.
    pub most: Option<f64>,
}

/// The steps below a plot of lines, evenly apart.
pub(crate) enum Steps<'a> {
    /// Numbered from 1, with the word for one, such as "epoch".
    Counted(&'a str),
    /// Each with a name.
    Named(&'a [String]),
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
    match plot.steps {
        Steps::Counted(word) => {
            svg.text(LEFT, bottom + 19.0, "start", &format!("{word} 1"));
            if steps > 1 {
                svg.text(WIDTH - RIGHT, bottom + 19.0, "end", &steps.to_string());
            }
        }
        Steps::Named(names) => {
            for (step, name) in names.iter().enumerate() {
                let anchor = match step {
                    0 => "start",
                    _ if step + 1 == names.len() => "end",
                    _ => "middle",
                };
                svg.text(x(step), bottom + 19.0, anchor, name);
            }
        }
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
            steps: Steps::Counted("epoch"),
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
        let names = ["10", "50", "300"].map(str::to_owned);
        let plot = Lines {
            steps: Steps::Named(&names),
            ..plot
        };
        let svg = lines(&plot, &series, |v| format!("{v:.1}"));
        assert!(
            svg.contains("text-anchor=\"middle\" fill=\"currentColor\">50<"),
            "{svg}"
        );
    }
}
