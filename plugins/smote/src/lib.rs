//! SMOTE (Chawla et al. 2002): each synthetic row lies between a row and one of its k nearest
//! rows of the same class.
//!
//! A base is drawn uniformly with replacement, then one of its k nearest class-mates, then a ratio
//! r in [0, 1): `base + r · (mate − base)`. A row so made lies within its class's box, so the
//! generalization gap stays exactly as it was.
//!
//! Differences from imbalanced-learn's `SMOTE`:
//! - It refuses a class of k rows or fewer; here `small-class` decides, and a note says so.
//! - It computes in float64 and rounds once, to the type of the data; here the host makes the rows
//!   from recipes, in f32 on every device alike, each operation rounded. [`peer_row`] is its
//!   arithmetic, for comparison; a recipe cannot ask the host for it, so there is no `compat`.
//! - It draws base and neighbour as one number below n_c · k, and the same seed restarts the same
//!   stream for every class; here each sample of each class has its own counter.

use eos_plugin::{
    Classes, Dataset, Draw, Error, GrowingClass, Host, Lookup, Neighbours, Oversampler, Recipe,
    Sink, SmallClass, export_oversampler, params,
};

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
        let mut lookups = Vec::new();
        for (label, wanted) in data.wanting() {
            let rows = members.of(label);
            let class = GrowingClass {
                method: "SMOTE",
                label,
                rows: rows.len(),
                wanted,
            };
            let k = self
                .params
                .small_class
                .neighbours_of(host, &class, self.k)?;
            let classes = Classes::Same;
            lookups.push(Lookup { rows, k, classes });
        }
        let near = host.neighbours_of_each(&lookups)?;
        for ((label, wanted), near) in data.wanting().zip(near) {
            let members = members.of(label);
            out.draw(host, label, wanted, |draw| {
                recipe(label, members, &near, draw)
            })?;
        }
        Ok(())
    }
}

/// Of the drawn base towards the drawn one of its neighbours; the base again where it has none.
fn recipe(label: u32, members: &[u32], near: &Neighbours, draw: Draw) -> Recipe {
    let q = draw.base(members.len());
    let mates = near.of(q);
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

/// `base + step · (to − base)` in imbalanced-learn's arithmetic: f64 throughout, rounded to f32 once.
///
/// ```
/// let (base, to) = ([16_777_216.0f32], [16_777_218.0f32]);
/// assert_eq!(eos_plugin_smote::peer_row(&base, &to, 0.75), [16_777_218.0]);
/// ```
pub fn peer_row(base: &[f32], to: &[f32], step: f64) -> Vec<f32> {
    let pairs = base.iter().zip(to);
    let pairs = pairs.map(|(base, to)| (f64::from(*base), f64::from(*to)));
    pairs
        .map(|(base, to)| (base + step * (to - base)) as f32)
        .collect()
}

export_oversampler!(Smote);
