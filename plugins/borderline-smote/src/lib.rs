//! Borderline-SMOTE (Han, Wang, Mao 2005): SMOTE from those rows only that lie at the border.
//!
//! A row of class c is *in danger* where m / 2 ≤ enemies < m of its m nearest rows of any class,
//! *noise* where all m are enemies, else safe. Of each sample the base is drawn uniformly among
//! the rows in danger, then one of its k nearest rows, then r in [0, 1):
//! - kind 1: the k nearest of its own class; `base + r · (mate − base)`.
//! - kind 2: the k nearest of **any** class, as imbalanced-learn has it; towards an enemy the
//!   ratio is r · U[0, ½), so below ½: the row stays on its own side of the middle.
//!
//! Differences from imbalanced-learn's `BorderlineSMOTE`:
//! - Where nothing is in danger it leaves the class unchanged without a word. Here `no-danger`
//!   says what to do, by default SMOTE from all rows of the class, and a note says so.
//! - It refuses m ≥ N; here m is N − 1 then, with a note.
//! - It refuses k ≥ n_c for kind 1; here `small-class` decides, as for `smote`. Where nothing is in
//!   danger, the class is as small as ever, and `small-class` decides too.
//! - Its draws restart from the same seed for each class and run on together; here each sample has
//!   its own counter.

mod danger;

pub use danger::{Standing, enemies, standing};

use eos_plugin::params::Choice;
use eos_plugin::{
    Classes, Dataset, Draw, Error, GrowingClass, Host, Lookup, Oversampler, Recipe, Sink,
    SmallClass, choice, export_oversampler, open_unit, params,
};

/// Slots of neighbours held at once; a large m on many rows is looked at in portions.
const SLOTS: usize = 1 << 22;

choice! {
    /// Which rows a base goes towards.
    #[derive(PartialEq, Eq)]
    pub enum Kind {
        /// Its k nearest class-mates.
        One = "1",
        /// Its k nearest rows of any class, at most half way to an enemy.
        Two = "2",
    }
}

choice! {
    /// What to do with a class none of whose rows is in danger.
    #[derive(PartialEq, Eq)]
    pub enum NoDanger {
        /// Every row is a base, and goes towards its k nearest class-mates.
        Smote = "smote",
        /// Repeat its rows, as random over-sampling does.
        Duplicate = "duplicate",
        /// Refuse.
        Error = "error",
    }
}

params! {
    /// Parameters of [`BorderlineSmote`].
    pub struct Params {
        kind: choice(Kind) = "1", "1: towards class-mates; 2: towards rows of any class";
        m: int = 10, min 1, "nearest rows of any class among which enemies are counted";
        k: int = 5, min 1, "nearest rows to draw from";
        no_danger: choice(NoDanger) = "smote", "for a class without a row in danger";
        small_class: choice(SmallClass) = "shrink-k", "what to do with a class of k rows or fewer";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct BorderlineSmote {
    params: Params,
    m: usize,
    k: usize,
}

impl Oversampler for BorderlineSmote {
    const ID: &'static str = "borderline-smote";
    const SUMMARY: &'static str = "interpolates from the rows of a class that are in danger";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // More neighbours than memory could hold mean all of them.
        let all = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
        let (m, k) = (all(params.m), all(params.k));
        Ok(Self { params, m, k })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let m = self.m.min(data.len() - 1);
        if m < self.m && data.wanting().next().is_some() {
            host.note(&format!(
                "m = {m} instead of {}: there are {} rows",
                self.m,
                data.len()
            ));
        }
        let members = data.members();
        let rows: Vec<u32> = data
            .wanting()
            .flat_map(|(label, _)| members.of(label))
            .copied()
            .collect();
        let danger = in_danger(data, host, &rows, m)?;
        let (mut danger, labels) = (&danger[..], data.labels());
        let mut lookups = Vec::new();
        for (label, wanted) in data.wanting() {
            let members = members.of(label);
            let class = GrowingClass {
                method: "Borderline-SMOTE",
                label,
                rows: members.len(),
                wanted,
            };
            let own = danger.partition_point(|row| labels[*row as usize] <= label);
            let (bases, rest) = danger.split_at(own);
            danger = rest;
            lookups.push(if bases.is_empty() {
                self.without_danger(host, &class, members, m)?
            } else {
                self.growth_of(host, &class, bases)?
            });
        }
        let near = host.neighbours_of_each(&lookups)?;
        for (((label, wanted), lookup), near) in data.wanting().zip(lookups).zip(near) {
            out.draw(host, label, wanted, |draw| {
                let q = draw.base(lookup.rows.len());
                step(label, lookup.rows[q], near.of(q), labels, &draw)
            })?;
        }
        Ok(())
    }
}

/// Those of `rows` in danger, in their order.
fn in_danger(
    data: &Dataset<'_>,
    host: &Host<'_>,
    rows: &[u32],
    m: usize,
) -> Result<Vec<u32>, Error> {
    let (mut bases, labels) = (Vec::new(), data.labels());
    for rows in rows.chunks((SLOTS / m.max(1)).max(1)) {
        let near = host.neighbours(rows, m, Classes::Any)?;
        let stands = |q, row| standing(enemies(labels[row as usize], near.of(q), labels), m);
        let rows = rows.iter().enumerate();
        bases.extend(
            rows.filter_map(|(q, &row)| (stands(q, row) == Standing::Danger).then_some(row)),
        );
    }
    Ok(bases)
}

/// From `base` towards the drawn one of the rows `near`: by r, or towards an enemy by
/// r · U[0, ½), the U from the free word of the draw. The base again where `near` is empty.
pub fn step(label: u32, base: u32, near: &[u32], labels: &[u32], draw: &Draw) -> Recipe {
    let to = near.get(draw.neighbour(near.len())).copied();
    let ratio = match to {
        None => 0.0,
        Some(to) if labels[to as usize] == label => draw.ratio(),
        Some(_) => half_way(draw.ratio(), open_unit(draw.words[3])),
    };
    Recipe {
        label,
        base,
        from: base,
        to: to.unwrap_or(base),
        ratio,
    }
}

/// The ratio towards an enemy, r · u / 2 for two numbers from 0 to 1.
pub fn half_way(r: f32, u: f64) -> f32 {
    (f64::from(r) * u / 2.0) as f32
}

impl BorderlineSmote {
    /// A class's bases and the rows that each goes towards; without neighbours they are repeated.
    fn growth_of<'r>(
        &self,
        host: &Host<'_>,
        class: &GrowingClass<'_>,
        rows: &'r [u32],
    ) -> Result<Lookup<'r>, Error> {
        let (k, classes) = match self.params.kind {
            Kind::One => {
                let k = self.params.small_class.neighbours_of(host, class, self.k)?;
                (k, Classes::Same)
            }
            Kind::Two => (self.k, Classes::Any),
        };
        Ok(Lookup { rows, k, classes })
    }

    /// As [`growth_of`](Self::growth_of), for a class none of whose rows is in danger: all are safe, or noise.
    fn without_danger<'r>(
        &self,
        host: &Host<'_>,
        class: &GrowingClass<'_>,
        members: &'r [u32],
        m: usize,
    ) -> Result<Lookup<'r>, Error> {
        let (label, rows, wanted) = (class.label, class.rows, class.wanted);
        let (choice, word) = (self.params.no_danger, self.params.no_danger.name());
        let lonely = format!(
            "class {label}: none of its {rows} rows is in danger (half or more, but not all, of \
             its {m} nearest of another class)"
        );
        let (k, how) = match choice {
            NoDanger::Error => {
                return Err(Error::failed(format_args!(
                    "{lonely} (no-danger = \"error\"); change m, or set no-danger to \"smote\" or \
                     \"duplicate\""
                )));
            }
            NoDanger::Duplicate => (0, "are copies"),
            NoDanger::Smote => {
                let k = self.params.small_class.neighbours_of(host, class, self.k)?;
                (k, "start from any of its rows")
            }
        };
        host.note(&format!(
            "{lonely}: its {wanted} synthetic rows {how} (no-danger = \"{word}\")"
        ));
        Ok(Lookup {
            rows: members,
            k,
            classes: Classes::Same,
        })
    }
}

export_oversampler!(BorderlineSmote);
