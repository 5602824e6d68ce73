//! What the generator measures each class in.

use crate::game::Game;

/// Mean and deviation of the standardised rows of each class, `[C, D]`.
#[derive(Debug)]
pub struct Units {
    /// 0 for a class without rows.
    pub means: Vec<f32>,
    /// √((n · v_c + v) / (n + 1)) with the variance v_c of the class's n rows and the mean v of that
    /// of all rows about the means of their classes.
    pub deviations: Vec<f32>,
}

impl Units {
    /// Of the game's rows.
    pub fn new(game: &Game<'_>) -> Self {
        let (dims, classes) = (game.data.dims(), game.data.classes() as u32);
        let mut means = Vec::with_capacity(classes as usize * dims);
        let mut squares = Vec::with_capacity(classes as usize * dims);
        for class in 0..classes {
            let mean = average(game, class, |_, value| value);
            squares.extend(average(game, class, |j, value| (value - mean[j]).powi(2)));
            means.extend(mean);
        }
        let rows = |class: usize| game.members.of(class as u32).len() as f64;
        let mut pooled = vec![0.0; dims];
        for (class, squares) in squares.chunks_exact(dims).enumerate() {
            let share = rows(class) / game.data.len() as f64;
            let sums = pooled.iter_mut().zip(squares);
            sums.for_each(|(sum, square)| *sum += share * square);
        }
        let each = squares.chunks_exact(dims).enumerate();
        let deviations = each.flat_map(|(class, squares)| {
            let n = rows(class);
            let leaning = squares.iter().zip(&pooled);
            leaning.map(move |(square, pooled)| ((n * square + pooled) / (n + 1.0)).sqrt() as f32)
        });
        Self {
            deviations: deviations.collect(),
            means: means.into_iter().map(|mean| mean as f32).collect(),
        }
    }
}

/// The average of `of(j, value j)` over the standardised rows of a class, `[D]`; 0 without rows.
fn average(game: &Game<'_>, class: u32, of: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let members = game.members.of(class);
    let mut sums = vec![0.0; game.data.dims()];
    let mut row = Vec::with_capacity(sums.len());
    for &member in members {
        row.clear();
        game.scale.standardise(game.data.row(member), &mut row);
        for (j, (sum, value)) in sums.iter_mut().zip(&row).enumerate() {
            *sum += of(j, f64::from(*value)) / members.len() as f64;
        }
    }
    sums
}
