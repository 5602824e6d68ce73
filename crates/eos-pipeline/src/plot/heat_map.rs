//! A table as shades.

use super::{Svg, WIDTH, short};

/// More rows or columns than these have shades alone, without figures and without most names.
const READABLE: usize = 20;
const LABELS: f64 = 92.0;
const TOP: f64 = 92.0;
/// Room for the slanted name of the last column.
const RIGHT: f64 = 40.0;

/// What a heat map shows.
pub(crate) struct HeatMap<'a> {
    /// What a screen reader says.
    pub title: &'a str,
    /// Name of each row.
    pub rows: &'a [String],
    /// Name of each column.
    pub columns: &'a [String],
    /// `#rrggbb` of a full cell on the diagonal, and elsewhere.
    pub colours: [&'a str; 2],
}

/// A cell for each row and column, as full as `shade` says in [0, 1], with the words of `words`.
pub(crate) fn heat_map(
    map: &HeatMap<'_>,
    shade: impl Fn(usize, usize) -> f64,
    words: impl Fn(usize, usize) -> String,
) -> String {
    let (rows, columns) = (map.rows.len(), map.columns.len());
    let side = ((WIDTH - LABELS - RIGHT) / columns.max(1) as f64).min(60.0);
    let mut svg = Svg::new(TOP + side * rows as f64 + 2.0, map.title);
    let step = |count: usize| count.div_ceil(READABLE).max(1);
    for c in (0..columns).step_by(step(columns)) {
        let (x, y) = (LABELS + side * (c as f64 + 0.5) + 4.0, TOP - 6.0);
        svg.raw(&format!("<g transform=\"rotate(-55 {x:.1} {y:.1})\">"));
        svg.sized_text([x, y, 12.0], "start", &short(&map.columns[c], 14));
        svg.raw("</g>");
    }
    for r in 0..rows {
        let y = TOP + side * r as f64;
        if r % step(rows) == 0 {
            let name = short(&map.rows[r], 14);
            svg.sized_text([LABELS - 6.0, y + side / 2.0 + 4.0, 12.0], "end", &name);
        }
        for c in 0..columns {
            let (x, full) = (LABELS + side * c as f64, shade(r, c).clamp(0.0, 1.0));
            let gap = if columns > READABLE { 0.0 } else { 1.0 };
            let place = [x, y, side - gap, side - gap];
            svg.rect(place, map.colours[usize::from(r != c)], 0.04 + 0.66 * full);
            if rows.max(columns) <= READABLE {
                let size = (side * 0.34).clamp(7.0, 12.0);
                let middle = [x + side / 2.0, y + side / 2.0 + size / 3.0, size];
                svg.sized_text(middle, "middle", &words(r, c));
            }
        }
    }
    svg.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(side: usize) -> String {
        let names: Vec<String> = (0..side).map(|c| format!("class {c}")).collect();
        let map = HeatMap {
            title: "t",
            rows: &names,
            columns: &names,
            colours: ["#000001", "#000002"],
        };
        heat_map(
            &map,
            |r, c| (r == c) as u8 as f64,
            |r, c| format!("{r}/{c}"),
        )
    }

    #[test]
    fn cells_have_figures_as_long_as_they_can_be_read() {
        let few = drawn(3);
        assert_eq!(few.matches("<rect").count(), 9);
        assert!(few.contains(">2/1<") && few.contains("fill=\"#000001\" fill-opacity=\"0.700\""));
        let many = drawn(50);
        assert_eq!(many.matches("<rect").count(), 2500);
        assert!(!many.contains(">2/1<") && many.matches("<text").count() < 50);
    }
}
