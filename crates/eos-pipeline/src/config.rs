//! A run's configuration: TOML in, checked once.

use crate::{Error, wanted::Wanted};
use eos_data::{Format, Imbalance};
use eos_model::{Arch, HeadTraining, Schedule, SgdOptions};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that fixes a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where images come from.
    pub data: Data,
    /// The network.
    #[serde(default)]
    pub model: Model,
    /// Phase one.
    #[serde(default)]
    pub train: Train,
    /// Phase two.
    #[serde(default)]
    pub oversample: Oversample,
    /// Phase three.
    #[serde(default)]
    pub head: Head,
    /// What holds for the whole run.
    #[serde(default)]
    pub run: Run,
}

/// `[data]`: an embedded set by name, or paths.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// "fashion-mnist-lt", the embedded set.
    pub set: Option<String>,
    /// Folder or file of training images.
    pub train: Option<PathBuf>,
    /// Folder or file of test images; without it the metrics are on the validation rows.
    pub test: Option<PathBuf>,
    /// Guessed from the content where absent.
    pub format: Option<Format>,
    /// Height and width that a folder's images are resized to.
    pub size: Option<[usize; 2]>,
    /// Fewer rows of the later classes.
    pub imbalance: Option<Imbalance>,
    /// Mean of each channel, of pixels / 255; measured from the training images where absent.
    pub mean: Option<Vec<f32>>,
    /// Deviation of each channel.
    pub deviation: Option<Vec<f32>>,
}

/// `[model]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// Architecture.
    pub arch: Arch,
    /// Loss of phases one and three.
    pub loss: Loss,
}

/// The losses there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Cross entropy.
    Ce,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            arch: Arch::ResNet32,
            loss: Loss::Ce,
        }
    }
}

/// `[train]`: the paper's recipe where nothing is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Train {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a step.
    pub batch: usize,
    /// Course of the learning rate.
    pub schedule: Schedule,
    /// Its peak.
    pub learning_rate: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// L2 decay.
    pub weight_decay: f64,
    /// Black pixels around an image from which a crop of its size is taken; 0 takes no crop.
    pub crop_padding: usize,
    /// Mirror half of the images.
    pub flip: bool,
}

impl Default for Train {
    fn default() -> Self {
        let sgd = SgdOptions::default();
        Self {
            epochs: 200,
            batch: 128,
            schedule: Schedule::Reference,
            learning_rate: 0.1,
            momentum: sgd.momentum,
            weight_decay: sgd.weight_decay,
            crop_padding: 4,
            flip: true,
        }
    }
}

/// `[oversample]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oversample {
    /// Id of the plugin.
    pub method: String,
    /// Its parameters.
    pub params: toml::Table,
    /// Sizes of the classes afterwards.
    pub wanted: Wanted,
    /// Further plugins, with their defaults, on the same embeddings and with the same head recipe.
    pub beside: Vec<String>,
    /// Registry to look in first.
    pub registry: Option<PathBuf>,
}

impl Default for Oversample {
    fn default() -> Self {
        Self {
            method: "eos".to_owned(),
            params: toml::Table::new(),
            wanted: Wanted::default(),
            beside: Vec::new(),
            registry: None,
        }
    }
}

/// `[head]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Head {
    /// Passes over the balanced embeddings.
    pub epochs: usize,
    /// Rows in a step.
    pub batch: usize,
    /// Course of the learning rate.
    pub schedule: Schedule,
    /// Its peak.
    pub learning_rate: f64,
    /// Fresh weights, or the trained head's.
    pub start: Start,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 128,
            schedule: Schedule::Cosine { warmup_epochs: 0.0 },
            learning_rate: 0.1,
            start: Start::Fresh,
        }
    }
}

/// Where a head's weights begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At random.
    Fresh,
    /// At those of the network as trained.
    Trained,
}

/// `[run]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Of everything random.
    pub seed: u64,
    /// "auto" or "cpu": where neighbours and interpolation run.
    pub device: Device,
    /// Threads; 0 is one a core.
    pub threads: usize,
    /// Which epoch of phase one is kept.
    pub select: Select,
}

/// Where the batched operations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The best there is.
    #[default]
    Auto,
    /// The processor.
    Cpu,
}

/// Which epoch of phase one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// By validation rows where a tenth of every class is at least ten rows, or where there is no
    /// test set; else the last.
    #[default]
    Auto,
    /// The last one; no rows are held out.
    Last,
    /// The best by mean recall on a tenth of the training rows.
    Validation,
    /// The best on the test set, as the reference does: for comparison with published figures only.
    Test,
}

impl Config {
    /// Reads a file and applies `--set key=value` overrides.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Config`], the latter with line and column.
    pub fn load(path: &Path, sets: &[String]) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        Self::from_toml(&text, &path.display().to_string(), sets)
    }

    /// A configuration from TOML text that came from `origin`.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn from_toml(text: &str, origin: &str, sets: &[String]) -> Result<Self, Error> {
        let fault = |message: String| Error::Config {
            origin: origin.to_owned(),
            message,
        };
        // Read before the overrides, so that an error points at its line in the file.
        let _: Self = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        let mut table: toml::Table = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        for set in sets {
            override_one(&mut table, set)?;
        }
        let config: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| Error::Config {
                origin: "--set".to_owned(),
                message: e.message().to_owned(),
            })?;
        config.check().map_err(fault)?;
        Ok(config)
    }

    /// The configuration with every default written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration holds nothing that TOML cannot")
    }

    fn check(&self) -> Result<(), String> {
        let data = &self.data;
        match (&data.set, &data.train) {
            (Some(set), None) if set == eos_data::demo::NAME => {}
            (Some(set), None) => {
                return Err(format!(
                    "data.set is '{set}'; the embedded set is '{}'",
                    eos_data::demo::NAME
                ));
            }
            (None, Some(_)) => {}
            _ => return Err("give either data.set or data.train".to_owned()),
        }
        if data.mean.is_some() != data.deviation.is_some() {
            return Err("give data.mean and data.deviation together, or neither".to_owned());
        }
        for (key, got) in [
            ("train.epochs", self.train.epochs),
            ("train.batch", self.train.batch),
            ("head.epochs", self.head.epochs),
            ("head.batch", self.head.batch),
        ] {
            if got == 0 {
                return Err(format!("{key} is 0, wanted 1 or more"));
            }
        }
        for (key, got) in [
            ("train.learning-rate", self.train.learning_rate),
            ("head.learning-rate", self.head.learning_rate),
        ] {
            if !(got > 0.0 && got.is_finite()) {
                return Err(format!("{key} is {got}, wanted a number above 0"));
            }
        }
        let methods = self.methods();
        if let Some(twice) = methods
            .iter()
            .enumerate()
            .find(|(i, m)| methods[..*i].contains(m))
        {
            return Err(format!(
                "method '{}' is named twice in [oversample]",
                twice.1
            ));
        }
        let test = data.set.is_some() || data.test.is_some();
        if self.run.select == Select::Test && !test {
            return Err("run.select = \"test\" needs data.test".to_owned());
        }
        if !test && self.run.select == Select::Last {
            return Err("run.select = \"last\" without data.test leaves no rows to measure on; give data.test, or set run.select = \"validation\"".to_owned());
        }
        Ok(())
    }

    /// How heads are trained; `trained` is the head of phase one.
    pub fn head_training(&self, trained: &eos_model::Head) -> HeadTraining {
        HeadTraining {
            epochs: self.head.epochs,
            batch: self.head.batch,
            schedule: self.head.schedule,
            learning_rate: self.head.learning_rate,
            sgd: self.sgd(),
            seed: self.run.seed,
            start: (self.head.start == Start::Trained).then(|| trained.clone()),
        }
    }

    /// The optimizer of both training phases.
    pub fn sgd(&self) -> SgdOptions {
        SgdOptions {
            momentum: self.train.momentum,
            weight_decay: self.train.weight_decay,
        }
    }

    /// Every method: those beside first, the chosen one last.
    pub fn methods(&self) -> Vec<&str> {
        let beside = self.oversample.beside.iter().map(String::as_str);
        beside.chain([self.oversample.method.as_str()]).collect()
    }
}

/// A TOML value; what is none is text.
pub fn value(text: &str) -> toml::Value {
    toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

/// Splits `key=value` and reads the value as TOML, or as text where it is none.
///
/// # Errors
/// [`Error::Config`] without an equals sign.
pub fn key_value(set: &str) -> Result<(&str, toml::Value), Error> {
    match set.split_once('=') {
        Some((key, text)) => Ok((key.trim(), value(text))),
        None => Err(Error::Config {
            origin: format!("--set {set}"),
            message: "wanted key=value, such as train.epochs=10".to_owned(),
        }),
    }
}

/// Applies one `a.b.c=value`.
fn override_one(table: &mut toml::Table, set: &str) -> Result<(), Error> {
    let fault = |message: String| Error::Config {
        origin: format!("--set {set}"),
        message,
    };
    let (path, value) = key_value(set)?;
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut at = table;
    for key in keys {
        let next = at
            .entry(key)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = next
            .as_table_mut()
            .ok_or_else(|| fault(format!("'{key}' is no table")))?;
    }
    at.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[data]\nset = \"fashion-mnist-lt\"\n";

    fn told(text: &str, sets: &[&str]) -> String {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::from_toml(text, "run.toml", &sets)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn overrides_go_over_the_file_and_defaults_are_the_paper_s() {
        let sets = [
            "train.epochs=3",
            "oversample.params.k=7",
            "oversample.method=smote",
        ];
        let config = Config::from_toml(TEXT, "x", &sets.map(String::from)).unwrap();
        assert_eq!((config.train.epochs, config.train.batch), (3, 128));
        assert_eq!(config.oversample.params["k"].as_integer(), Some(7));
        assert_eq!(config.methods(), ["smote"]);
        assert_eq!(
            Config::from_toml(&config.to_toml(), "x", &[]).unwrap(),
            config
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(told("[data]\nsett = \"x\"\n", &[]).contains("line 2"));
        assert!(
            told("[data]\nset = \"x\"\n", &[]).contains("the embedded set is 'fashion-mnist-lt'")
        );
        assert!(told(TEXT, &["train.epochs=0"]).contains("train.epochs is 0"));
        assert!(told(TEXT, &["train.epoch=1"]).contains("unknown field `epoch`"));
        assert!(told(TEXT, &["train"]).contains("wanted key=value"));
        assert!(told(TEXT, &["run.device=cuda"]).contains("unknown variant `cuda`"));
        assert!(
            told("[data]\ntrain = \"x\"\n", &["run.select=last"])
                .contains("set run.select = \"validation\"")
        );
        assert!(told(TEXT, &["oversample.beside=[\"eos\"]"]).contains("named twice"));
    }
}
