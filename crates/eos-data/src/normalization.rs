//! From bytes to normalised values: (pixel / 255 − mean) / deviation, a channel at a time.

use crate::{
    Format, ImageSet,
    error::{DataError, Fault},
};
use serde::{Deserialize, Serialize};

/// Mean and standard deviation of each channel, in units of pixel / 255.
///
/// ```
/// use eos_data::{ImageSet, ImageShape, Normalization};
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let set = ImageSet::new(shape, vec![0, 255], vec![0], vec!["a".into()])?;
/// let measured = Normalization::measure(&set);
/// assert_eq!((measured.mean[0], measured.deviation[0]), (0.5, 0.5));
/// assert_eq!(measured.apply(&set, &[0])?, [-1.0, 1.0]);
/// # Ok::<(), eos_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Mean, one a channel.
    pub mean: Vec<f32>,
    /// Standard deviation, one a channel, above zero.
    pub deviation: Vec<f32>,
}

impl Normalization {
    /// Mean and population deviation of every channel over all pixels of the set. A channel that
    /// is the same everywhere gets deviation 1: it has nothing to scale.
    ///
    /// Sums are of integers, so the result does not depend on an order.
    pub fn measure(set: &ImageSet) -> Self {
        let shape = set.shape();
        let plane = shape.height * shape.width;
        let count = (set.len() * plane) as f64;
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for channel in 0..shape.channels {
            let planes = set.pixels().chunks_exact(plane).skip(channel);
            let (mut sum, mut squares) = (0_u64, 0_u64);
            for pixel in planes.step_by(shape.channels).flatten() {
                let pixel = u64::from(*pixel);
                sum += pixel;
                squares += pixel * pixel;
            }
            let average = sum as f64 / count;
            // count² · variance in integers: no cancellation, and exactly zero where nothing varies.
            let spread = u128::from(squares) * (set.len() * plane) as u128 - u128::from(sum).pow(2);
            let scale = if spread == 0 {
                1.0
            } else {
                (spread as f64).sqrt() / count / 255.0
            };
            mean.push((average / 255.0) as f32);
            deviation.push(scale as f32);
        }
        Self { mean, deviation }
    }

    /// The customary constants of a format's data set, where there are any: those of the reference
    /// scripts for CIFAR-10. For others, [`measure`](Self::measure) the training data.
    pub fn for_format(format: Format) -> Option<Self> {
        match format {
            Format::Cifar10 => Some(Self {
                mean: vec![0.4914, 0.4822, 0.4465],
                deviation: vec![0.2023, 0.1994, 0.2010],
            }),
            _ => None,
        }
    }

    /// Checks that there is one finite mean and one positive deviation for each of `channels`.
    ///
    /// # Errors
    /// [`DataError::Request`] that tells which does not fit.
    pub fn check(&self, channels: usize) -> Result<(), DataError> {
        for (field, values) in [("mean", &self.mean), ("deviation", &self.deviation)] {
            if values.len() != channels {
                return Err(Fault::argument("normalisation", field)
                    .got(format!("{} values", values.len()))
                    .wanted(format!("{channels}, one for each channel of the images"))
                    .next("give one a channel, or let them be measured from the training data")
                    .request());
            }
        }
        let usable = self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|d| d.is_finite() && *d > 0.0);
        if usable {
            return Ok(());
        }
        Err(Fault::argument("normalisation", "mean and deviation")
            .got(format!("{:?} and {:?}", self.mean, self.deviation))
            .wanted("finite means and deviations above zero, in units of pixel / 255")
            .next("correct them, or let them be measured from the training data")
            .request())
    }

    /// Normalised values of the given images, `[n, C, H, W]`.
    ///
    /// # Errors
    /// [`DataError::Request`] where the channels do not fit or a row is not in the set.
    pub fn apply(&self, set: &ImageSet, rows: &[u32]) -> Result<Vec<f32>, DataError> {
        self.check(set.shape().channels)?;
        if let Some(row) = rows.iter().find(|row| **row as usize >= set.len()) {
            return Err(Fault::argument("normalisation", "row")
                .got(row.to_string())
                .wanted(format!("a row below {}", set.len()))
                .next("name rows of this set")
                .request());
        }
        let table = Table::new(self);
        let plane = set.shape().height * set.shape().width;
        let mut out = Vec::with_capacity(rows.len() * set.shape().pixels());
        for row in rows {
            let channels = set.image(*row as usize).chunks_exact(plane);
            for (channel, pixels) in channels.enumerate() {
                out.extend(pixels.iter().map(|pixel| table.value(channel, *pixel)));
            }
        }
        Ok(out)
    }
}

/// The normalised value of each of the 256 bytes, a channel.
///
/// Computed as torchvision's ToTensor and Normalize do: f32, divide by 255, subtract, divide.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    values: Vec<[f32; 256]>,
}

impl Table {
    pub(crate) fn new(normalization: &Normalization) -> Self {
        let channels = normalization.mean.iter().zip(&normalization.deviation);
        let values = channels
            .map(|(mean, deviation)| {
                std::array::from_fn(|pixel| (pixel as f32 / 255.0 - mean) / deviation)
            })
            .collect();
        Self { values }
    }

    /// The table of one channel.
    pub(crate) fn channel(&self, channel: usize) -> &[f32; 256] {
        &self.values[channel]
    }

    fn value(&self, channel: usize, pixel: u8) -> f32 {
        self.values[channel][usize::from(pixel)]
    }
}
