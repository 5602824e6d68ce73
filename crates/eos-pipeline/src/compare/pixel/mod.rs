//! Rows added to the images themselves, before a network is trained on all of them.

mod deepsmote;
mod nearness;
mod sheet;

pub(crate) use deepsmote::deepsmote;
pub(crate) use sheet::sheet;

use crate::phases::{self, Labelled};
use crate::source::Images;
use crate::{Config, Error, Event, Observer, heads};
use eos_data::ImageSet;
use eos_registry::{Plan, Plugin, Trained};
use eos_tensor::{Backend, Rows};
use std::sync::Arc;

/// Values that are made at a time.
const WINDOW: usize = 1 << 20;

/// What balancing works with.
pub(crate) struct Means<'a> {
    pub plugin: &'a Plugin,
    pub images: &'a Images,
    pub config: &'a Config,
    pub backend: &'a dyn Backend,
}

impl Means<'_> {
    /// Asks the plugin for synthetic rows of `data`, as many as the configuration wants of its images' classes.
    fn plan(
        &self,
        data: Labelled<'_>,
        params: &toml::Table,
        observer: &mut dyn Observer,
    ) -> Result<Plan, Error> {
        let train = &self.images.train;
        let wanted = &self.config.oversample.wanted;
        let wanted = wanted.rows(&train.class_counts(), train.classes())?;
        let (id, total) = (self.plugin.id(), wanted.iter().sum::<u64>());
        heads::phase(observer, "sample", format!("{id}: {total} images to add"));
        let seed = self.config.run.seed;
        phases::sample(
            self.plugin,
            data,
            &wanted,
            params,
            seed,
            self.backend,
            observer,
        )
    }

    /// The images with synthetic ones behind them, and how far these are from being copies.
    fn balanced(&self, made: Made, observer: &mut dyn Observer) -> Result<Balanced, Error> {
        let Made {
            pixels,
            labels,
            mut notes,
            trained,
        } = made;
        let train = &self.images.train;
        let pixels = [train.pixels(), &pixels].concat();
        let all = [train.labels(), &labels].concat();
        let (shape, classes) = (train.shape(), train.classes().to_vec());
        let grown = ImageSet::new(shape, pixels, all, classes)?;
        notes.push(nearness::told(&grown, train.len(), self.backend)?);
        for text in &notes {
            let text = format!("{}: {text}", self.config.oversample.method);
            observer.event(&Event::Note { text });
        }
        Ok(Balanced {
            images: Images {
                // Normalized as the real ones are.
                train: Arc::new(grown),
                ..self.images.clone()
            },
            added: labels.len(),
            notes,
            trained,
        })
    }
}

/// Synthetic images.
struct Made {
    /// `[M, C · H · W]`.
    pixels: Vec<u8>,
    /// `[M]`.
    labels: Vec<u32>,
    notes: Vec<String>,
    trained: Trained,
}

/// Images with synthetic ones behind them.
pub(crate) struct Balanced {
    pub images: Images,
    pub added: usize,
    pub notes: Vec<String>,
    /// What was trained to make the images.
    pub trained: Trained,
}

/// Balances images by a plugin: an image is a row of its bytes, `[C · H · W]`; synthetic values are rounded and kept
/// within 0 and 255.
pub(crate) fn by_plugin(
    means: &Means<'_>,
    params: &toml::Table,
    observer: &mut dyn Observer,
) -> Result<Balanced, Error> {
    let train = &means.images.train;
    let values: Vec<f32> = train.pixels().iter().map(|byte| f32::from(*byte)).collect();
    let data = Labelled {
        rows: Rows::new(&values, train.pixels().len() / train.len())?,
        labels: train.labels(),
    };
    let plan = means.plan(data, params, observer)?;
    let mut pixels = Vec::new();
    plan.windows(data.rows, means.backend, WINDOW, |window| {
        pixels.extend(window.iter().map(|value| byte(*value)));
        Ok::<(), Error>(())
    })?;
    let made = Made {
        pixels,
        labels: plan.labels(),
        notes: plan.notes().to_vec(),
        trained: plan.trained(),
    };
    means.balanced(made, observer)
}

/// The nearest value of a pixel.
fn byte(value: f32) -> u8 {
    // `as` keeps within the type.
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_and_kept_within_a_byte() {
        let bytes = [-3.0, 0.4, 0.5, 254.6, 300.0].map(byte);
        assert_eq!(bytes, [0, 0, 1, 255, 255]);
    }
}
