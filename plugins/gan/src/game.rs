//! The game of generator and critic.

use crate::adam::Adam;
use crate::critic::Critic;
use crate::draws::Draws;
use crate::generator::Generator;
use crate::network::{back, copied, recorded};
use crate::scale::Scale;
use eos_plugin::{Dataset, Error, Members};

/// The critic's learning rate over the generator's.
const CRITIC_RATE: f64 = 2.0;
/// Share of the steps after which the learning rates begin to fall, in a line down to 0.
const LEVEL: f64 = 0.5;

/// Sizes of the networks and of a step.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Z, values of the noise.
    pub noise: usize,
    /// Units of a hidden layer.
    pub hidden: usize,
    /// Real rows in a step, and as many made ones.
    pub batch: usize,
    /// The generator's, before it falls.
    pub learning_rate: f64,
}

/// What is played on.
#[derive(Debug)]
pub struct Game<'a> {
    /// At least one row.
    pub data: Dataset<'a>,
    /// Its rows by class.
    pub members: &'a Members,
    /// Its unit.
    pub scale: &'a Scale,
    /// All the chance there is.
    pub draws: Draws<'a>,
    /// Of the networks and of a step.
    pub sizes: Sizes,
    /// How many steps are played.
    pub steps: u64,
}

/// What the game ends in.
#[derive(Debug)]
pub struct Trained {
    /// The player that is kept.
    pub generator: Generator,
    /// How many numbers the other one has learned.
    pub critic_parameters: usize,
}

impl Game<'_> {
    /// Plays every step; `told` hears of each, and says whether to go on.
    ///
    /// # Errors
    /// What `told` says; a loss that is no number.
    pub fn play(&self, told: &dyn Fn(u64) -> Result<(), Error>) -> Result<Trained, Error> {
        let (mut generator, mut critic) = (Generator::new(self)?, Critic::new(self)?);
        let mut adam = Adam::new();
        let every = 0..self.data.classes() as u32;
        let classes: Vec<u32> = every.filter(|c| !self.members.of(*c).is_empty()).collect();
        for step in 0..self.steps {
            told(step)?;
            let first = step * self.sizes.batch as u64;
            let (labels, real) = self.batch(first, &classes);
            let noise = |i| self.draws.training_noise(first + i as u64);
            let made = generator.forward(&labels, noise, recorded)?;
            let rate = self.learning_rate(step);
            let loss = critic.learn(&labels, &real, &copied(&made), CRITIC_RATE * rate)?;
            if !loss.is_finite() {
                return Err(Error::failed(format_args!(
                    "training diverged in step {} of {}: the critic's loss is {loss}; lower \
                     learning-rate, {} now",
                    step + 1,
                    self.steps,
                    self.sizes.learning_rate
                )));
            }
            let (scores, by_scores) = critic.judge(made, &labels)?;
            adam.step(&mut generator.network, back(scores, by_scores)?, rate)?;
        }
        Ok(Trained {
            generator,
            critic_parameters: critic.parameters(),
        })
    }

    fn learning_rate(&self, step: u64) -> f64 {
        let left = 1.0 - step as f64 / self.steps as f64;
        self.sizes.learning_rate * (left / (1.0 - LEVEL)).min(1.0)
    }

    /// Classes, each of `classes` equally often, and a standardised row of each, `[n, D]`: those at
    /// the places from `first` on.
    fn batch(&self, first: u64, classes: &[u32]) -> (Vec<u32>, Vec<f32>) {
        let mut labels = Vec::with_capacity(self.sizes.batch);
        let mut real = Vec::with_capacity(self.sizes.batch * self.data.dims());
        for index in first..first + self.sizes.batch as u64 {
            let (class, row) = self.draws.shown(index, classes.len());
            let members = self.members.of(classes[class]);
            let row = self.data.row(members[row(members.len())]);
            labels.push(classes[class]);
            self.scale.standardise(row, &mut real);
        }
        (labels, real)
    }
}
