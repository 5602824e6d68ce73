//! The graded difference transfer of the plugin `transfer`, and the spread of its class added:
//! `x + r · (e − b) + η · (u − v)` with two more uniform rows u and v of the class.
//!
//! x, b, e and r are exactly those of `transfer` with the same seed, T, a and `from`. With η = 0.5
//! small classes gain; with η = 0 the rows are those of `transfer`, bit for bit. Five rows are one
//! difference more than a recipe holds, so this method makes its rows itself: `4 · D` bytes a row
//! instead of 20, and no provenance.
//!
//! Measured for this project; it is in no paper, and imbalanced-learn has no such method. Unlike
//! its methods, this one makes rows outside of every segment between two rows.

#[path = "../../transfer/src/step.rs"]
pub mod step;

use eos_plugin::Mode;
use eos_plugin::{
    Dataset, Error, Host, Oversampler, Sample, Sink, below, choice, export_oversampler, params,
};
use step::{Growing, Start, Step};

choice! {
    /// Where the difference starts.
    #[derive(PartialEq, Eq)]
    pub enum From {
        /// At a second row of the class, b.
        ClassMate = "class-mate",
        /// At the base, x.
        Base = "base",
    }
}

params! {
    /// Parameters of [`TransferSpread`].
    pub struct Params {
        t: int = 8, min 1, max 65536, "rows of any class among which the nearest is gone towards";
        a: float = 0.2, min 0.0, max 100.0, "how far: the ratio is below a · ln(largest class / class)";
        eta: float = 0.5, min 0.0, max 100.0, "share of the difference of two class-mates that is added";
        from: choice(From) = "class-mate", "where the difference starts; base: at the row itself";
    }
}

/// The method.
#[derive(Clone, Copy, Debug)]
pub struct TransferSpread {
    step: Step,
    eta: f32,
}

impl Oversampler for TransferSpread {
    const ID: &'static str = "transfer-spread";
    const SUMMARY: &'static str = "as transfer, widened by the difference of two class-mates";
    const MODE: Mode = Mode::Rows;
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        let step = Step {
            // Within 1 and 65536 by the declaration.
            entrants: usize::try_from(params.t).unwrap_or(usize::MAX),
            amount: params.a,
            start: match params.from {
                From::ClassMate => Start::ClassMate,
                From::Base => Start::Base,
            },
        };
        Ok(Self {
            step,
            eta: params.eta as f32,
        })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        for (label, wanted) in data.wanting() {
            let class = Growing::new(data, &members, label, &self.step);
            if class.members().len() == 1 && class.reach() == 0.0 {
                host.note(&format!(
                    "class {label}: its {wanted} synthetic rows are copies of its only row"
                ));
            }
            out.draw_rows(host, label, wanted, |sample, row| {
                self.push(data, &class, &sample, row);
            })?;
        }
        Ok(())
    }
}

impl TransferSpread {
    /// Appends the row of one sample: that of the recipe, every operation rounded to f32 as the
    /// host does, then the spread.
    fn push(
        &self,
        data: &Dataset<'_>,
        class: &Growing<'_>,
        sample: &Sample<'_>,
        row: &mut Vec<f32>,
    ) {
        let recipe = class.recipe(&self.step, sample);
        let [x, b, e] = [recipe.base, recipe.from, recipe.to].map(|i| data.row(i));
        let (members, [word_u, word_v, ..]) = (class.members(), sample.block(1));
        let [u, v] = [word_u, word_v].map(|word| data.row(members[below(word, members.len())]));
        row.extend((0..data.dims()).map(|j| {
            let moved = x[j] + recipe.ratio * (e[j] - b[j]);
            if self.eta == 0.0 {
                moved
            } else {
                moved + self.eta * (u[j] - v[j])
            }
        }));
    }
}

export_oversampler!(TransferSpread);
