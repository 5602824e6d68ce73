//! The step that `transfer` and `transfer-spread` have in common: which rows, and how far.
//!
//! A plugin depends on `eos-plugin` alone, so the two compile this file each for itself.

use eos_plugin::{Dataset, Members, Recipe, Sample, below};

/// First of the blocks of random words that the tournament takes, four entrants a block; block 0
/// is the sample's draw, block 1 is `transfer-spread`'s.
const TOURNAMENT: u32 = 2;

/// Where the difference starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At a class-mate b of x, drawn independently of it.
    ClassMate,
    /// At x itself.
    Base,
}

/// T, a and where the difference starts: what the step depends on beside the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// T, entrants of the tournament, at least 1.
    pub entrants: usize,
    /// a, the ratio of a class e times smaller than the largest, at most.
    pub amount: f64,
    /// Where the difference starts.
    pub start: Start,
}

/// A class that grows by [`Step`].
#[derive(Clone, Copy, Debug)]
pub struct Growing<'a> {
    data: Dataset<'a>,
    label: u32,
    members: &'a [u32],
    /// The ratio's upper end: a · ln(M / n_c).
    reach: f64,
}

impl<'a> Growing<'a> {
    /// Class `label` of `data`; M is the size of the largest class.
    pub fn new(data: &Dataset<'a>, members: &'a Members, label: u32, step: &Step) -> Self {
        let sizes = (0..data.classes()).map(|c| members.of(c as u32).len());
        let (largest, members) = (sizes.max().unwrap_or(0), members.of(label));
        Self {
            data: *data,
            label,
            members,
            reach: reach(step.amount, largest, members.len()),
        }
    }

    /// Rows of the class.
    pub fn members(&self) -> &'a [u32] {
        self.members
    }

    /// Upper end of the ratios, a · ln(M / n_c): 0 for the largest class.
    pub fn reach(&self) -> f64 {
        self.reach
    }

    /// x + r · (e − b) for one sample.
    pub fn recipe(&self, step: &Step, sample: &Sample<'_>) -> Recipe {
        let draw = sample.draw();
        let base = self.members[draw.base(self.members.len())];
        let from = match step.start {
            Start::ClassMate => self.members[draw.neighbour(self.members.len())],
            Start::Base => base,
        };
        Recipe {
            label: self.label,
            base,
            from,
            to: winner(&self.data, base, step.entrants, sample.words(TOURNAMENT)),
            ratio: (self.reach * f64::from(draw.ratio())) as f32,
        }
    }
}

/// a · ln(M / n_c), for a largest class of `largest` rows and one of `rows`.
pub fn reach(amount: f64, largest: usize, rows: usize) -> f64 {
    amount * (largest as f64 / rows as f64).ln()
}

/// The nearest to row `base` of `entrants` rows drawn by `words`, each uniformly among the other
/// rows; of equally near ones the lowest. `base` itself where it is the only row.
pub fn winner(
    data: &Dataset<'_>,
    base: u32,
    entrants: usize,
    words: impl Iterator<Item = u32>,
) -> u32 {
    let others = data.len() - 1;
    if others == 0 {
        return base;
    }
    let x = data.row(base);
    let drawn = words.take(entrants).map(|word| {
        let other = below(word, others) as u32;
        // Counted past the base, which is no entrant.
        other + u32::from(other >= base)
    });
    let by_distance = drawn.map(|row| (squared_distance(x, data.row(row)), row));
    by_distance
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
        .map_or(base, |(_, row)| row)
}

/// Σ (a_j − b_j)² in f64, in eight partial sums by j mod 8.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            let difference = f64::from(*a) - f64::from(*b);
            *sum += difference * difference;
        }
    }
    sums.iter().sum()
}
