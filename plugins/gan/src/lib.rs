//! A conditional generative adversarial network on embeddings (Goodfellow et al. 2014; Mirza,
//! Osindero 2014): new rows of a class from noise, the generative rival of the paper's method.
//!
//! A **generator** makes a row of noise z and a class c: m_c + σ_c · g(z, c), where m_c and σ_c are
//! mean and deviation of the class's rows, and g is a network. So it begins where each class lies,
//! as in BAGAN (Mariani et al. 2018), and learns the shape. A **critic** scores a row for every
//! class, s_c(x). It learns to score real rows above 1 for their class, and below −1 made rows for
//! their class and real rows for the other classes (Reed et al. 2016), by hinges (Lim, Ye 2017):
//!
//! `mean max(0, 1 − s_c(x)) + ½ · mean max(0, 1 + s_k(x)), k ≠ c, + mean max(0, 1 + s_c(made))`
//!
//! while the generator raises `mean s_c(made)`. Each weight of the critic is scaled after each
//! step to a largest singular value of 3 (Miyato et al. 2018), which keeps the game stable on few rows,
//! and the critic learns twice as fast (Heusel et al. 2017). Batches draw each class equally often.
//! Both networks have two hidden layers of leaky rectifiers, and Adam moves them; its rate falls to
//! 0 in the second half.
//!
//! - Every class with rows is trained on, whether it wants any or not; what is learned of large
//!   classes helps small ones. σ_c² of few rows leans on that of all classes, (n · v_c + v) / (n + 1),
//!   so that a class of one row is spread out too.
//! - No value leaves the range that its dimension has in the data: what is never negative stays so,
//!   and a dimension that does not vary keeps its value.
//! - Notes tell how many rows are exact copies of training rows, and how far made rows lie from the
//!   nearest training row, beside how far training rows lie from each other.
//! - Training costs time whatever is wanted: `epochs · N` rows through both networks.
//!
//! The same seed gives the same rows on any number of threads. Another processor may have wider
//! vectors, and other last bits.

mod adam;
mod critic;
mod draws;
mod game;
mod generator;
mod nearness;
mod network;
mod pool;
mod scale;
mod units;

use draws::Draws;
use eos_plugin::{Dataset, Error, Host, Mode, Oversampler, Sink, export_oversampler, params};
use game::{Game, Sizes};
use nearness::Nearness;
use scale::Scale;

/// Rows that are made at once.
const PORTION: u64 = 4096;

params! {
    /// Parameters of [`Gan`].
    pub struct Params {
        epochs: int = 60, min 1, max 1000000, "passes over as many rows as the data has";
        batch: int = 64, min 1, max 2048, "real rows in a step, and as many made ones";
        noise: int = 32, min 1, max 1024, "values of the noise that a row is made of";
        hidden: int = 128, min 1, max 1024, "units of each hidden layer";
        learning_rate: float = 0.002, min 1e-6, max 0.1, "of the generator; the critic's is twice as high";
    }
}

/// The method.
#[derive(Clone, Copy, Debug)]
pub struct Gan {
    epochs: u64,
    sizes: Sizes,
}

impl Oversampler for Gan {
    const ID: &'static str = "gan";
    const SUMMARY: &'static str = "makes rows of noise with a conditional adversarial network";
    const MODE: Mode = Mode::Rows;
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // Positive and within their limits by the declaration.
        let size = |value: i64| value as usize;
        Ok(Self {
            epochs: params.epochs as u64,
            sizes: Sizes {
                noise: size(params.noise),
                hidden: size(params.hidden),
                batch: size(params.batch),
                learning_rate: params.learning_rate,
            },
        })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        if data.wanting().next().is_none() {
            return Ok(());
        }
        let (scale, members) = (Scale::new(data), data.members());
        let game = Game {
            data: *data,
            members: &members,
            scale: &scale,
            draws: Draws::new(host.rng()?),
            sizes: self.sizes,
            steps: self.epochs * data.len().div_ceil(self.sizes.batch) as u64,
        };
        let pool = pool::new(host.threads())?;
        let trained = pool::run(&pool, host, game.steps, |told| game.play(told))?;
        let (generator, critic) = (trained.generator.parameters(), trained.critic_parameters);
        host.trained((generator + critic) as u64, game.steps);
        host.note(&format!(
            "trained a generator of {generator} parameters and a critic of {critic} in {} steps",
            game.steps
        ));
        let mut nearness = Nearness::new(*data);
        for (label, wanted) in data.wanting() {
            for first in (0..wanted).step_by(PORTION as usize) {
                let samples = first..wanted.min(first + PORTION);
                let make = |told: &dyn Fn(u64) -> Result<(), Error>| {
                    told(game.steps)?;
                    trained.generator.rows(&game.draws, label, samples)
                };
                let mut rows = pool::run(&pool, host, game.steps, make)?;
                scale.restore(&mut rows);
                nearness.see(label, &rows);
                let mut rows = rows.chunks_exact(data.dims());
                rows.try_for_each(|row| out.push_row(label, row))?;
            }
        }
        nearness.tell(host)
    }
}

export_oversampler!(Gan);
