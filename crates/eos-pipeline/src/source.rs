//! The images of a run.

use crate::{Config, Error, config::Select};
use eos_data::{ImageSet, Normalization, Part, ReadOptions, demo, read_images, stratified_split};
use std::sync::Arc;

/// Share of the training rows that `select = "validation"` holds out.
const HELD_OUT: f64 = 0.1;
/// Fewer validation rows than this in some class make a choice by them a lottery.
const ENOUGH: usize = 10;

/// Images, split and measured.
#[derive(Debug, Clone)]
pub struct Images {
    /// To train on.
    pub train: Arc<ImageSet>,
    /// Held out of the training rows, where rows are.
    pub validation: Option<Arc<ImageSet>>,
    /// To measure on at the end: the test set, or the validation rows where there is none.
    pub test: Arc<ImageSet>,
    /// "test" or "validation".
    pub measured_on: &'static str,
    /// Of the training images, or given.
    pub normalization: Normalization,
    /// Things the user ought to know.
    pub warnings: Vec<String>,
}

/// Reads, thins and splits the images of a configuration.
///
/// # Errors
/// What is wrong with the files, or sets that do not fit each other.
pub fn load_data(config: &Config) -> Result<Images, Error> {
    let data = &config.data;
    let mut warnings = Vec::new();
    let (mut train, test) = match &data.train {
        None => (demo::train(), Some(demo::test())),
        Some(path) => {
            let mut options = ReadOptions {
                format: data.format,
                size: data.size,
                ..ReadOptions::default()
            };
            let train = read_images(path, &options)?;
            options.part = Part::Test;
            options.classes = Some(train.classes().to_vec());
            let test = data
                .test
                .as_ref()
                .map(|path| read_images(path, &options))
                .transpose()?;
            (train, test)
        }
    };
    if let Some(imbalance) = &data.imbalance {
        let kept = imbalance.select(train.labels(), train.classes().len())?;
        train = train.select(&kept)?;
    }
    train.require_every_class("training images")?;
    if let Some(test) = &test
        && (test.shape() != train.shape() || test.classes().len() != train.classes().len())
    {
        return Err(Error::Request(format!(
            "training images are {} in {} classes, test images {} in {}; give sets of one kind",
            train.shape(),
            train.classes().len(),
            test.shape(),
            test.classes().len()
        )));
    }
    let normalization = match (&data.mean, &data.deviation) {
        (Some(mean), Some(deviation)) => Normalization {
            mean: mean.clone(),
            deviation: deviation.clone(),
        },
        _ => Normalization::measure(&train),
    };
    normalization.check(train.shape().channels)?;
    let mut validation = None;
    if config.run.select == Select::Validation {
        let split = stratified_split(
            train.labels(),
            train.classes().len(),
            HELD_OUT,
            config.run.seed,
        )?;
        let held = train.select(&split.validation)?;
        if held.class_counts().iter().any(|n| *n < ENOUGH) {
            warnings.push(format!(
                "some class has fewer than {ENOUGH} validation rows; a choice by them is a lottery: \
                 consider run.select = \"last\""
            ));
        }
        train = train.select(&split.train)?;
        validation = Some(Arc::new(held));
    }
    if config.run.select == Select::Test {
        warnings.push(
            "run.select = \"test\" chooses the epoch on the test set: its figures are too good and \
             only fit for comparison with published ones"
                .to_owned(),
        );
    }
    let (test, measured_on) = match (test, &validation) {
        (Some(test), _) => (Arc::new(test), "test"),
        (None, Some(held)) => (Arc::clone(held), "validation"),
        (None, None) => return Err(Error::Request("there are no rows to measure on".to_owned())),
    };
    let train = Arc::new(train);
    Ok(Images {
        train,
        validation,
        test,
        measured_on,
        normalization,
        warnings,
    })
}
