//! The few marks that the plots are made of.

use super::WIDTH;
use std::fmt::Write as _;

/// Ten colours that differ for colour-blind readers too (most are those of Okabe and Ito), none of them so light or so
/// dark that it is lost on white or black ground.
const COLOURS: [&str; 10] = [
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c7a00", "#8a8f98",
    "#9467bd", "#a0522d",
];

/// The colour of class `c`; they repeat after ten.
pub(crate) fn colour(c: usize) -> &'static str {
    COLOURS[c % COLOURS.len()]
}

/// SVG text under way.
pub(crate) struct Svg(String);

impl Svg {
    /// A picture [`WIDTH`] wide; `title` is what a screen reader says.
    pub fn new(height: f64, title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
             aria-label=\"{title}\" font-family=\"system-ui, sans-serif\" font-size=\"13\"><title>{title}</title>"
        ))
    }

    /// `x`, `y`, width and height.
    pub fn rect(&mut self, [x, y, width, height]: [f64; 4], colour: &str, opacity: f64) {
        let _ = write!(
            self.0,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\""
        );
        if opacity < 1.0 {
            let _ = write!(self.0, " fill-opacity=\"{opacity:.3}\"");
        }
        self.0.push_str("/>");
    }

    /// `anchor` is "start", "middle" or "end".
    pub fn text(&mut self, x: f64, y: f64, anchor: &str, words: &str) {
        self.sized_text([x, y, 13.0], anchor, words);
    }

    /// At `x`, `y`, in letters of a size.
    pub fn sized_text(&mut self, [x, y, size]: [f64; 3], anchor: &str, words: &str) {
        let words = escaped(words);
        let _ = write!(
            self.0,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"currentColor\""
        );
        if size != 13.0 {
            let _ = write!(self.0, " font-size=\"{size:.1}\"");
        }
        let _ = write!(self.0, ">{words}</text>");
    }

    /// A faint line from one point to another.
    pub fn rule(&mut self, [x, y, to_x, to_y]: [f64; 4]) {
        let _ = write!(
            self.0,
            "<path d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\" stroke=\"currentColor\" stroke-opacity=\".25\"/>"
        );
    }

    /// Any other marks; what comes from outside is [`escaped`] before.
    pub fn raw(&mut self, marks: &str) {
        self.0.push_str(marks);
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

/// Words as they may stand in SVG and HTML, in an attribute too.
pub(crate) fn escaped(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
