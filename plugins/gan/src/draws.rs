//! Where each random word comes from: its position alone decides.

use eos_plugin::{Rng, below, open_unit};
use std::f64::consts::TAU;
use std::iter::repeat_with;

/// First block of the words that a training row is drawn by; those below are synthetic rows'.
const TRAINING: u32 = 1 << 31;
/// First block of the words that first weights are drawn by.
const WEIGHTS: u32 = TRAINING + (1 << 30);

/// The run's random numbers.
#[derive(Clone, Copy, Debug)]
pub struct Draws<'a>(Rng<'a>);

impl<'a> Draws<'a> {
    /// By the host's words.
    pub fn new(rng: Rng<'a>) -> Self {
        Self(rng)
    }

    /// The class and the row that place `index` of training shows, each below its number, which for
    /// the row depends on the class.
    pub fn shown(&self, index: u64, classes: usize) -> (usize, impl Fn(usize) -> usize + use<>) {
        let [class, row, ..] = self.0.block(index, 0, TRAINING);
        (below(class, classes), move |rows| below(row, rows))
    }

    /// Noise of the made row at place `index` of training.
    pub fn training_noise(&self, index: u64) -> impl Iterator<Item = f32> + use<'a> {
        normal(self.0.sample(0, index).words(TRAINING + 1))
    }

    /// Noise of synthetic row `sample` of class `label`.
    pub fn noise(&self, label: u32, sample: u64) -> impl Iterator<Item = f32> + use<'a> {
        normal(self.0.sample(label, sample).words(1))
    }

    /// Standard normal numbers for the first weights of layer `layer`.
    pub fn weights(&self, layer: u64) -> impl Iterator<Item = f32> + use<'a> {
        normal(self.0.sample(0, layer).words(WEIGHTS))
    }
}

/// Standard normal numbers, two of each two words, by Box and Muller.
fn normal(mut words: impl Iterator<Item = u32>) -> impl Iterator<Item = f32> {
    let pair = move || {
        let mut uniform = || words.next().map_or(0.5, open_unit);
        let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), TAU * uniform());
        [radius * angle.cos(), radius * angle.sin()].map(|z| z as f32)
    };
    repeat_with(pair).flatten()
}
