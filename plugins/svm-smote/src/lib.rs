//! SVM-SMOTE (Nguyen, Cooper, Kamei 2009): rows are made at the support vectors of a class, the
//! rows by which a support vector machine separates it from the others.
//!
//! A machine with the kernel K(a, b) = exp(−γ‖a − b‖²) is fitted between each two classes, once
//! for all. A support vector whose m nearest rows are all enemies is noise and left alone. One
//! with at least m/2 enemies among them is in danger: rows are made *inwards*, between it and one
//! of its k nearest class-mates, `base + r · (mate − base)` with r in [0, 1). The others are safe,
//! and rows are made *outwards*, away from a class-mate, with r in (−`out-step`, 0]. How many of a
//! class's rows are made inwards is one draw from Beta(10, 10).
//!
//! Differences from imbalanced-learn 0.14, whose `SVMSMOTE` this follows, each with a test:
//! - The machines are fitted once, not once for each class, and only between classes of which one
//!   wants rows. The support vectors are the same.
//! - Exactly the wanted rows are made. Where no support vector is in danger, or none is safe,
//!   the peer leaves out the rows that it would have made there; here the others make them.
//! - A class whose support vectors are all noise goes by `no-support`, where the peer stops.
//! - A class of k rows or fewer goes by `small-class`, where the peer stops.
//! - With m rows or fewer in all, all other rows are looked at, where the peer stops; "half" is
//!   then half of them.
//! - A row's neighbours are all but itself. The peer leaves out the nearest of them, which is
//!   another row where rows are equal.
//! - A class alone is interpolated like one without support vectors, where the peer stops.

mod border;
mod cache;
mod kernel;
mod pairs;
mod smo;

pub use border::{Kind, beta, inwards, kind};
pub use kernel::{Kernel, LANES, Scale, gamma};
pub use pairs::Settings;
pub use smo::{Machine, Problem, Solution, solve};

use eos_plugin::{
    Classes, Dataset, Draw, Error, GrowingClass, Host, Members, Neighbours, Oversampler, Recipe,
    Rng, Sink, SmallClass, choice, export_oversampler, params,
};

/// Samples drawn between two reports of progress.
const SAMPLES_A_REPORT: u64 = 1 << 14;

choice! {
    /// What to do with a class without a support vector that is not noise.
    #[derive(PartialEq, Eq)]
    pub enum NoSupport {
        /// Make its rows inwards, from any of its rows, as SMOTE does.
        Smote = "smote",
        /// Refuse, as imbalanced-learn does.
        Error = "error",
    }
}

params! {
    /// Parameters of [`SvmSmote`].
    pub struct Params {
        k: int = 5, min 1, "neighbours of the same class to draw from";
        m: int = 10, min 1, "neighbours of any class that tell danger from safety";
        out_step: float = 0.5, min 0.0, max 1.0, "how far outwards at most, as a share of the distance";
        c: float = 1.0, min 1e-6, max 1e9, "cost of a row on the wrong side of the margin";
        gamma: float = 0.0, min 0.0, "of the kernel; 0: 1 / (D * variance of all values)";
        tolerance: float = 1e-3, min 1e-9, max 0.5, "of the support vector machines";
        cache_mb: int = 512, min 1, max 1048576, "megabytes for kernels computed before";
        no_support: choice(NoSupport) = "smote", "for a class whose support vectors are all noise";
        small_class: choice(SmallClass) = "shrink-k", "what to do with a class of k rows or fewer";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct SvmSmote {
    params: Params,
    k: usize,
    m: usize,
    settings: Settings,
}

impl Oversampler for SvmSmote {
    const ID: &'static str = "svm-smote";
    const SUMMARY: &'static str = "walks from support vectors, inwards where outnumbered";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        // More neighbours than memory could hold mean all of them.
        let count = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Self {
            k: count(params.k),
            m: count(params.m),
            settings: Settings {
                cost: params.c,
                gamma: params.gamma,
                tolerance: params.tolerance,
                cache: count(params.cache_mb).saturating_mul(1 << 20),
            },
            params,
        })
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        if data.wanting().next().is_none() {
            return Ok(());
        }
        let support = pairs::support(data, &members, host, &self.settings)?;
        let rng = host.rng()?;
        let total = data.wanted().iter().sum();
        for (label, wanted) in data.wanting() {
            let class = self.class(data, host, &members, &support, (label, wanted))?;
            let inwards = class.inwards(&rng, label, wanted);
            for i in 0..wanted {
                if i % SAMPLES_A_REPORT == 0 {
                    host.progress(total - out.room(), total)?;
                }
                let (bases, reach) = if i < inwards {
                    (&class.danger, 1.0)
                } else {
                    (&class.safe, -self.params.out_step as f32)
                };
                out.push(bases.recipe(label, rng.draw(label, i), reach))?;
            }
        }
        Ok(())
    }
}

/// Where the rows of a class are made.
struct Class {
    danger: Bases,
    safe: Bases,
}

impl Class {
    /// Rows to be made inwards. The draw is of the class, and uses blocks that no sample does.
    fn inwards(&self, rng: &Rng<'_>, label: u32, wanted: u64) -> u64 {
        let mut words = [0; 19];
        for (at, word) in words.iter_mut().enumerate() {
            *word = rng.block(0, label, 1 + at as u32 / 4)[at % 4];
        }
        let (danger, safe) = (self.danger.rows.len(), self.safe.rows.len());
        inwards(beta(&mut words), wanted, danger, safe)
    }
}

/// Rows to walk from, with their nearest class-mates.
struct Bases {
    rows: Vec<u32>,
    /// None where the rows are to be repeated.
    mates: Option<Neighbours>,
}

impl Bases {
    fn new(rows: Vec<u32>, k: usize, host: &Host<'_>) -> Result<Self, Error> {
        let look = k > 0 && !rows.is_empty();
        let mates = look.then(|| host.neighbours(&rows, k, Classes::Same));
        Ok(Self {
            mates: mates.transpose()?,
            rows,
        })
    }

    /// From the drawn base along the line to the drawn one of its class-mates, as far as `reach`;
    /// the base again where it has none.
    fn recipe(&self, label: u32, draw: Draw, reach: f32) -> Recipe {
        let q = draw.base(self.rows.len());
        let base = self.rows[q];
        let mates = self.mates.as_ref().map_or(&[][..], |mates| mates.of(q));
        let mate = mates.get(draw.neighbour(mates.len()));
        Recipe {
            label,
            base,
            from: base,
            to: mate.copied().unwrap_or(base),
            ratio: mate.map_or(0.0, |_| reach * draw.ratio()),
        }
    }
}

impl SvmSmote {
    /// The bases of class `label`, of which `wanted` rows are wanted.
    fn class(
        &self,
        data: &Dataset<'_>,
        host: &Host<'_>,
        members: &Members,
        support: &[bool],
        (label, wanted): (u32, u64),
    ) -> Result<Class, Error> {
        let members = members.of(label);
        let vectors = members.iter().filter(|&&row| support[row as usize]);
        let vectors: Vec<u32> = vectors.copied().collect();
        let near = host.neighbours(&vectors, self.m, Classes::Any)?;
        let (mut danger, mut safe) = (Vec::new(), Vec::new());
        for (q, &row) in vectors.iter().enumerate() {
            match kind(near.of(q), data.labels(), label) {
                Kind::Noise => {}
                Kind::Danger => danger.push(row),
                Kind::Safe => safe.push(row),
            }
        }
        if danger.is_empty() && safe.is_empty() {
            self.without_support(host, label, vectors.len(), wanted)?;
            danger.extend(members);
        }
        let class = GrowingClass {
            method: "SVM-SMOTE",
            label,
            rows: members.len(),
            wanted,
        };
        let small = self.params.small_class;
        let k = small.neighbours_of(host, &class, self.k)?;
        Ok(Class {
            danger: Bases::new(danger, k, host)?,
            safe: Bases::new(safe, k, host)?,
        })
    }

    /// Says, or refuses, that any row of a class is a base.
    fn without_support(
        &self,
        host: &Host<'_>,
        label: u32,
        vectors: usize,
        wanted: u64,
    ) -> Result<(), Error> {
        let why = if vectors == 0 {
            format!("class {label} has no support vectors")
        } else {
            format!("class {label}: all of its {vectors} support vectors are noise")
        };
        if self.params.no_support == NoSupport::Error {
            return Err(Error::failed(format_args!(
                "{why}, none of their {} nearest rows is of the class (no-support = \"error\"); \
                 raise m, or set no-support to \"smote\", or use another method",
                self.m
            )));
        }
        host.note(&format!(
            "{why}: its {wanted} synthetic rows were interpolated between any of its rows \
             (no-support = \"smote\")"
        ));
        Ok(())
    }
}

export_oversampler!(SvmSmote);
