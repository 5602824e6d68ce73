//! From TOML text and `--set` to a configuration that holds together.

use super::{Config, Select};
use crate::Error;
use std::path::Path;

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
        config.checked(origin)?;
        Ok(config)
    }

    /// The configuration with every default written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration holds nothing that TOML cannot")
    }

    /// Refuses a configuration from `origin` that does not hold together.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn checked(&self, origin: &str) -> Result<(), Error> {
        self.check().map_err(|message| Error::Config {
            origin: origin.to_owned(),
            message,
        })
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
            ("model.width-factor", self.model.width_factor),
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
        self.check_recipe()?;
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
        assert!(told(TEXT, &["run.device=gpu"]).contains("there is no device 'gpu'; give auto"));
        assert!(
            told("[data]\ntrain = \"x\"\n", &["run.select=last"])
                .contains("set run.select = \"validation\"")
        );
        assert!(told(TEXT, &["oversample.beside=[\"eos\"]"]).contains("named twice"));
    }
}
