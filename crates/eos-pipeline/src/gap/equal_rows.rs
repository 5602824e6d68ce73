//! The gap with equally many rows of every class.

use super::Gap;
use super::ranges::{Members, Ranges, mean};
use eos_tensor::{PhiloxRng, Rows, stream};
use rayon::prelude::*;
use serde::Serialize;

/// How the subsets are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EqualRows {
    /// Subsets whose gaps are averaged, at least 1.
    pub draws: u32,
    /// Of everything random.
    pub seed: u64,
}

/// How many rows of each class the gap with equally many rows is measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Subsets {
    /// Rows of each class that ranges are taken from: the fewest that a class of any set has.
    pub train_rows: usize,
    /// Unseen rows of each class: the fewest that a class has.
    pub test_rows: usize,
    /// Subsets whose gaps are averaged.
    pub draws: u32,
    /// Of everything random.
    pub seed: u64,
}

impl Subsets {
    /// The fewest rows of the classes that have rows in every one of `sets` and in `test`; `None`
    /// where no class has.
    pub(super) fn new(control: EqualRows, sets: &[Members], test: &Members) -> Option<Self> {
        let fewest = |set: &Members, class: usize| set[class].len();
        let of_class = |class: usize| {
            let least = sets.iter().map(|set| fewest(set, class)).min().unwrap_or(0);
            (least, fewest(test, class))
        };
        let both = (0..test.len()).map(of_class);
        let both: Vec<(usize, usize)> = both.filter(|(a, b)| *a.min(b) > 0).collect();
        Some(Self {
            train_rows: both.iter().map(|pair| pair.0).min()?,
            test_rows: both.iter().map(|pair| pair.1).min()?,
            draws: control.draws,
            seed: control.seed,
        })
    }

    /// Mean of the gaps of all draws. Subset `draw` of a class is the same on any number of threads.
    pub(super) fn gap(
        &self,
        train: (Rows<'_>, &Members),
        test: (Rows<'_>, &Members),
        quantile: f64,
    ) -> Gap {
        let of_draw = |draw: u32| {
            let range = |(rows, members): (Rows<'_>, &Members), count, side| {
                let subset = self.subset(members, count, 2 * u64::from(draw) + side);
                Ranges::of(rows, &subset, quantile)
            };
            let (train, test) = (
                range(train, self.train_rows, 0),
                range(test, self.test_rows, 1),
            );
            train.gap(&test).per_class
        };
        let draws: Vec<Vec<f64>> = (0..self.draws).into_par_iter().map(of_draw).collect();
        let of_class =
            |c: usize| draws.iter().map(|gaps| gaps[c]).sum::<f64>() / draws.len() as f64;
        let per_class: Vec<f64> = (0..train.1.len()).map(of_class).collect();
        let mean = mean(&per_class);
        Gap {
            per_class,
            mean,
            sum: mean * train.0.dims() as f64,
        }
    }

    /// `count` rows of each class without repetition, none of a class with fewer.
    fn subset(&self, members: &Members, count: usize, number: u64) -> Members {
        let of_class = |(class, members): (usize, &Vec<u32>)| {
            if members.len() < count {
                return Vec::new();
            }
            let index = number << 32 | class as u64;
            let mut rng = PhiloxRng::new(self.seed, stream::SUBSETS, index);
            let mut rows = members.clone();
            for place in 0..count {
                let left = (rows.len() - place) as u32;
                rows.swap(place, place + rng.below(left) as usize);
            }
            rows.truncate(count);
            rows
        };
        members.iter().enumerate().map(of_class).collect()
    }
}
