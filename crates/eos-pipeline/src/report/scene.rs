//! The rows that a map shows, in one list.

use super::{Material, origin, pick};
use crate::summary::Summary;
use eos_registry::Content;
use eos_tensor::{Recipe, Rows};
use std::ops::Range;

/// Rows shown at most, over all classes, each of which gets as many.
const TRAINING: usize = 1500;
const TEST: usize = 1000;
const SYNTHETIC: usize = 400;

/// What a map shows, and where it stands in the list.
pub(crate) struct Scene {
    /// `[N, D]`: training rows, test rows, synthetic rows, and what these are made of.
    values: Vec<f32>,
    dims: usize,
    /// Class of each training row shown, rising.
    pub training: Vec<usize>,
    /// Class of each test row shown, rising.
    pub test: Vec<usize>,
    pub synthetic: Vec<Made>,
}

/// A synthetic row.
pub(crate) struct Made {
    pub class: usize,
    /// Where its recipe's base, from and to stand in the list, and what there is to say.
    pub origin: Option<([usize; 3], String)>,
}

impl Scene {
    /// Picks rows of each class, evenly over their order.
    pub fn new(summary: &Summary, material: &Material) -> Self {
        let (train, test) = (&material.train, &material.test);
        let mut scene = Self {
            values: Vec::new(),
            dims: train.dims(),
            training: Vec::new(),
            test: Vec::new(),
            synthetic: Vec::new(),
        };
        let classes = summary.classes.len();
        let picked = |labels: &[u32], limit: usize| {
            let rows = pick::by_class(labels, classes, (limit / classes).max(1));
            let rows = rows.into_iter().enumerate();
            rows.flat_map(|(class, rows)| rows.into_iter().map(move |row| (class, row)))
        };
        for (class, row) in picked(train.labels(), TRAINING) {
            scene.training.push(class);
            scene.values.extend(train.as_rows().row(row));
        }
        for (class, row) in picked(test.labels(), TEST) {
            scene.test.push(class);
            scene.values.extend(test.as_rows().row(row));
        }
        let made: Vec<(usize, usize)> = picked(&material.made_labels(), SYNTHETIC).collect();
        match &material.made {
            Content::Rows { rows, .. } => {
                for (class, row) in made {
                    let values = &rows[row * scene.dims..][..scene.dims];
                    scene.values.extend(values);
                    let origin = None;
                    scene.synthetic.push(Made { class, origin });
                }
            }
            Content::Recipes(recipes) => {
                let made = made.iter().map(|(class, row)| (*class, &recipes[*row]));
                scene.by_recipes(made.collect(), train.labels(), train.as_rows(), summary);
            }
        }
        scene
    }

    /// Adds synthetic rows, then the training rows that they are made of, each once.
    fn by_recipes(
        &mut self,
        made: Vec<(usize, &Recipe)>,
        labels: &[u32],
        rows: Rows<'_>,
        summary: &Summary,
    ) {
        for (_, recipe) in &made {
            let [base, from, to] = ends(recipe).map(|row| rows.row(row as usize));
            let along = base.iter().zip(from).zip(to);
            let value =
                |((base, from), to): ((&f32, &f32), &f32)| base + recipe.ratio * (to - from);
            self.values.extend(along.map(value));
        }
        let mut sources: Vec<u32> = made.iter().flat_map(|(_, recipe)| ends(recipe)).collect();
        sources.sort_unstable();
        sources.dedup();
        let first = self.len();
        for row in &sources {
            self.values.extend(rows.row(*row as usize));
        }
        let place = |row: u32| first + sources.partition_point(|other| *other < row);
        self.synthetic = made
            .into_iter()
            .map(|(class, recipe)| Made {
                class,
                origin: Some((
                    ends(recipe).map(place),
                    origin::words(recipe, labels, summary),
                )),
            })
            .collect();
    }

    /// N.
    pub fn len(&self) -> usize {
        self.values.len() / self.dims
    }

    /// All rows, each `[D]`.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.dims)
    }

    /// Where the training rows stand.
    pub fn of_training(&self) -> Range<usize> {
        0..self.training.len()
    }

    /// Where the test rows stand.
    pub fn of_test(&self) -> Range<usize> {
        let first = self.training.len();
        first..first + self.test.len()
    }

    /// Where the synthetic rows stand.
    pub fn of_synthetic(&self) -> Range<usize> {
        let first = self.of_test().end;
        first..first + self.synthetic.len()
    }
}

fn ends(recipe: &Recipe) -> [u32; 3] {
    [recipe.base, recipe.from, recipe.to]
}
