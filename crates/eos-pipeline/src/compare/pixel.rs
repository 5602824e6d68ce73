//! Rows added to the images themselves, before a network is trained on all of them.

use crate::phases::{self, Labelled};
use crate::source::Images;
use crate::{Config, Error, Event, Observer, heads};
use eos_data::ImageSet;
use eos_registry::Plugin;
use eos_tensor::{Backend, Rows};
use std::sync::Arc;

/// Values that are made at a time.
const WINDOW: usize = 1 << 20;

/// Images with synthetic ones behind them.
pub(crate) struct Balanced {
    pub images: Images,
    pub added: usize,
    pub notes: Vec<String>,
}

/// Balances images by a plugin: an image is a row of its bytes, `[C · H · W]`; synthetic values are rounded and kept
/// within 0 and 255.
pub(crate) fn by_plugin(
    plugin: &Plugin,
    params: &toml::Table,
    images: &Images,
    config: &Config,
    backend: &dyn Backend,
    observer: &mut dyn Observer,
) -> Result<Balanced, Error> {
    let train = &images.train;
    let wanted = config
        .oversample
        .wanted
        .rows(&train.class_counts(), train.classes())?;
    let (id, total) = (plugin.id(), wanted.iter().sum::<u64>());
    heads::phase(observer, "sample", format!("{id}: {total} images to add"));
    let values: Vec<f32> = train.pixels().iter().map(|byte| f32::from(*byte)).collect();
    let rows = Rows::new(&values, train.pixels().len() / train.len())?;
    let data = Labelled {
        rows,
        labels: train.labels(),
    };
    let seed = config.run.seed;
    let plan = phases::sample(plugin, data, &wanted, params, seed, backend, observer)?;
    for text in plan.notes() {
        let text = format!("{id}: {text}");
        observer.event(&Event::Note { text });
    }
    let mut pixels = train.pixels().to_vec();
    plan.windows(rows, backend, WINDOW, |window| {
        pixels.extend(window.iter().map(|value| byte(*value)));
        Ok::<(), Error>(())
    })?;
    let labels = [train.labels(), &plan.labels()].concat();
    Ok(Balanced {
        images: with_train(images, pixels, labels)?,
        added: plan.len(),
        notes: plan.notes().to_vec(),
    })
}

/// The nearest value of a pixel.
fn byte(value: f32) -> u8 {
    // `as` keeps within the type.
    value.round() as u8
}

/// The same images with others to train on; normalized as the real ones are.
pub(crate) fn with_train(
    images: &Images,
    pixels: Vec<u8>,
    labels: Vec<u32>,
) -> Result<Images, Error> {
    let (shape, classes) = (images.train.shape(), images.train.classes().to_vec());
    Ok(Images {
        train: Arc::new(ImageSet::new(shape, pixels, labels, classes)?),
        ..images.clone()
    })
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
