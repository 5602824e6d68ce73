//! A value with its interval for each label, beside a line at 0.

use super::{Svg, WIDTH, label_room, short};

const LABELS: f64 = 120.0;
const RIGHT: f64 = 16.0;
const STEP: f64 = 24.0;

/// A value between the ends of its interval.
pub(crate) struct Interval {
    pub name: String,
    pub value: f64,
    pub ends: [f64; 2],
    /// `#rrggbb`.
    pub colour: &'static str,
}

/// A dot on a bar for each interval, on one axis that holds 0; `shown` writes the axis's numbers.
pub(crate) fn intervals(title: &str, all: &[Interval], shown: impl Fn(f64) -> String) -> String {
    let (room, letters) = label_room(all.iter().map(|one| one.name.as_str()), LABELS, 12.0);
    let ends = || all.iter().flat_map(|one| one.ends);
    let low = ends().fold(0.0, f64::min);
    let high = ends().fold(0.0, f64::max);
    let width = (high - low).max(1e-9);
    let x = |value: f64| room + (WIDTH - room - RIGHT) * (value - low) / width;
    let bottom = STEP * all.len() as f64 + 6.0;
    let mut svg = Svg::new(bottom + 22.0, title);
    svg.rule([x(0.0), 0.0, x(0.0), bottom]);
    for (at, one) in all.iter().enumerate() {
        let y = STEP * (at as f64 + 0.5);
        svg.sized_text(
            [room - 8.0, y + 4.0, 12.0],
            "end",
            &short(&one.name, letters),
        );
        let [from, to] = one.ends.map(x);
        svg.rect([from, y - 2.0, (to - from).max(1.0), 4.0], one.colour, 0.55);
        svg.rect([x(one.value) - 3.0, y - 6.0, 6.0, 12.0], one.colour, 1.0);
    }
    let mut marks = vec![(low, "start"), (0.0, "middle"), (high, "end")];
    // Numbers that would overlap that of 0.
    marks.retain(|(value, _)| *value == 0.0 || value.abs() > 0.12 * width);
    for (value, anchor) in marks {
        let anchor = if value == 0.0 { "middle" } else { anchor };
        svg.sized_text([x(value), bottom + 16.0, 12.0], anchor, &shown(value));
    }
    svg.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_holds_zero_and_every_end() {
        let one = |value: f64, ends| Interval {
            name: "<m>".to_owned(),
            value,
            ends,
            colour: "#123456",
        };
        let svg = intervals("t", &[one(2.0, [1.0, 3.0]), one(-0.5, [-1.0, 0.0])], |v| {
            format!("{v:+.0}")
        });
        assert!(
            svg.contains("&lt;m&gt;")
                && svg.contains(">+3<")
                && svg.contains(">-1<")
                && svg.contains(">+0<")
        );
        // −1 to 3 over the axis: 1 to 3 is its right half.
        let half = (WIDTH - LABELS - RIGHT) / 2.0;
        assert!(
            svg.contains(&format!("width=\"{half:.1}\" height=\"4.0\"")),
            "{svg}"
        );
    }
}
