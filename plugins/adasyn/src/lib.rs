//! ADASYN (He, Bai, Garcia, Li 2008): SMOTE that makes most rows where enemies are many.
//!
//! For class c, which wants G rows: r_i is the share of enemies among the k nearest rows of any
//! class of its row i; row i is the base of n_i ≈ G · r_i / Σr samples, each towards one of its k
//! nearest class-mates by a ratio in [0, 1).
//!
//! Differences from imbalanced-learn's `ADASYN`:
//! - Its n_i are rounded each for itself, half to even, so the class misses its wanted size. Here
//!   they sum to G: by largest remainder, of equal ones at the lower row ([`shares`]). With
//!   `compat = "imbalanced-learn"` they are its own ([`rounded`]) with as few samples as possible
//!   added or taken away, again by largest remainder ([`settled`]), and a note says how many it
//!   would have made.
//! - It refuses where all n_i are rounded to zero; here G rows are made.
//! - It refuses where no row has an enemy among its k nearest; here `no-enemies` decides, by
//!   default SMOTE from all rows of the class, and a note says so.
//! - It refuses k ≥ n_c; here `small-class` decides, as for `smote`. k ≥ N means all rows for r_i.

mod counts;

pub use counts::{rounded, settled, shares};

use eos_plugin::params::Choice;
use eos_plugin::{
    Classes, Dataset, Error, GrowingClass, Host, Lookup, Oversampler, Recipe, Sink, SmallClass,
    choice, export_oversampler, params,
};

/// Slots of neighbours held at once; a large k on many rows is looked at in portions.
const SLOTS: usize = 1 << 22;

choice! {
    /// What to do with a class none of whose rows has an enemy among its k nearest.
    #[derive(PartialEq, Eq)]
    pub enum NoEnemies {
        /// Every row is a base, drawn uniformly, as in SMOTE.
        Smote = "smote",
        /// Refuse.
        Error = "error",
    }
}

choice! {
    /// Whose counts.
    #[derive(PartialEq, Eq)]
    pub enum Compat {
        /// By largest remainder.
        None = "none",
        /// Rounded as there, then settled to what is wanted.
        ImbalancedLearn = "imbalanced-learn",
    }
}

params! {
    /// Parameters of [`Adasyn`].
    pub struct Params {
        k: int = 5, min 1, "nearest rows: of any class to count enemies, of its own to go towards";
        no_enemies: choice(NoEnemies) = "smote", "for a class without an enemy that near";
        small_class: choice(SmallClass) = "shrink-k", "what to do with a class of k rows or fewer";
        compat: choice(Compat) = "none", "imbalanced-learn: its rounding of the counts";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct Adasyn {
    params: Params,
    k: usize,
}

impl Oversampler for Adasyn {
    const ID: &'static str = "adasyn";
    const SUMMARY: &'static str = "interpolates most where enemies are many";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // More neighbours than memory could hold mean all of them.
        let k = usize::try_from(params.k).unwrap_or(usize::MAX);
        Ok(Self { params, k })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        let rows: Vec<u32> = data
            .wanting()
            .flat_map(|(label, _)| members.of(label))
            .copied()
            .collect();
        let enemies = enemies(data, host, &rows, self.k.min(data.len() - 1))?;
        let mut enemies = &enemies[..];
        let (mut counts, mut lookups) = (Vec::new(), Vec::new());
        for (label, wanted) in data.wanting() {
            let rows = members.of(label);
            let class = GrowingClass {
                method: "ADASYN",
                label,
                rows: rows.len(),
                wanted,
            };
            let (own, rest) = enemies.split_at(rows.len());
            enemies = rest;
            counts.push(self.counts(data, host, own, &class)?);
            let k = self
                .params
                .small_class
                .neighbours_of(host, &class, self.k)?;
            let classes = Classes::Same;
            lookups.push(Lookup { rows, k, classes });
        }
        let near = host.neighbours_of_each(&lookups)?;
        for (((label, wanted), counts), near) in data.wanting().zip(counts).zip(near) {
            let members = members.of(label);
            // ends[q] is one past the last sample of base q; empty where bases are drawn.
            let ends: Vec<u64> = counts.iter().scan(0, running_sum).collect();
            out.draw_parallel(host, label, wanted, |sample| {
                let draw = sample.draw();
                let q = if ends.is_empty() {
                    draw.base(members.len())
                } else {
                    ends.partition_point(|end| *end <= sample.index())
                };
                let mates = near.of(q);
                step(
                    label,
                    members[q],
                    mates,
                    draw.neighbour(mates.len()),
                    draw.ratio(),
                )
            })?;
        }
        Ok(())
    }
}

fn running_sum(sum: &mut u64, count: &u64) -> Option<u64> {
    *sum += count;
    Some(*sum)
}

/// From `base` towards number `column` of its class-mates; the base again where it has none.
fn step(label: u32, base: u32, mates: &[u32], column: usize, ratio: f32) -> Recipe {
    let to = mates.get(column).copied();
    Recipe {
        label,
        base,
        from: base,
        to: to.unwrap_or(base),
        ratio: if to.is_some() { ratio } else { 0.0 },
    }
}

impl Adasyn {
    /// Samples of each row of the class, `[n_c]`, by their enemies; empty where no row has one near.
    fn counts(
        &self,
        data: &Dataset<'_>,
        host: &Host<'_>,
        enemies: &[usize],
        class: &GrowingClass<'_>,
    ) -> Result<Vec<u64>, Error> {
        let (k, wanted) = (self.k.min(data.len() - 1), class.wanted);
        let exact = shares(enemies, wanted);
        if exact.is_empty() {
            self.without_enemies(host, class, k)?;
            return Ok(exact);
        }
        if self.params.compat == Compat::None {
            return Ok(exact);
        }
        let r: Vec<f64> = enemies.iter().map(|&e| e as f64 / k as f64).collect();
        let theirs = rounded(&r, wanted);
        let made: u64 = theirs.iter().sum();
        if made != wanted {
            host.note(&format!(
                "class {}: imbalanced-learn would make {made} rows of the {wanted} wanted; settled \
                 by largest remainder (compat = \"imbalanced-learn\")",
                class.label
            ));
        }
        Ok(settled(theirs, enemies, wanted))
    }

    fn without_enemies(
        &self,
        host: &Host<'_>,
        class: &GrowingClass<'_>,
        k: usize,
    ) -> Result<(), Error> {
        let (label, rows, wanted) = (class.label, class.rows, class.wanted);
        let word = self.params.no_enemies.name();
        let lonely = format!(
            "class {label}: none of its {rows} rows has another class among its {k} nearest"
        );
        if self.params.no_enemies == NoEnemies::Error {
            return Err(Error::failed(format_args!(
                "{lonely} (no-enemies = \"error\"); raise k, or set no-enemies to \"smote\""
            )));
        }
        host.note(&format!(
            "{lonely}: its {wanted} synthetic rows start from any of its rows (no-enemies = \
             \"{word}\")"
        ));
        Ok(())
    }
}

/// Rows of other classes among the k nearest of each of `members`.
fn enemies(
    data: &Dataset<'_>,
    host: &Host<'_>,
    members: &[u32],
    k: usize,
) -> Result<Vec<usize>, Error> {
    let (labels, mut counts) = (data.labels(), Vec::with_capacity(members.len()));
    for members in members.chunks((SLOTS / k.max(1)).max(1)) {
        let near = host.neighbours(members, k, Classes::Any)?;
        counts.extend(members.iter().enumerate().map(|(q, &row)| {
            let other = |near: &&u32| labels[**near as usize] != labels[row as usize];
            near.of(q).iter().filter(other).count()
        }));
    }
    Ok(counts)
}

export_oversampler!(Adasyn);
