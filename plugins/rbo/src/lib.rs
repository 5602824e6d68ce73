//! Radial-based oversampling, RBO (Koziarski, Krawczyk, Wozniak 2019): new points, made by walks
//! from rows of a class to where its potential and that of the other classes balance.
//!
//! The potential of class c at x is φ(x) = Σ exp(−(‖x − eᵢ‖ / γ)²) − Σ exp(−(‖x − oᵢ‖ / γ)²), over
//! the rows e of other classes and o of its own. For each row to make, a base is drawn uniformly
//! among the rows of the class. Then, up to `iterations` times, unless the walk ends before with
//! the chance `stop`, a coordinate and a direction are drawn, and the coordinate is moved by `step`
//! where that lowers |φ|. Every other class counts as an enemy, as one against the rest.
//!
//! `unit = "spread"` takes γ and the step as shares of the data's spread, the root of its summed
//! variances, so that the defaults do something on embeddings of any scale; "data" takes them as
//! they stand, as the paper does, for data that was standardized.
//!
//! imbalanced-learn has no such method. Differences from the paper and its authors' programs:
//! - Directions are drawn with replacement; the programs draw each of them once for a position.
//! - Several classes: each against all others at once, by the counts that are wanted.
//! - A class most of whose rows could not move is told of in a note.
//! - Distances of a walk are kept, and a step changes them by one coordinate: the sum over all N
//!   rows costs N instead of N · D. The bits are the same for every number of threads.

mod potential;
mod walk;

pub use potential::{Columns, Distances, Form, Norm, Potential, Radial};
pub use walk::{Steps, walk};

use eos_plugin::{
    Dataset, Error, Host, Mode, Oversampler, Sink, choice, export_oversampler, params,
};

/// Walks of each thread between two reports of progress.
const WALKS_A_REPORT: u64 = 64;

choice! {
    /// What γ and the step are measured in.
    #[derive(PartialEq, Eq)]
    pub enum Unit {
        /// The root of the summed variances of all values' columns.
        Spread = "spread",
        /// The data's own unit.
        Data = "data",
    }
}

params! {
    /// Parameters of [`Rbo`].
    pub struct Params {
        gamma: float = 0.25, min 1e-9, max 1e9, "reach of a row's potential";
        step: float = 0.02, min 1e-12, max 1e9, "by how much a coordinate changes at once";
        iterations: int = 500, min 1, max 1000000, "steps tried for a row at most";
        stop: float = 0.02, min 0.0, max 1.0, "chance, before each try, that a row is done";
        unit: choice(Unit) = "spread", "what gamma and step are measured in";
        norm: choice(Norm) = "l2", "how rows lie apart";
        form: choice(Form) = "divide", "divide distances by gamma, or multiply them with it";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct Rbo(Params);

impl Oversampler for Rbo {
    const ID: &'static str = "rbo";
    const SUMMARY: &'static str = "walks to where the classes' potentials balance";
    const MODE: Mode = Mode::Rows;
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        Ok(Self(params))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        if data.wanting().next().is_none() {
            return Ok(());
        }
        let unit = match self.0.unit {
            Unit::Data => 1.0,
            Unit::Spread => spread(data.rows(), data.dims()),
        };
        let radial = self.radial(unit);
        let steps = Steps {
            size: (self.0.step * unit) as f32,
            most: self.0.iterations as u32,
            stop: self.0.stop,
        };
        let (columns, members) = (Columns::new(data.rows(), data.dims()), data.members());
        for (label, wanted) in data.wanting() {
            let potential = Potential::new(&columns, data.labels(), label, radial);
            let class = Class {
                label,
                members: members.of(label),
                wanted,
                potential: &potential,
                steps: &steps,
            };
            class.sample(data, host, out)?;
        }
        Ok(())
    }
}

impl Rbo {
    /// The radial function, with γ in `unit`. Where distances are multiplied with it, it is the
    /// share of one over the unit.
    fn radial(&self, unit: f64) -> Radial {
        let gamma = match self.0.form {
            Form::Divide => self.0.gamma * unit,
            Form::Multiply => self.0.gamma / unit,
        };
        Radial::new(self.0.norm, self.0.form, gamma)
    }
}

/// The root of the summed variances of the columns of `values`, `[N, D]`: the root mean squared
/// distance to their mean. 1 where all rows are equal.
///
/// ```
/// // Each row lies 5 from the mean, (0, 0).
/// assert_eq!(eos_plugin_rbo::spread(&[3.0, 4.0, -3.0, -4.0], 2), 5.0);
/// ```
pub fn spread(values: &[f32], dims: usize) -> f64 {
    let n = (values.len() / dims.max(1)).max(1) as f64;
    let mut means = vec![0.0; dims];
    for row in values.chunks_exact(dims.max(1)) {
        for (sum, value) in means.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    means.iter_mut().for_each(|sum| *sum /= n);
    let rows = values.chunks_exact(dims.max(1));
    let squares = rows.map(|row| {
        let apart = row.iter().zip(&means).map(|(v, mean)| f64::from(*v) - mean);
        apart.map(|t| t * t).sum::<f64>()
    });
    let spread = (squares.sum::<f64>() / n).sqrt();
    if spread > 0.0 { spread } else { 1.0 }
}

/// A class that wants rows.
struct Class<'a> {
    label: u32,
    members: &'a [u32],
    wanted: u64,
    potential: &'a Potential<'a>,
    steps: &'a Steps,
}

impl Class<'_> {
    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let (rng, label) = (host.rng()?, self.label);
        let total = data.wanted().iter().sum();
        let (mut done, mut still) = (0, 0);
        while done < self.wanted {
            let batch = (self.wanted - done).min(WALKS_A_REPORT * host.threads() as u64);
            let walks = host.parallel_polled(batch as usize, |i, poll| {
                let sample = done + i as u64;
                let base = self.members[rng.draw(label, sample).base(self.members.len())];
                let base = data.row(base);
                // Block 0 is the sample's draw, each further one a try's.
                let words = |attempt| rng.block(sample, label, 1 + attempt);
                let check = &mut || poll.check();
                let end = walk(self.potential, base, self.steps, words, check)?;
                Ok((end == base, end))
            })?;
            for (stayed, row) in &walks {
                still += u64::from(*stayed);
                out.push_row(label, row)?;
            }
            done += batch;
            host.progress(total - out.room(), total)?;
        }
        if 2 * still > self.wanted {
            host.note(&format!(
                "class {label}: {still} of its {} synthetic rows are copies, for no step that was \
                 tried lowered the potential; raise gamma or iterations, or lower step or stop",
                self.wanted
            ));
        }
        Ok(())
    }
}

export_oversampler!(Rbo);
