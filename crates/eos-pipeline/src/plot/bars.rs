//! Bars, a group of them for each label.

use super::{Series, Svg, WIDTH, greatest, label_room, legend, legend_height, short};

const LABELS: f64 = 150.0;
/// Room for the figure behind a bar.
const FIGURES: f64 = 62.0;
const BAR: f64 = 14.0;

/// A bar for each value, from 0 to `most` (the greatest value where absent), with its figure behind it; NaN
/// is a value that is missing.
pub(crate) fn bars(
    title: &str,
    labels: &[String],
    series: &[Series<'_>],
    most: Option<f64>,
    shown: impl Fn(f64) -> String,
) -> String {
    let (room, letters) = label_room(labels.iter().map(String::as_str), LABELS, 13.0);
    let group = BAR * series.len() as f64 + 8.0;
    let most = most.unwrap_or_else(|| greatest(series));
    let top = legend_height(series) + 4.0;
    let mut svg = Svg::new(top + group * labels.len() as f64, title);
    legend(&mut svg, series);
    for (at, label) in labels.iter().enumerate() {
        let y = top + group * at as f64;
        let middle = y + BAR * series.len() as f64 / 2.0 + 4.0;
        svg.text(room - 8.0, middle, "end", &short(label, letters));
        for (s, one) in series.iter().enumerate() {
            let value = one.values[at];
            let share = (value / most).clamp(0.0, 1.0);
            let length = (WIDTH - room - FIGURES) * if share.is_nan() { 0.0 } else { share };
            let y = y + BAR * s as f64;
            svg.rect([room, y, length, BAR - 2.0], one.colour, 1.0);
            let figure = match value.is_nan() {
                true => "—".to_owned(),
                false => shown(value),
            };
            let place = [room + length + 5.0, y + 10.5, 12.0];
            svg.sized_text(place, "start", &figure);
        }
    }
    svg.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_of_the_greatest() {
        let series = [Series {
            name: "n",
            colour: "#123456",
            values: vec![1.0, 4.0, 0.0, f64::NAN],
        }];
        let labels = ["a", "<b>", "c", "d"].map(str::to_owned);
        let svg = bars("t & u", &labels, &series, None, |v| format!("{v:.1}"));
        let full = WIDTH - LABELS - FIGURES;
        for width in [full / 4.0, full, 0.0] {
            assert!(
                svg.contains(&format!("width=\"{width:.1}\" height=\"12.0\"")),
                "{width}: {svg}"
            );
        }
        assert!(svg.contains("&lt;b&gt;") && svg.contains("t &amp; u") && svg.contains(">4.0<"));
        assert!(svg.contains(">—<"));
    }
}
