//! A method as it is named: `[PLACE/]NAME[:KEY=VALUE,…]`.

use super::built_in::BuiltIn;
use super::words::{outside_brackets, separated};
use crate::Error;
use crate::config::value;
use serde::{Deserialize, Serialize};
use std::fmt;
use toml::{Table, Value};

/// Where rows are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// To the embeddings of one trained network.
    Embedding,
    /// To the images, before a network of its own is trained.
    Pixel,
}

impl std::str::FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "embedding" => Ok(Self::Embedding),
            "pixel" => Ok(Self::Pixel),
            _ => Err(Error::Request(format!(
                "there is no place '{text}' to add rows; give embedding or pixel"
            ))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedding => "embedding",
            Self::Pixel => "pixel",
        })
    }
}

/// One method of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Where it adds rows; embedding for what adds none.
    pub place: Place,
    /// Id of a plugin, or the name of a [`BuiltIn`].
    pub name: String,
    /// Parameters as given.
    pub params: Table,
    /// Parameters of several values, the best of which validation rows choose.
    pub choices: Vec<(String, Vec<Value>)>,
}

/// `eos`, `pixel/smote`, `eos:k=10,no-enemies=smote`; with `|` where validation chooses.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = match self.place {
            Place::Embedding => String::new(),
            Place::Pixel => "pixel/".to_owned(),
        };
        text += &self.name;
        let single = self.params.iter().map(|(key, value)| (key, bare(value)));
        let several = self.choices.iter().map(|(key, values)| {
            let values: Vec<String> = values.iter().map(bare).collect();
            (key, values.join("|"))
        });
        let mut params: Vec<(&String, String)> = single.chain(several).collect();
        params.sort();
        for (at, (key, value)) in params.iter().enumerate() {
            let mark = if at == 0 { ':' } else { ',' };
            text += &format!("{mark}{key}={value}");
        }
        f.pad(&text)
    }
}

/// A value without the quotes of text.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Method {
    /// Methods from the words of a command line: separated by spaces or commas; `eos:k=[10,50]` stands for
    /// one method a value, `eos:k=10|50` for one whose value validation rows choose. What says no place
    /// adds its rows at `place`.
    ///
    /// ```
    /// use eos_pipeline::compare::{Method, Place};
    /// let words = ["as-trained,eos:k=[10,50],compat=reference".to_owned(), "pixel/smote".to_owned()];
    /// let names: Vec<String> = Method::read(&words, Place::Embedding)?.iter().map(Method::to_string).collect();
    /// assert_eq!(names, ["as-trained", "eos:compat=reference,k=10", "eos:compat=reference,k=50", "pixel/smote"]);
    /// # Ok::<(), eos_pipeline::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Request`] for what cannot be read, with what is wanted.
    pub fn read(words: &[String], place: Place) -> Result<Vec<Self>, Error> {
        let mut methods: Vec<Self> = Vec::new();
        for text in words.iter().flat_map(|word| separated(word)) {
            for method in Self::one(&text, place)? {
                if !methods.contains(&method) {
                    methods.push(method);
                }
            }
        }
        Ok(methods)
    }

    /// What one word stands for.
    fn one(text: &str, place: Place) -> Result<Vec<Self>, Error> {
        let fault = |message: &str| Error::Request(format!("method '{text}': {message}"));
        let (path, rest) = text.split_once(':').unwrap_or((text, ""));
        let (given, name) = match path.split_once('/') {
            Some((place, name)) => (Some(place.parse()?), name),
            None => (None, path),
        };
        if name.is_empty() {
            return Err(fault("wanted a name, such as eos or pixel/smote"));
        }
        let built_in = BuiltIn::entry(name);
        let place = match built_in {
            Some((_, BuiltIn::DeepSmote, _)) if given == Some(Place::Embedding) => {
                return Err(fault("it makes images; write pixel/deepsmote"));
            }
            Some((_, BuiltIn::DeepSmote, _)) => Place::Pixel,
            Some(_) if given == Some(Place::Pixel) => {
                return Err(fault("it adds no rows; leave pixel/ out"));
            }
            Some(_) => Place::Embedding,
            None => given.unwrap_or(place),
        };
        let mut methods = vec![Self {
            place,
            name: name.to_owned(),
            params: Table::new(),
            choices: Vec::new(),
        }];
        for pair in outside_brackets(rest)
            .iter()
            .filter(|pair| !pair.is_empty())
        {
            let Some((key, given)) = pair.split_once('=') else {
                return Err(fault(&format!("'{pair}' is no key=value")));
            };
            let key = key.trim().to_owned();
            if let Some((_, _, known)) = built_in
                && !known.iter().any(|(name, _)| *name == key)
            {
                let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                return Err(fault(&match known.is_empty() {
                    true => "it has no parameters".to_owned(),
                    false => format!("it has no '{key}'; it has {}", known.join(", ")),
                }));
            }
            let parts: Vec<Value> = given.split('|').map(value).collect();
            methods = match (&parts[..], value(given)) {
                (_, Value::Array(values)) if !values.is_empty() => {
                    let with = |method: &Self| {
                        let method = method.clone();
                        let key = key.clone();
                        values.clone().into_iter().map(move |value| {
                            let mut method = method.clone();
                            method.params.insert(key.clone(), value);
                            method
                        })
                    };
                    methods.iter().flat_map(with).collect()
                }
                ([one], _) => {
                    for method in &mut methods {
                        method.params.insert(key.clone(), one.clone());
                    }
                    methods
                }
                _ => {
                    for method in &mut methods {
                        method.choices.push((key.clone(), parts.clone()));
                    }
                    methods
                }
            };
        }
        Ok(methods)
    }

    /// One method a combination of the values that validation chooses among; itself where it has no choice.
    pub fn candidates(&self) -> Vec<Self> {
        let mut all = vec![Self {
            choices: Vec::new(),
            ..self.clone()
        }];
        for (key, values) in &self.choices {
            let with = |method: &Self| {
                let method = method.clone();
                values.iter().map(move |value| {
                    let mut method = method.clone();
                    method.params.insert(key.clone(), value.clone());
                    method
                })
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    /// Id of the plugin that it calls, if it calls one.
    pub fn plugin(&self) -> Option<&str> {
        match self.built_in() {
            None => Some(&self.name),
            Some(BuiltIn::DeepSmote) => Some("smote"),
            Some(_) => None,
        }
    }

    /// What it is, where it is no plugin.
    pub fn built_in(&self) -> Option<BuiltIn> {
        BuiltIn::named(&self.name)
    }

    /// The value of a built-in method's parameter, of the type wanted.
    ///
    /// # Errors
    /// [`Error::Request`] for a value of another type.
    pub(crate) fn param<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Result<T, Error> {
        let preset = BuiltIn::entry(&self.name)
            .and_then(|(_, _, known)| known.iter().find(|(name, _)| *name == key))
            .map(|(_, preset)| value(preset));
        let given = self.params.get(key).cloned().or(preset);
        let given = given.unwrap_or_else(|| Value::String(String::new()));
        let given = match given {
            // So that tau=1 is a number like any other.
            Value::Integer(n) if key == "tau" => Value::Float(n as f64),
            other => other,
        };
        let told = bare(&given);
        given
            .try_into()
            .map_err(|_| Error::Request(format!("method '{self}': {key} cannot be {told}")))
    }

    /// The head of the network that it has trained, as a method.
    pub(crate) fn as_trained(&self) -> Self {
        Self {
            place: self.place,
            name: "as-trained".to_owned(),
            params: Table::new(),
            choices: Vec::new(),
        }
    }

    /// A name for files.
    pub(crate) fn slug(&self) -> String {
        let text = self.to_string().replace(':', "(").replace('|', "+");
        let text = text.replace('/', "-");
        match text.contains('(') {
            true => text + ")",
            false => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str], place: Place) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let methods = Method::read(&words, place).map_err(|e| e.to_string())?;
        Ok(methods.iter().map(Method::to_string).collect())
    }

    #[test]
    fn words_are_methods_with_parameters_lists_and_choices() {
        let all = read(
            &[
                "smote,eos:k=[10,50],compat=reference",
                "tau-norm:tau=0.5|1",
                "smote",
                "transfer",
            ],
            Place::Pixel,
        );
        assert_eq!(
            all.unwrap(),
            [
                "pixel/smote",
                "pixel/eos:compat=reference,k=10",
                "pixel/eos:compat=reference,k=50",
                "tau-norm:tau=0.5|1",
                "pixel/transfer"
            ]
        );
        let words = ["eos:k=10|50,compat=correct|reference".to_owned()];
        let several = &Method::read(&words, Place::Embedding).unwrap()[0];
        let candidates: Vec<String> = several.candidates().iter().map(|m| m.to_string()).collect();
        assert_eq!(
            candidates,
            [
                "eos:compat=correct,k=10",
                "eos:compat=reference,k=10",
                "eos:compat=correct,k=50",
                "eos:compat=reference,k=50"
            ]
        );
        assert_eq!(several.slug(), "eos(compat=correct+reference,k=10+50)");
        assert_eq!(
            read(&["pixel/smote"], Place::Embedding).unwrap(),
            ["pixel/smote"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (word, told) in [
            ("pixel/ncm", "it adds no rows"),
            ("embedding/deepsmote", "write pixel/deepsmote"),
            ("pixels/smote", "no place 'pixels'"),
            ("tau-norm:t=1", "it has no 't'; it has tau"),
            ("ncm:k=1", "it has no parameters"),
            ("eos:k", "'k' is no key=value"),
            (":k=1", "wanted a name"),
        ] {
            let error = read(&[word], Place::Embedding).unwrap_err();
            assert!(error.contains(told), "{word}: {error}");
        }
        let words = ["tau-norm:tau=much".to_owned()];
        let method = &Method::read(&words, Place::Embedding).unwrap()[0];
        let told = method.param::<f64>("tau").unwrap_err().to_string();
        assert!(told.contains("tau cannot be much"), "{told}");
    }
}
