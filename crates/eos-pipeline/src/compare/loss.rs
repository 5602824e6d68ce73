//! A loss as it is named: `NAME[:KEY=VALUE,…][+WEIGHTS][+drw]`.

use super::suggest::nearest;
use super::words::separated;
use crate::Error;
use crate::config::{Config, value};
use eos_model::{ClassWeights, Loss};
use std::fmt;

const NAMES: [&str; 5] = ["ce", "focal", "ldam", "asl", "logit-adjusted"];

/// The loss of phase one with its class weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossSpec {
    /// Of one row.
    pub loss: Loss,
    /// How much each class counts.
    pub weights: ClassWeights,
    /// Whether the weights set in late (deferred re-weighting, Cao et al. 2019).
    pub deferred: bool,
}

impl LossSpec {
    /// That of a configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            loss: config.model.loss,
            weights: config.train.class_weights,
            deferred: config.train.drw_from.is_some(),
        }
    }

    /// Losses from the words of a command line.
    ///
    /// ```
    /// use eos_pipeline::compare::LossSpec;
    /// let losses = LossSpec::read(&["ce,focal:gamma=1".to_owned(), "ldam+effective+drw".to_owned()])?;
    /// let names: Vec<String> = losses.iter().map(LossSpec::to_string).collect();
    /// assert_eq!(names, ["ce", "focal:gamma=1.0", "ldam+effective+drw"]);
    /// # Ok::<(), eos_pipeline::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Request`] for what cannot be read, with what comes near.
    pub fn read(words: &[String]) -> Result<Vec<Self>, Error> {
        let mut losses: Vec<Self> = Vec::new();
        for text in words.iter().flat_map(|word| separated(word)) {
            let loss = text.parse()?;
            if !losses.contains(&loss) {
                losses.push(loss);
            }
        }
        Ok(losses)
    }

    /// A configuration that trains with it; deferred weights set in where the configuration says, else after four fifths
    /// of the epochs, as the reference's 160 of 200.
    pub fn apply(&self, config: &Config) -> Config {
        let mut config = config.clone();
        config.model.loss = self.loss;
        config.train.class_weights = self.weights;
        let late = config.train.epochs * 4 / 5;
        let from = config.train.drw_from.unwrap_or(late.max(1));
        config.train.drw_from = self.deferred.then_some(from);
        config
    }
}

impl fmt::Display for LossSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.loss.name().to_owned();
        let kind = [("kind".to_owned(), self.loss.name().into())];
        let plain = toml::Table::from_iter(kind).try_into::<Loss>();
        let plain = plain.expect("every loss has its own numbers");
        let [own, preset] = [self.loss, plain]
            .map(|loss| toml::Table::try_from(loss).expect("a loss is a table of numbers"));
        let mut mark = ':';
        for (key, value) in own
            .iter()
            .filter(|(key, value)| preset.get(*key) != Some(value))
        {
            text += &format!("{mark}{key}={value}");
            mark = ',';
        }
        text += match self.weights {
            ClassWeights::Inverse => "+inverse",
            ClassWeights::Effective => "+effective",
            _ => "",
        };
        if self.deferred {
            text += "+drw";
        }
        f.pad(&text)
    }
}

impl std::str::FromStr for LossSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fault = |message: String| Error::Request(format!("loss '{text}': {message}"));
        let mut parts = text.split('+');
        let (name, params) = {
            let first = parts.next().unwrap_or_default();
            first.split_once(':').unwrap_or((first, ""))
        };
        if !NAMES.contains(&name) {
            let near = nearest(name, NAMES.into_iter());
            return Err(Error::Request(format!(
                "there is no loss '{name}'{near}; there are {}, each alone or with +inverse or +effective class \
                 weights, which +drw defers",
                NAMES.join(", ")
            )));
        }
        let mut table = toml::Table::new();
        table.insert("kind".to_owned(), name.into());
        for pair in params.split(',').filter(|pair| !pair.is_empty()) {
            let (key, number) = pair
                .split_once('=')
                .ok_or_else(|| fault(format!("'{pair}' is no key=value")))?;
            let number = match value(number) {
                toml::Value::Integer(n) => toml::Value::Float(n as f64),
                other => other,
            };
            table.insert(key.trim().to_owned(), number);
        }
        let loss = table
            .try_into()
            .map_err(|e: toml::de::Error| fault(e.message().to_owned()))?;
        let (mut weights, mut deferred) = (ClassWeights::None, false);
        for word in parts {
            match word {
                "inverse" => weights = ClassWeights::Inverse,
                "effective" => weights = ClassWeights::Effective,
                "drw" => deferred = true,
                _ => {
                    let near = nearest(word, ["inverse", "effective", "drw"].into_iter());
                    return Err(fault(format!(
                        "'+{word}' is nothing that goes with a loss{near}; there are +inverse, +effective, +drw"
                    )));
                }
            }
        }
        if deferred && weights == ClassWeights::None {
            return Err(fault(
                "+drw defers class weights, and there are none; write +effective+drw".to_owned(),
            ));
        }
        Ok(Self {
            loss,
            weights,
            deferred,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        text.parse::<LossSpec>().unwrap_err().to_string()
    }

    #[test]
    fn a_loss_is_written_as_it_is_read() {
        for text in [
            "ce",
            "focal",
            "focal:gamma=1.5",
            "asl:gamma-neg=3.0,gamma-pos=1.0+inverse",
            "ldam+effective+drw",
            "logit-adjusted",
        ] {
            assert_eq!(text.parse::<LossSpec>().unwrap().to_string(), text);
        }
        assert_eq!(
            "focal:gamma=2".parse::<LossSpec>().unwrap().to_string(),
            "focal"
        );
    }

    #[test]
    fn deferred_weights_set_in_after_four_fifths() {
        let text = "[data]\nset = \"fashion-mnist-lt\"\n[train]\nepochs = 20\n";
        let config = Config::from_toml(text, "x", &[]).unwrap();
        let spec: LossSpec = "ldam+effective+drw".parse().unwrap();
        let applied = spec.apply(&config);
        assert_eq!(applied.train.drw_from, Some(16));
        assert_eq!(LossSpec::of(&applied), spec);
        let plain: LossSpec = "ce".parse().unwrap();
        assert_eq!(plain.apply(&applied).train.drw_from, None);
    }

    #[test]
    fn what_is_no_loss_is_told_with_what_comes_near() {
        assert!(told("focl").contains("there is no loss 'focl'; did you mean 'focal'?"));
        assert!(told("ce+efective").contains("did you mean 'effective'?"));
        assert!(told("ce+drw").contains("write +effective+drw"));
        assert!(told("focal:gama=1").contains("gama"));
        assert!(told("focal:gamma=x").contains("gamma") || told("focal:gamma=x").contains("float"));
    }
}
