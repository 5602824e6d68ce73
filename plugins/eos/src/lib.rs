//! EOS, expansive over-sampling (Dablain, Bellinger, Krawczyk, Chawla; arXiv 2207.06080): each
//! synthetic row lies between a borderline row of its class and one of its nearest enemies.
//!
//! For class c: a *base* is a row of c with at least one *enemy*, a row of another class, among
//! its K nearest neighbours of any class. Of each sample the base is drawn uniformly with
//! replacement, then one of its enemies uniformly, then a ratio r in [0, 1); the row is
//! `base + r · (enemy − base)`, labelled c. So a class grows towards its enemies, where
//! interpolation within the class cannot go.
//!
//! A class none of whose rows has an enemy that near goes by the parameter `no-enemies`, and the
//! note on it counts the rows made so. `compat = "reference"` repeats what the authors' script
//! does instead of what they describe; see [`Compat::Reference`].

mod bases;
mod fallback;

pub use bases::{Bases, Pick, targets};

use bases::for_each;
use eos_plugin::{
    Classes, Dataset, Error, Host, Oversampler, Sink, choice, export_oversampler, params,
};

choice! {
    /// What to do with a class none of whose rows has an enemy among its K nearest.
    #[derive(PartialEq, Eq)]
    pub enum NoEnemies {
        /// Double K, up to N − 1, until some row has one; then the nearest enemies outright.
        Widen = "widen",
        /// Every row is a base, and its K nearest rows of other classes are its enemies.
        Nearest = "nearest",
        /// Interpolate within the class, between a row and its K nearest class-mates.
        Smote = "smote",
        /// Refuse.
        Error = "error",
    }
}

choice! {
    /// Whose idea of EOS.
    #[derive(PartialEq, Eq)]
    pub enum Compat {
        /// The description's.
        None = "none",
        /// The authors' script's, which takes the row one position nearer than the enemy drawn:
        /// it looks the enemy's position up in a list that starts with the base itself. An enemy
        /// that is the nearest neighbour becomes the base. For comparison with published figures.
        Reference = "reference",
    }
}

params! {
    /// Parameters of [`Eos`].
    pub struct Params {
        k: int = 10, min 1, "nearest neighbours among which to look for enemies";
        no_enemies: choice(NoEnemies) = "widen", "for a class without an enemy that near";
        compat: choice(Compat) = "none", "reference: repeat the off-by-one of the authors' script";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct Eos {
    k: usize,
    no_enemies: NoEnemies,
    compat: Compat,
}

impl Oversampler for Eos {
    const ID: &'static str = "eos";
    const SUMMARY: &'static str = "expands classes towards their nearest enemies";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // More neighbours than memory could hold mean all of them.
        let k = usize::try_from(params.k).unwrap_or(usize::MAX);
        Ok(Self {
            k,
            no_enemies: params.no_enemies,
            compat: params.compat,
        })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        let classes = data.wanting().map(|(label, wanted)| Class {
            label,
            members: members.of(label),
            wanted,
        });
        let classes: Vec<Class<'_>> = classes.collect();
        let bases = self.bases(data, host, &classes)?;
        for (class, mut bases) in classes.iter().zip(bases) {
            if bases.is_empty() {
                bases = fallback::bases(self, data, host, class)?;
            }
            out.draw(host, class.label, class.wanted, |draw| {
                bases.recipe(class.label, Pick::of(&draw, &bases))
            })?;
        }
        Ok(())
    }
}

/// A class that wants rows.
struct Class<'a> {
    label: u32,
    members: &'a [u32],
    wanted: u64,
}

impl Eos {
    /// K, as far as there are rows.
    fn k_of(&self, data: &Dataset<'_>) -> usize {
        self.k.min(data.len() - 1)
    }

    /// The bases of each class, found together: neighbours of many rows cost less each.
    fn bases(
        &self,
        data: &Dataset<'_>,
        host: &Host<'_>,
        classes: &[Class<'_>],
    ) -> Result<Vec<Bases>, Error> {
        let labels = data.labels();
        let rows: Vec<u32> = classes
            .iter()
            .flat_map(|class| class.members)
            .copied()
            .collect();
        let mut bases = vec![Bases::default(); classes.len()];
        let mut class = 0;
        for_each(host, &rows, self.k_of(data), Classes::Any, |base, near| {
            while classes[class].label != labels[base as usize] {
                class += 1;
            }
            bases[class].push(base, targets(base, near, labels, self.compat));
        })?;
        Ok(bases)
    }
}

export_oversampler!(Eos);
