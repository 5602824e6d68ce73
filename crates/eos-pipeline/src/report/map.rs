//! Embeddings on a plane: training, test and synthetic rows.

use super::Material;
use super::pca::Pca;
use super::scene::Scene;
use super::tsne;
use crate::plot::{Svg, WIDTH, colour, escaped};
use crate::summary::Summary;
use std::fmt::Write as _;
use std::ops::Range;

const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 12.0;
/// More classes than these are not named on the map.
const NAMED: usize = 20;

/// The maps and what they leave out.
pub(crate) struct Map {
    pub svg: String,
    /// The same rows by t-SNE, where that was asked for.
    pub tsne: Option<String>,
    /// Shown and all of training, test and synthetic rows.
    pub training: [usize; 2],
    pub test: [usize; 2],
    pub synthetic: [usize; 2],
    /// Share of the variance along both axes, in [0, 1].
    pub explained: [f64; 2],
    /// Whether it is known what synthetic rows are made of.
    pub has_origins: bool,
}

/// The plane of the training rows' two principal components, every class weighing the same, and with `tsne` one by
/// t-SNE; `None` where embeddings have one dimension.
pub(crate) fn map(summary: &Summary, material: &Material, tsne: bool) -> Option<Map> {
    let (train, test) = (&material.train, &material.test);
    if train.dims() < 2 {
        return None;
    }
    let counts = train.class_counts();
    let weight = |label: &u32| 1.0 / counts[*label as usize] as f64;
    let weights: Vec<f64> = train.labels().iter().map(weight).collect();
    let pca = Pca::of(train.as_rows(), &weights);
    let scene = Scene::new(summary, material);
    let places: Vec<[f64; 2]> = scene.rows().map(|row| pca.project(row)).collect();
    let by_tsne = || {
        let rows: Vec<&[f32]> = scene.rows().collect();
        let places = tsne::places(&rows, &places)?;
        Some(draw(summary, &scene, &places, "by t-SNE"))
    };
    Some(Map {
        tsne: tsne.then(by_tsne).flatten(),
        svg: draw(
            summary,
            &scene,
            &places,
            "on their two principal components",
        ),
        training: [scene.training.len(), train.len()],
        test: [scene.test.len(), test.len()],
        synthetic: [scene.synthetic.len(), material.made_labels().len()],
        explained: pca.explained,
        has_origins: scene.synthetic.iter().any(|made| made.origin.is_some()),
    })
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

/// Training rows as dots, test rows as crosses, synthetic rows as rings, at `places`, one for each row of the scene.
fn draw(summary: &Summary, scene: &Scene, places: &[[f64; 2]], plane: &str) -> String {
    let frame = Frame::around(places.iter());
    let places: Vec<[f64; 2]> = places.iter().map(|place| frame.place(*place)).collect();
    let mut svg = Svg::new(
        HEIGHT,
        &format!(
            "embeddings {plane}: training rows as dots, test rows as crosses, synthetic rows as rings"
        ),
    );
    let training = &places[scene.of_training()];
    marks(&mut svg, ["training", "4", "h0"], &scene.training, training);
    let test = &places[scene.of_test()];
    marks(
        &mut svg,
        ["test", "1", "m-2-2l4 4m0-4l-4 4"],
        &scene.test,
        test,
    );
    svg.raw("<g class=\"synthetic\" fill=\"#fff\" fill-opacity=\"0\" stroke-width=\"1.5\">");
    for (made, [x, y]) in scene.synthetic.iter().zip(&places[scene.of_synthetic()]) {
        let stroke = colour(made.class);
        match &made.origin {
            None => svg.raw(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" stroke=\"{stroke}\"/>"
            )),
            Some((ends, words)) => {
                let ends = ends.map(|end| places[end]).concat();
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
        for (class, rows) in runs(&scene.training) {
            let places = &training[rows];
            let mean =
                |axis: usize| places.iter().map(|p| p[axis]).sum::<f64>() / places.len() as f64;
            svg.text(mean(0), mean(1) + 4.0, "middle", &summary.classes[class]);
        }
        svg.raw("</g>");
    }
    svg.end()
}

/// A mark at each place, in a path for each class.
fn marks(svg: &mut Svg, [kind, width, mark]: [&str; 3], classes: &[usize], places: &[[f64; 2]]) {
    svg.raw(&format!(
        "<g class=\"{kind}\" fill=\"none\" stroke-linecap=\"round\" stroke-width=\"{width}\">"
    ));
    for (class, rows) in runs(classes) {
        let mut path = String::new();
        for [x, y] in &places[rows] {
            let _ = write!(path, "M{x:.1} {y:.1}{mark}");
        }
        let stroke = colour(class);
        svg.raw(&format!(
            "<path d=\"{path}\" stroke=\"{stroke}\" stroke-opacity=\".55\"/>"
        ));
    }
    svg.raw("</g>");
}

/// Each class of a rising list, and where it stands.
fn runs(classes: &[usize]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut at = 0;
    classes.chunk_by(|a, b| a == b).map(move |run| {
        let first = at;
        at += run.len();
        (run[0], first..at)
    })
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
