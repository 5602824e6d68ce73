//! SMOTE (Chawla et al. 2002): each synthetic row lies between a row and one of its k nearest
//! rows of the same class.
//!
//! A base is drawn uniformly with replacement, then one of its k nearest class-mates, then a ratio
//! r in [0, 1): `base + r · (mate − base)`. A row so made lies within its class's box, so the
//! generalization gap stays exactly as it was.

use eos_plugin::{
    Classes, Dataset, Draw, Error, Host, Neighbours, Oversampler, Recipe, Sink, choice,
    export_oversampler, params,
};

choice! {
    /// What to do with a class of k rows or fewer, whose rows have fewer than k class-mates.
    #[derive(PartialEq, Eq)]
    pub enum SmallClass {
        /// Draw among the class-mates that there are. A class of one row is repeated. The default:
        /// long-tailed data has such classes, and interpolating between four rows is still better
        /// than stopping or than four rows repeated.
        ShrinkK = "shrink-k",
        /// Repeat its rows, as random over-sampling does.
        Duplicate = "duplicate",
        /// Refuse, as imbalanced-learn does.
        Error = "error",
    }
}

params! {
    /// Parameters of [`Smote`].
    pub struct Params {
        k: int = 5, min 1, "neighbours of the same class to draw from";
        small_class: choice(SmallClass) = "shrink-k", "what to do with a class of k rows or fewer";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct Smote {
    params: Params,
    k: usize,
}

impl Oversampler for Smote {
    const ID: &'static str = "smote";
    const SUMMARY: &'static str = "interpolates between neighbours of one class";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // More neighbours than memory could hold mean all of them.
        let k = usize::try_from(params.k).unwrap_or(usize::MAX);
        Ok(Self { params, k })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        for (label, wanted) in data.wanting() {
            let members = members.of(label);
            let k = self.neighbours_of(label, wanted, members.len(), host)?;
            // None to look for means that the rows are repeated, without a search.
            let near = (k > 0)
                .then(|| host.neighbours(members, k, Classes::Same))
                .transpose()?;
            out.draw(host, label, wanted, |draw| {
                recipe(label, members, near.as_ref(), draw)
            })?;
        }
        Ok(())
    }
}

impl Smote {
    /// Neighbours that the rows of a class draw from; 0 where they are to be repeated.
    fn neighbours_of(
        &self,
        label: u32,
        wanted: u64,
        len: usize,
        host: &Host<'_>,
    ) -> Result<usize, Error> {
        if len > self.k {
            return Ok(self.k);
        }
        let (mates, k) = (len - 1, self.k);
        let class = format!(
            "class {label} has {len} row{}",
            if len == 1 { "" } else { "s" }
        );
        match self.params.small_class {
            SmallClass::Error => Err(Error::failed(format_args!(
                "{class}, SMOTE with k = {k} needs {}; lower k, or set small-class to \
                 \"shrink-k\" or \"duplicate\"",
                k.saturating_add(1)
            ))),
            SmallClass::ShrinkK if mates > 0 => {
                host.note(&format!(
                    "{class}: k = {mates} instead of {k} for its {wanted} synthetic rows \
                     (small-class = \"shrink-k\")"
                ));
                Ok(mates)
            }
            small => {
                let word = eos_plugin::params::Choice::name(&small);
                host.note(&format!(
                    "{class}: its {wanted} synthetic rows are copies (small-class = \"{word}\")"
                ));
                Ok(0)
            }
        }
    }
}

/// Of the drawn base towards the drawn one of its neighbours; the base again where it has none.
fn recipe(label: u32, members: &[u32], near: Option<&Neighbours>, draw: Draw) -> Recipe {
    let q = draw.base(members.len());
    let mates = near.map_or(&[][..], |near| near.of(q));
    step(
        label,
        members[q],
        mates,
        draw.neighbour(mates.len()),
        draw.ratio(),
    )
}

/// The recipe of base `base` towards the neighbour at `column` of its list `mates`; the base
/// again where the list is empty.
pub fn step(label: u32, base: u32, mates: &[u32], column: usize, ratio: f32) -> Recipe {
    match mates.get(column) {
        Some(&to) => Recipe {
            label,
            base,
            from: base,
            to,
            ratio,
        },
        None => Recipe {
            label,
            base,
            from: base,
            to: base,
            ratio: 0.0,
        },
    }
}

export_oversampler!(Smote);
