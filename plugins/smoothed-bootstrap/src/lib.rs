//! Random over-sampling with smoothing (Menardi, Torelli 2014; imbalanced-learn's
//! `RandomOverSampler(shrinkage = …)`): rows of the class, drawn uniformly with replacement, and
//! Gaussian noise added, so that no two are alike.
//!
//! Feature j of a sample is that of its base + z · h_j with z from the standard normal and
//! `h_j = shrinkage · (4 / (n · (D + 2)))^(1 / (D + 4)) · σ_j`, Silverman's rule, where σ_j is the
//! standard deviation (over n_c, not n_c − 1) of the feature in the class. n is the number of
//! **all** rows, as in imbalanced-learn, or with `bandwidth = "class"` that of the class's rows,
//! which is the rule for a density of the class alone and gives small classes more noise.
//!
//! The noise makes new points, so rows are made here (`Mode::Rows`) and have no provenance; the
//! plugin `random` repeats rows exactly, by recipes. With `shrinkage = 0` both make the same rows.
//!
//! Differences from imbalanced-learn:
//! - It makes float64 rows of float32 ones; here they stay f32, computed in f64 and rounded once.
//! - It accepts NaN and infinities, and fewer labels than rows; the host refuses them.
//! - A class of one row has σ = 0 and is repeated; there without a word, here with a note.

use eos_plugin::Mode;
use eos_plugin::{
    Dataset, Error, Host, Oversampler, Sample, Sink, choice, export_oversampler, open_unit, params,
};
use std::f64::consts::TAU;

choice! {
    /// Which rows the bandwidth counts.
    #[derive(PartialEq, Eq)]
    pub enum Bandwidth {
        /// All rows, as imbalanced-learn does.
        All = "all",
        /// Those of the class.
        Class = "class",
    }
}

params! {
    /// Parameters of [`SmoothedBootstrap`].
    pub struct Params {
        shrinkage: float = 1.0, min 0.0, max 1000000.0, "factor of the noise; 0 repeats rows exactly";
        bandwidth: choice(Bandwidth) = "all", "rows that the bandwidth counts";
    }
}

/// The method.
#[derive(Clone, Debug)]
pub struct SmoothedBootstrap(Params);

impl Oversampler for SmoothedBootstrap {
    const ID: &'static str = "smoothed-bootstrap";
    const SUMMARY: &'static str = "repeats random rows of each class with Gaussian noise";
    const MODE: Mode = Mode::Rows;
    type Params = Params;

    fn new(params: Params) -> Result<Self, Error> {
        Ok(Self(params))
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        for (label, wanted) in data.wanting() {
            let members = members.of(label);
            let counted = match self.0.bandwidth {
                Bandwidth::All => data.len(),
                Bandwidth::Class => members.len(),
            };
            let factor = self.0.shrinkage * smoothing_constant(counted, data.dims());
            let mut scale = deviations(members.iter().map(|&row| data.row(row)), data.dims());
            scale.iter_mut().for_each(|deviation| *deviation *= factor);
            if self.0.shrinkage > 0.0 && scale.iter().all(|h| *h == 0.0) {
                host.note(&format!(
                    "class {label}: its {wanted} synthetic rows are copies: its rows do not differ"
                ));
            }
            out.draw_rows(host, label, wanted, |sample, row| {
                let base = members[sample.draw().base(members.len())];
                smooth(data.row(base), &scale, &sample, row);
            })?;
        }
        Ok(())
    }
}

/// Silverman's `(4 / (n · (D + 2)))^(1 / (D + 4))` for n rows of D values.
///
/// ```
/// let constant = eos_plugin_smoothed_bootstrap::smoothing_constant(40, 2);
/// // (1 / 40)^(1 / 6)
/// assert!((constant - 0.540_741_873_560_099_5).abs() < 1e-15);
/// ```
pub fn smoothing_constant(n: usize, dims: usize) -> f64 {
    let dims = dims as f64;
    (4.0 / ((dims + 2.0) * n as f64)).powf(1.0 / (dims + 4.0))
}

/// Standard deviation of each of the `dims` features over `rows`: the root of the mean squared
/// deviation from the mean.
pub fn deviations<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, dims: usize) -> Vec<f64> {
    let count = rows.clone().count().max(1) as f64;
    let mean = |of: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0.0; dims];
        for row in rows.clone() {
            let features = sums.iter_mut().zip(row).enumerate();
            features.for_each(|(j, (sum, value))| *sum += of(j, f64::from(*value)));
        }
        sums.iter_mut().for_each(|sum| *sum /= count);
        sums
    };
    let centre = mean(&|_, value| value);
    let variance = mean(&|j, value| (value - centre[j]).powi(2));
    variance.into_iter().map(f64::sqrt).collect()
}

/// Appends `base + z · scale` with z from the standard normal: two of each two words from block 1
/// on, by Box and Muller.
fn smooth(base: &[f32], scale: &[f64], sample: &Sample<'_>, row: &mut Vec<f32>) {
    let mut words = sample.words(1);
    for (base, scale) in base.chunks(2).zip(scale.chunks(2)) {
        let mut uniform = || words.next().map_or(0.5, open_unit);
        let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), TAU * uniform());
        let normal = [radius * angle.cos(), radius * angle.sin()];
        let features = base.iter().zip(scale).zip(normal);
        row.extend(features.map(|((base, scale), z)| (f64::from(*base) + z * scale) as f32));
    }
}

export_oversampler!(SmoothedBootstrap);
