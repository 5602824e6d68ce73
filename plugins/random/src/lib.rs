//! Random over-sampling: each synthetic row repeats a row of its class, drawn uniformly with
//! replacement.
//!
//! It is what every other method has to beat. The recipe is `base = from = to`, ratio 0, so the
//! copies are exact and their provenance is known. With noise it is the plugin
//! `smoothed-bootstrap`: a plugin makes recipes or rows, and only the latter can be new points.
//!
//! Differences from imbalanced-learn's `RandomOverSampler`: it repeats rows with NaN and infinities,
//! and makes rows without labels where there are fewer labels than rows; the host refuses both.

use eos_plugin::{Dataset, Error, Host, Oversampler, Recipe, Sink, export_oversampler};

/// The method; it takes no parameters.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Oversampler for Random {
    const ID: &'static str = "random";
    const SUMMARY: &'static str = "repeats random rows of each class";
    type Params = ();

    fn new((): ()) -> Result<Self, Error> {
        Ok(Self)
    }

    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
        let members = data.members();
        for (label, wanted) in data.wanting() {
            let members = members.of(label);
            out.draw(host, label, wanted, |draw| {
                copy(label, members[draw.base(members.len())])
            })?;
        }
        Ok(())
    }
}

/// The recipe of row `base` itself.
pub fn copy(label: u32, base: u32) -> Recipe {
    Recipe {
        label,
        base,
        from: base,
        to: base,
        ratio: 0.0,
    }
}

export_oversampler!(Random);
