//! Remix (Chou, Chang, Pan, Wei, Juan 2020) in embedding space: mixtures of two rows of any
//! classes, labelled in favour of the rarer.
//!
//! Of a pair (i, j) of rows drawn uniformly and λ ~ Beta(α, α): x = λ · x_i + (1 − λ) · x_j,
//! labelled y_j if n_i / n_j ≥ κ and λ < τ, y_i if n_i / n_j ≤ 1 / κ and 1 − λ < τ, else as the
//! row of the larger weight ([`keeps`]). Labels are hard here; the paper's third case keeps both
//! by weight. So with hard labels the rule favours the rarer class for τ > ½ only.
//!
//! Pairs are drawn until each class has what it wants. A rare class would wait long for a pair of
//! its own, so the pairs are drawn as they come *given* that the class is the one that is kept:
//! the row i that is kept uniformly in the class, j uniformly among all rows, λ, and j and λ again
//! until the rule keeps i. Pair and weights being exchangeable, that is the same distribution. As
//! a recipe: base and from are i, to is j, and the ratio 1 − λ.
//!
//! imbalanced-learn has no such method. Unlike its SMOTE, no neighbours are searched, rows lie
//! between those of different classes, and a class of one row needs no special care. Between
//! classes of one size, and within one, the larger weight decides, whatever κ is.

mod beta;

pub use beta::symmetric_beta;

use eos_plugin::{
    Dataset, Error, Host, Oversampler, Recipe, Sample, Sink, below, export_oversampler, params,
};

/// Pairs that a sample draws at most. Half of the pairs within a class keep a given row of it, and
/// so do most with a larger class, so this many failures do not happen; the row would be repeated.
const PAIRS: u32 = 1 << 20;

params! {
    /// Parameters of [`Remix`].
    pub struct Params {
        alpha: float = 1.0, min 0.001, max 1000000.0, "weights are drawn from Beta(alpha, alpha)";
        kappa: float = 3.0, min 1.0, "how many times larger a class must be to give its label up";
        tau: float = 0.5, min 0.0, max 1.0, "weight below which the larger class gives its label up";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct Remix(Params);

impl Oversampler for Remix {
    const ID: &'static str = "remix";
    const SUMMARY: &'static str = "mixes rows of any classes, labelled in favour of the rarer";
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        Ok(Self(params))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        let sizes: Vec<usize> = (0..data.classes())
            .map(|c| members.of(c as u32).len())
            .collect();
        for (label, wanted) in data.wanting() {
            let members = members.of(label);
            out.draw_parallel(host, label, wanted, |sample| {
                let base = members[sample.draw().base(members.len())];
                let (to, ratio) = self.partner(data, &sizes, base, &sample);
                Recipe {
                    label,
                    base,
                    from: base,
                    to,
                    ratio,
                }
            })?;
        }
        Ok(())
    }
}

impl Remix {
    /// The first pair with row `i` that keeps its label: the other row, and that row's weight.
    fn partner(
        &self,
        data: &Dataset<'_>,
        sizes: &[usize],
        i: u32,
        sample: &Sample<'_>,
    ) -> (u32, f32) {
        let size = |row: u32| sizes[data.labels()[row as usize] as usize];
        for pair in 1..=PAIRS {
            let [row, u, v, sign] = sample.block(pair);
            let j = below(row, data.len()) as u32;
            let weight = symmetric_beta(self.0.alpha, [u, v, sign]);
            if keeps(weight, size(i), size(j), self.0.kappa, self.0.tau) {
                return (j, (1.0 - weight) as f32);
            }
        }
        (i, 0.0)
    }
}

/// Whether a mixture keeps the label of the row with weight `weight`, whose class has `own` rows,
/// when the other row's class has `other`.
///
/// ```
/// use eos_plugin_remix::keeps;
/// // The larger weight decides between classes of like size …
/// assert!(keeps(0.6, 100, 200, 3.0, 0.8) && !keeps(0.4, 100, 200, 3.0, 0.8));
/// // … but a class three times as large needs a weight of τ or more,
/// assert!(keeps(0.8, 300, 100, 3.0, 0.8) && !keeps(0.7, 300, 100, 3.0, 0.8));
/// // and the other is kept with what is left.
/// assert!(keeps(0.3, 100, 300, 3.0, 0.8) && !keeps(0.2, 100, 300, 3.0, 0.8));
/// ```
pub fn keeps(weight: f64, own: usize, other: usize, kappa: f64, tau: f64) -> bool {
    let outnumbers = |a: usize, b: usize| a > b && a as f64 >= kappa * b as f64;
    if outnumbers(own, other) && weight < tau {
        return false;
    }
    if outnumbers(other, own) && 1.0 - weight < tau {
        return true;
    }
    weight >= 0.5
}

export_oversampler!(Remix);
