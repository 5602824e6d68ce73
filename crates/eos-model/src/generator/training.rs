//! Training of a generator.

use super::adam::Adam;
use super::{Generator, GeneratorSpec, check_whole};
use crate::{ModelError, Schedule};
use eos_tensor::{PhiloxRng, stream};
use rand::seq::SliceRandom;

/// How to train a generator.
///
/// A step's batch holds as many images of each class, and behind them a group of one class, the
/// next class in each step. The loss is the squared error of the decoded batch, in the mean over
/// its pixels, plus `penalty` times that of the group decoded from its codes in another order:
/// DeepSMOTE's penalty, which makes codes of a class stand for one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratorTraining {
    /// Passes over as many images as there are.
    pub epochs: usize,
    /// Images of a step.
    pub batch: usize,
    /// Images of the group.
    pub group: usize,
    /// The penalty's factor.
    pub penalty: f64,
    /// Adam's, at its peak; it falls along a cosine.
    pub learning_rate: f64,
    /// Of the fresh weights and of all that is drawn.
    pub seed: u64,
}

impl Default for GeneratorTraining {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch: 64,
            group: 16,
            penalty: 0.1,
            learning_rate: 1e-3,
            seed: 0,
        }
    }
}

/// A step that has been taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratorStep {
    /// From 1.
    pub step: usize,
    /// Steps of the training.
    pub of: usize,
    /// Mean squared error of the batch, before the step.
    pub reconstruction: f32,
    /// That of the group from codes in another order.
    pub permuted: f32,
}

impl Generator {
    /// Trains a generator on images `[N, C, H, W]` with values from 0 to 1 and their classes. The
    /// same bits on any number of threads.
    ///
    /// `on_step` is told of each step and says whether to go on; the generator is returned as it
    /// then stands.
    ///
    /// # Errors
    /// Images, labels or options that cannot be used; [`ModelError::Diverged`].
    pub fn train(
        spec: GeneratorSpec,
        images: &[f32],
        labels: &[u32],
        options: &GeneratorTraining,
        on_step: &mut dyn FnMut(GeneratorStep) -> bool,
    ) -> Result<Self, ModelError> {
        let mut generator = Self::new(spec, options.seed)?;
        options.check()?;
        let data = Data::new(&spec, images, labels)?;
        let steps_of_epoch = data.rows.div_ceil(options.batch);
        let of = steps_of_epoch * options.epochs;
        let schedule = Schedule::Cosine { warmup_epochs: 0.0 };
        let mut adam = Adam::default();
        for step in 0..of {
            let position = step as f64 / steps_of_epoch as f64;
            let peak = options.learning_rate;
            let rate = schedule.learning_rate(peak, position, options.epochs);
            let batch = data.batch(options, step);
            let (reconstruction, permuted) =
                generator.step(&batch, options.penalty, &mut adam, rate)?;
            let step = step + 1;
            let told = GeneratorStep {
                step,
                of,
                reconstruction,
                permuted,
            };
            if !on_step(told) {
                break;
            }
        }
        Ok(generator)
    }

    fn step(
        &mut self,
        batch: &StepBatch,
        penalty: f64,
        adam: &mut Adam,
        rate: f64,
    ) -> Result<(f32, f32), ModelError> {
        let (n, latent) = (batch.n(), self.spec.latent);
        let (codes, encoded) = self.encoder.forward(&batch.images, n)?;
        let codes = batch.permuted(&codes.to_vec(), latent);
        let (decoded, saved) = self.decoder.forward(&codes, n)?;
        let scored = self.spec.score(&decoded.to_vec(), batch, penalty);
        if !scored.loss.is_finite() {
            return Err(ModelError::Diverged {
                loss: scored.loss as f32,
                learning_rate: rate,
            });
        }
        let statistics = (encoded.batch_statistics(), saved.batch_statistics());
        let (of_decoder, of_codes) = self.decoder.backward(saved, &scored.gradient, n, true)?;
        let of_codes = batch.back(&of_codes, latent);
        let (of_encoder, _) = self.encoder.backward(encoded, &of_codes, n, false)?;
        self.encoder.track(&statistics.0);
        self.decoder.track(&statistics.1);
        let values = self.encoder.values.iter_mut();
        let values = values.chain(&mut self.decoder.values);
        adam.step(values, of_encoder.into_iter().chain(of_decoder), rate);
        Ok((scored.reconstruction as f32, scored.permuted as f32))
    }
}

impl GeneratorTraining {
    fn check(&self) -> Result<(), ModelError> {
        for (field, got, least, wanted) in [
            ("generator.epochs", self.epochs, 1, "1 or more"),
            ("generator.batch", self.batch, 2, "2 or more"),
        ] {
            if got < least {
                return Err(ModelError::Spec { field, got, wanted });
            }
        }
        for (field, got, fits, wanted) in [
            (
                "generator.penalty",
                self.penalty,
                self.penalty >= 0.0,
                "a number of 0 or more",
            ),
            (
                "generator.learning-rate",
                self.learning_rate,
                self.learning_rate > 0.0,
                "a number above 0",
            ),
        ] {
            if !(fits && got.is_finite()) {
                return Err(ModelError::Option { field, got, wanted });
            }
        }
        Ok(())
    }
}

/// Images ready to be drawn from.
struct Data {
    rows: usize,
    /// Of a padded image.
    each: usize,
    images: Vec<f32>,
    /// The rows of each class that has any.
    classes: Vec<Vec<u32>>,
}

impl Data {
    fn new(spec: &GeneratorSpec, images: &[f32], labels: &[u32]) -> Result<Self, ModelError> {
        let each = spec.image_len();
        check_whole("images", "images", images, each)?;
        let rows = images.len() / each;
        if labels.len() != rows {
            return Err(ModelError::Length {
                what: "labels",
                got: labels.len(),
                wanted: format!("one for each of {rows} images"),
            });
        }
        if let Some(at) = images.iter().position(|v| !(0.0..=1.0).contains(v)) {
            let (image, value) = (at / each, images[at]);
            return Err(ModelError::Pixel { image, value });
        }
        let most = labels.iter().max().map_or(0, |&label| label as usize);
        let mut classes = vec![Vec::new(); most + 1];
        for (row, &label) in (0..).zip(labels) {
            classes[label as usize].push(row);
        }
        classes.retain(|rows| !rows.is_empty());
        Ok(Self {
            rows,
            each: spec.padded().iter().product(),
            images: spec.pad(images),
            classes,
        })
    }

    /// What step `step` is made of: classes in turn, rows of a class with replacement.
    fn batch(&self, options: &GeneratorTraining, step: usize) -> StepBatch {
        let mut rng = PhiloxRng::new(options.seed, stream::GENERATOR_BATCHES, step as u64);
        let mut draw = |class: usize| {
            let rows = &self.classes[class % self.classes.len()];
            rows[rng.below(rows.len() as u32) as usize]
        };
        let first = step * options.batch;
        let mut rows: Vec<u32> = (0..options.batch).map(|i| draw(first + i)).collect();
        rows.extend((0..options.group).map(|_| draw(step)));
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order[options.batch..].shuffle(&mut rng);
        let image = |&row: &u32| &self.images[row as usize * self.each..][..self.each];
        StepBatch {
            images: rows.iter().flat_map(image).copied().collect(),
            batch: options.batch,
            order,
        }
    }
}

/// The images of a step, the group last.
struct StepBatch {
    /// Padded.
    images: Vec<f32>,
    /// Images before the group.
    batch: usize,
    /// Whose code each image is decoded from.
    order: Vec<usize>,
}

impl StepBatch {
    fn n(&self) -> usize {
        self.order.len()
    }

    /// Codes in the order in which they are decoded.
    fn permuted(&self, codes: &[f32], latent: usize) -> Vec<f32> {
        let code = |&from: &usize| &codes[from * latent..][..latent];
        self.order.iter().flat_map(code).copied().collect()
    }

    /// Gradients of codes back in the order of the images.
    fn back(&self, permuted: &[f32], latent: usize) -> Vec<f32> {
        let mut codes = vec![0.0; permuted.len()];
        for (code, &to) in permuted.chunks_exact(latent).zip(&self.order) {
            codes[to * latent..][..latent].copy_from_slice(code);
        }
        codes
    }
}

/// The loss of a step.
struct Scored {
    loss: f64,
    reconstruction: f64,
    permuted: f64,
    /// Of the decoded images, zero in the padding.
    gradient: Vec<f32>,
}

impl GeneratorSpec {
    fn score(&self, decoded: &[f32], batch: &StepBatch, penalty: f64) -> Scored {
        let [_, height, width] = self.padded();
        let each = self.channels * height * width;
        let (split, values) = (batch.batch * each, self.image_len());
        let group = batch.n() - batch.batch;
        let weights = [
            1.0 / (batch.batch * values) as f64,
            penalty / (group * values).max(1) as f64,
        ];
        let mut gradient = vec![0.0; decoded.len()];
        let mut sums = [0.0; 2];
        for (at, ((out, got), wanted)) in gradient
            .iter_mut()
            .zip(decoded)
            .zip(&batch.images)
            .enumerate()
        {
            if at % width < self.width && at / width % height < self.height {
                let (part, off) = (usize::from(at >= split), f64::from(got - wanted));
                sums[part] += off * off;
                *out = (2.0 * weights[part] * off) as f32;
            }
        }
        let [reconstruction, of_group] = sums;
        Scored {
            loss: reconstruction * weights[0] + of_group * weights[1],
            reconstruction: reconstruction * weights[0],
            permuted: of_group / (group * values).max(1) as f64,
            gradient,
        }
    }
}
