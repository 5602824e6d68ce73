//! Embeddings on a plane: training, test and synthetic rows.

use super::Material;
use super::origin;
use super::pca::Pca;
use super::pick;
use crate::plot::{Svg, WIDTH, colour, escaped};
use crate::summary::Summary;
use eos_registry::Content;
use std::fmt::Write as _;

/// Rows shown at most, over all classes, each of which gets as many.
const TRAINING: usize = 1500;
const TEST: usize = 1000;
const SYNTHETIC: usize = 400;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 12.0;
/// More classes than these are not named on the map.
const NAMED: usize = 20;

/// The map and what it leaves out.
pub(crate) struct Map {
    pub svg: String,
    /// Shown and all of training, test and synthetic rows.
    pub training: [usize; 2],
    pub test: [usize; 2],
    pub synthetic: [usize; 2],
    /// Share of the variance along both axes, in [0, 1].
    pub explained: [f64; 2],
    /// Whether it is known what synthetic rows are made of.
    pub has_origins: bool,
}

/// A synthetic row on the plane.
struct Made {
    class: usize,
    at: [f64; 2],
    /// Where base, from and to lie, and what there is to say.
    origin: Option<([[f64; 2]; 3], String)>,
}

/// The plane of the training rows' two principal components, every class weighing the same; `None` where embeddings
/// have one dimension.
pub(crate) fn map(summary: &Summary, material: &Material) -> Option<Map> {
    let (train, test) = (&material.train, &material.test);
    if train.dims() < 2 {
        return None;
    }
    let classes = summary.classes.len();
    let counts = train.class_counts();
    let weight = |label: &u32| 1.0 / counts[*label as usize] as f64;
    let weights: Vec<f64> = train.labels().iter().map(weight).collect();
    let pca = Pca::of(train.as_rows(), &weights);
    let most = |limit: usize| (limit / classes).max(1);
    let shown = |rows: eos_tensor::Rows<'_>, labels: &[u32], limit| -> Vec<Vec<[f64; 2]>> {
        let picked = pick::by_class(labels, classes, most(limit));
        let places = |of: &Vec<usize>| of.iter().map(|row| pca.project(rows.row(*row))).collect();
        picked.iter().map(places).collect()
    };
    let training = shown(train.as_rows(), train.labels(), TRAINING);
    let tested = shown(test.as_rows(), test.labels(), TEST);
    let made = synthetic(summary, material, &pca, most(SYNTHETIC));
    let frame = Frame::around(training.iter().chain(&tested).flatten().chain(
        made.iter().flat_map(|made| {
            let ends = made.origin.iter().flat_map(|(ends, _)| ends);
            std::iter::once(&made.at).chain(ends)
        }),
    ));
    let sum = |of: &[Vec<[f64; 2]>]| of.iter().map(Vec::len).sum::<usize>();
    Some(Map {
        svg: draw(summary, &frame, [&training, &tested], &made),
        training: [sum(&training), train.len()],
        test: [sum(&tested), test.len()],
        synthetic: [made.len(), material.made_labels().len()],
        explained: pca.explained,
        has_origins: made.iter().any(|made| made.origin.is_some()),
    })
}

fn synthetic(summary: &Summary, material: &Material, pca: &Pca, most: usize) -> Vec<Made> {
    let labels = material.made_labels();
    let picked = pick::by_class(&labels, summary.classes.len(), most);
    let train = &material.train;
    let made = |row: usize| {
        let class = labels[row] as usize;
        match &material.made {
            Content::Rows { rows, .. } => Made {
                class,
                at: pca.project(&rows[row * train.dims()..][..train.dims()]),
                origin: None,
            },
            Content::Recipes(recipes) => {
                let recipe = &recipes[row];
                let place = |row: u32| pca.project(train.as_rows().row(row as usize));
                let [base, from, to] = [recipe.base, recipe.from, recipe.to].map(place);
                let ratio = f64::from(recipe.ratio);
                // A projection maps base + r · (to − from) as it maps rows.
                let along = |axis: usize| base[axis] + ratio * (to[axis] - from[axis]);
                let words = origin::words(recipe, train.labels(), summary);
                Made {
                    class,
                    at: [along(0), along(1)],
                    origin: Some(([base, from, to], words)),
                }
            }
        }
    };
    picked.into_iter().flatten().map(made).collect()
}

/// From the plane to the picture, at one scale in both directions.
struct Frame {
    middle: [f64; 2],
    scale: f64,
}

impl Frame {
    fn around<'a>(places: impl Iterator<Item = &'a [f64; 2]>) -> Self {
        let mut bounds = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        for place in places {
            for (bounds, value) in bounds.iter_mut().zip(place) {
                *bounds = [bounds[0].min(*value), bounds[1].max(*value)];
            }
        }
        let room = [WIDTH - 2.0 * MARGIN, HEIGHT - 2.0 * MARGIN];
        let scale = |a: usize| room[a] / (bounds[a][1] - bounds[a][0]).max(1e-9);
        Self {
            middle: bounds.map(|[least, most]| (least + most) / 2.0),
            scale: scale(0).min(scale(1)),
        }
    }

    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            WIDTH / 2.0 + self.scale * (x - self.middle[0]),
            HEIGHT / 2.0 - self.scale * (y - self.middle[1]),
        ]
    }
}

/// Training rows as dots, test rows as crosses, synthetic rows as rings.
fn draw(
    summary: &Summary,
    frame: &Frame,
    [training, tested]: [&[Vec<[f64; 2]>]; 2],
    made: &[Made],
) -> String {
    let mut svg = Svg::new(
        HEIGHT,
        "embeddings on their two principal components: training rows as dots, test rows as crosses, synthetic rows \
         as rings",
    );
    let marks = |svg: &mut Svg, kind: &str, of: &[Vec<[f64; 2]>], mark: &str, width: f64| {
        svg.raw(&format!(
            "<g class=\"{kind}\" fill=\"none\" stroke-linecap=\"round\" stroke-width=\"{width}\">"
        ));
        for (class, places) in of
            .iter()
            .enumerate()
            .filter(|(_, places)| !places.is_empty())
        {
            let mut path = String::new();
            for place in places {
                let [x, y] = frame.place(*place);
                let _ = write!(path, "M{x:.1} {y:.1}{mark}");
            }
            let stroke = colour(class);
            svg.raw(&format!(
                "<path d=\"{path}\" stroke=\"{stroke}\" stroke-opacity=\".55\"/>"
            ));
        }
        svg.raw("</g>");
    };
    marks(&mut svg, "training", training, "h0", 4.0);
    marks(&mut svg, "test", tested, "m-2-2l4 4m0-4l-4 4", 1.0);
    svg.raw("<g class=\"synthetic\" fill=\"#fff\" fill-opacity=\"0\" stroke-width=\"1.5\">");
    for made in made {
        let [x, y] = frame.place(made.at);
        let stroke = colour(made.class);
        match &made.origin {
            None => svg.raw(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" stroke=\"{stroke}\"/>"
            )),
            Some((ends, words)) => {
                let ends = ends.map(|end| frame.place(end)).concat();
                let ends: Vec<String> = ends.iter().map(|v| format!("{v:.1}")).collect();
                svg.raw(&format!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" stroke=\"{stroke}\" data-ends=\"{}\">\
                     <title>{}</title></circle>",
                    ends.join(" "),
                    escaped(words)
                ));
            }
        }
    }
    svg.raw("</g>");
    if summary.classes.len() <= NAMED {
        svg.raw(
            "<g class=\"names\" pointer-events=\"none\" font-weight=\"600\" \
             style=\"paint-order:stroke;stroke:Canvas;stroke-width:3px\">",
        );
        for (class, places) in training
            .iter()
            .enumerate()
            .filter(|(_, places)| !places.is_empty())
        {
            let mean =
                |axis: usize| places.iter().map(|p| p[axis]).sum::<f64>() / places.len() as f64;
            let [x, y] = frame.place([mean(0), mean(1)]);
            svg.text(x, y + 4.0, "middle", &summary.classes[class]);
        }
        svg.raw("</g>");
    }
    svg.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_the_shape_and_holds_every_place() {
        let places = [[-1.0, 0.0], [3.0, 1.0]];
        let frame = Frame::around(places.iter());
        let [a, b] = places.map(|place| frame.place(place));
        assert!((a[0] - MARGIN).abs() < 1e-9 && (b[0] - (WIDTH - MARGIN)).abs() < 1e-9);
        assert!(((a[1] - b[1]) / (b[0] - a[0]) - 0.25).abs() < 1e-9);
    }
}
