//! DeepSMOTE (Dablain, Krawczyk and Chawla 2021): SMOTE between the codes of class-mates in an auto-encoder.

use super::{Balanced, Made, Means, byte};
use crate::compare::Method;
use crate::phases::Labelled;
use crate::{Error, Event, Observer, heads};
use eos_model::{Generator, GeneratorSpec, GeneratorTraining};
use eos_registry::Trained;
use eos_tensor::Rows;

/// Codes that are decoded at a time.
const WINDOW: usize = 1 << 18;

/// Trains an auto-encoder on the images, and decodes what the plugin of `means` makes of their codes.
pub(crate) fn deepsmote(
    means: &Means<'_>,
    method: &Method,
    observer: &mut dyn Observer,
) -> Result<Balanced, Error> {
    let train = &means.images.train;
    let shape = train.shape();
    let spec = GeneratorSpec {
        latent: method.param("latent")?,
        ..GeneratorSpec::new([shape.channels, shape.height, shape.width])
    };
    let options = GeneratorTraining {
        epochs: method.param("epochs")?,
        seed: means.config.run.seed,
        ..GeneratorTraining::default()
    };
    let about = format!(
        "{spec}, {} epochs of {} images",
        options.epochs,
        train.len()
    );
    heads::phase(observer, "generator", about);
    let values: Vec<f32> = train
        .pixels()
        .iter()
        .map(|v| f32::from(*v) / 255.0)
        .collect();
    let (mut stopped, mut steps) = (false, 0);
    let generator = Generator::train(spec, &values, train.labels(), &options, &mut |step| {
        let (done, total) = (step.step as u64, step.of as u64);
        observer.event(&Event::Progress { done, total });
        (steps, stopped) = (total, observer.cancelled());
        !stopped
    })?;
    if stopped {
        return Err(Error::Interrupted);
    }
    let codes = generator.encode(&values)?;
    drop(values);
    let data = Labelled {
        rows: Rows::new(&codes, spec.latent)?,
        labels: train.labels(),
    };
    let plan = means.plan(data, &toml::Table::new(), observer)?;
    let mut pixels = Vec::with_capacity(plan.len() * spec.image_len());
    plan.windows(data.rows, means.backend, WINDOW, |window| {
        let images = generator.decode(window)?;
        pixels.extend(images.iter().map(|value| byte(255.0 * value)));
        Ok::<(), Error>(())
    })?;
    let parameters = generator.parameters();
    let about = format!("trained an auto-encoder of {parameters} parameters in {steps} steps");
    let mut trained = plan.trained();
    trained += Trained {
        parameters: parameters as u64,
        steps,
    };
    let made = Made {
        pixels,
        labels: plan.labels(),
        notes: std::iter::once(about)
            .chain(plan.notes().iter().cloned())
            .collect(),
        trained,
    };
    means.balanced(made, observer)
}
