//! The images of a run.

use crate::config::{Data, Select};
use crate::{Config, Error};
use eos_data::{
    Format, ImageSet, Normalization, Part, ReadOptions, Split, demo, read_images, stratified_split,
};
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
    /// How the epoch is chosen, never [`Select::Auto`].
    pub select: Select,
    /// Things the user ought to know.
    pub warnings: Vec<String>,
}

impl Images {
    /// Rows that may choose parameters: held out, and not those measured on.
    pub fn choosing(&self) -> Option<&Arc<ImageSet>> {
        self.validation
            .as_ref()
            .filter(|_| self.measured_on == "test")
    }

    /// The configuration with everything written out, also what these images decided: normalization
    /// and the choice of the epoch.
    pub fn resolve(&self, config: &Config) -> Config {
        let mut config = config.clone().spelt_out();
        config.data.mean = Some(self.normalization.mean.clone());
        config.data.deviation = Some(self.normalization.deviation.clone());
        config.run.select = self.select;
        config
    }
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
        _ => usual_normalization(data)?.unwrap_or_else(|| Normalization::measure(&train)),
    };
    normalization.check(train.shape().channels)?;
    let (select, split) = choose(config, &train, test.is_some())?;
    let mut validation = None;
    if let Some(split) = split {
        let held = train.select(&split.validation)?;
        if !enough(&held) {
            warnings.push(format!(
                "some class has fewer than {ENOUGH} validation rows; a choice by them is a lottery: \
                 consider a test set and run.select = \"last\""
            ));
        }
        train = train.select(&split.train)?;
        validation = Some(Arc::new(held));
    }
    if select == Select::Test {
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
        select,
        warnings,
    })
}

/// The constants of the data set, where its format has any.
fn usual_normalization(data: &Data) -> Result<Option<Normalization>, Error> {
    let Some(path) = &data.train else {
        return Ok(None);
    };
    let format = match data.format {
        Some(format) => format,
        None => Format::guess(path)?,
    };
    Ok(Normalization::for_format(format))
}

/// How the epoch is chosen, and the rows held out where it is by validation.
fn choose(config: &Config, train: &ImageSet, test: bool) -> Result<(Select, Option<Split>), Error> {
    let select = config.run.select;
    if matches!(select, Select::Last | Select::Test) {
        return Ok((select, None));
    }
    let (labels, classes) = (train.labels(), train.classes().len());
    if select == Select::Auto && test {
        let tenth = |rows: &usize| (*rows as f64 * HELD_OUT).round() as usize;
        if train.class_counts().iter().any(|rows| tenth(rows) < ENOUGH) {
            return Ok((Select::Last, None));
        }
    }
    let split = stratified_split(labels, classes, HELD_OUT, config.run.seed)?;
    Ok((Select::Validation, Some(split)))
}

fn enough(held: &ImageSet) -> bool {
    held.class_counts().iter().all(|rows| *rows >= ENOUGH)
}
