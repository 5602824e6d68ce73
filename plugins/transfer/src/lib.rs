//! The graded difference transfer: rows of a small class move as the difference between a nearby
//! row of any class and a class-mate says, the further the smaller the class is.
//!
//! For each sample of class c, with n_c rows where the largest class has M:
//! 1. x and b, two independent uniform rows of class c;
//! 2. e, the nearest to x among T uniform rows of **any** class, x excluded: a tournament, without
//!    a search for neighbours; of equally near rows the lowest;
//! 3. r = a · ln(M / n_c) · U[0, 1), not capped;
//! 4. `x + r · (e − b)`, labelled c. As a recipe: base x, from b, to e, ratio r.
//!
//! Why: on rows that the network has not seen, the mean of a rare class sits closer to the mean of
//! all rows, by a share that grows like ln(M / n_c), and its spread is larger than in training.
//! Interpolation copies the shift but shrinks the spread by (1 − r)²; a difference that starts at
//! a random class-mate b keeps the shift without the shrinking. With `from = "base"` (b = x) it is
//! the plain interpolation of two rows, slightly worse.
//!
//! Measured for this project on CIFAR-10-LT embeddings; it is in no paper, and imbalanced-learn
//! has no such method. Differences from its SMOTE, which a user may compare with: no neighbours
//! are searched, rows of any class are gone towards, and a row need not lie on a segment between
//! two rows. Class sizes alone set how far it goes: the largest class, or all classes of a balanced
//! set, would be repeated exactly, and a note says so.
//!
//! The spread η · (u − v) of two more class-mates needs five rows, one more difference than a
//! recipe has; the method with it is the plugin `transfer-spread`, which makes its rows itself.

pub mod step;

use eos_plugin::{Dataset, Error, Host, Oversampler, Sink, choice, export_oversampler, params};
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
    /// Parameters of [`Transfer`].
    pub struct Params {
        t: int = 8, min 1, max 65536, "rows of any class among which the nearest is gone towards";
        a: float = 0.2, min 0.0, max 100.0, "how far: the ratio is below a · ln(largest class / class)";
        from: choice(From) = "class-mate", "where the difference starts; base: plain interpolation";
    }
}

/// The method.
#[derive(Clone, Copy, Debug)]
pub struct Transfer(Step);

impl Oversampler for Transfer {
    const ID: &'static str = "transfer";
    const SUMMARY: &'static str = "moves small classes by graded differences to nearby rows";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        Ok(Self(Step {
            // Within 1 and 65536 by the declaration.
            entrants: usize::try_from(params.t).unwrap_or(usize::MAX),
            amount: params.a,
            start: match params.from {
                From::ClassMate => Start::ClassMate,
                From::Base => Start::Base,
            },
        }))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        for (label, wanted) in data.wanting() {
            let class = Growing::new(data, &members, label, &self.0);
            if class.reach() == 0.0 {
                host.note(&format!(
                    "class {label}: its {wanted} synthetic rows are copies: a · ln(largest class / \
                     class) is 0"
                ));
            }
            out.draw_parallel(host, label, wanted, |sample| class.recipe(&self.0, &sample))?;
        }
        Ok(())
    }
}

export_oversampler!(Transfer);
