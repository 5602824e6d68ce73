//! A plugin's parameters on the host's side: what it describes, and what it is sent.

use crate::library::Fault;
use serde::Deserialize;
use std::cmp::Ordering::{self, Greater, Less};
use std::collections::BTreeMap;
use std::fmt::Write;
use toml::Value;

/// A parameter as the plugin describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDescription {
    /// Its key.
    pub name: String,
    /// Its type.
    pub kind: ParameterKind,
    /// What it is where nobody says.
    pub default: Value,
    /// The least that a number may be.
    pub min: Option<Value>,
    /// The most that a number may be.
    pub max: Option<Value>,
    /// The words of a choice.
    pub choices: Vec<String>,
    /// What it does, in a few words.
    pub doc: String,
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterKind {
    /// A 64-bit integer.
    Int,
    /// A finite number.
    Float,
    /// True or false.
    Bool,
    /// Any text.
    Text,
    /// One of some words.
    Choice,
}

/// As the plugin writes it. Keys that later versions add are passed over.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "type")]
    kind: ParameterKind,
    default: Value,
    min: Option<Value>,
    max: Option<Value>,
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default)]
    doc: String,
}

/// Reads a plugin's description, in the order in which it is written.
pub(crate) fn describe(text: &str) -> Result<Vec<ParameterDescription>, Fault> {
    let wrong = |why: String| Fault::Description(why);
    let tables: BTreeMap<String, toml::Spanned<Described>> =
        toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
    let mut tables: Vec<_> = tables.into_iter().collect();
    tables.sort_by_key(|(_, table)| table.span().start);
    let read = |(name, table): (String, toml::Spanned<Described>)| {
        let parameter = ParameterDescription::read(&name, table.into_inner());
        parameter.map_err(|why| wrong(format!("parameter '{name}' {why}")))
    };
    tables.into_iter().map(read).collect()
}

impl ParameterDescription {
    /// A described parameter, whose default and limits are of its own type.
    fn read(name: &str, described: Described) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err("is not made of a-z, 0-9 and '-'".into());
        }
        let Described {
            kind,
            default,
            min,
            max,
            choices,
            doc,
        } = described;
        let name = name.to_owned();
        let bare = Self {
            name,
            kind,
            default,
            min: None,
            max: None,
            choices,
            doc,
        };
        let limit = |value: Option<Value>| value.map(|v| bare.typed(&v)).transpose();
        let (min, max) = (limit(min)?, limit(max)?);
        let mut whole = Self { min, max, ..bare };
        whole.default = whole.check(&whole.default)?;
        Ok(whole)
    }

    /// `value` as this parameter takes it, of the right type and in range.
    pub(crate) fn check(&self, value: &Value) -> Result<Value, String> {
        let value = self.typed(value)?;
        if let Some(min) = self
            .min
            .as_ref()
            .filter(|min| order(&value, min) == Some(Less))
        {
            return Err(format!("is {value}; it is at least {min}"));
        }
        if let Some(max) = self
            .max
            .as_ref()
            .filter(|max| order(&value, max) == Some(Greater))
        {
            return Err(format!("is {value}; it is at most {max}"));
        }
        Ok(value)
    }

    fn typed(&self, value: &Value) -> Result<Value, String> {
        let wanted = match (self.kind, value) {
            (ParameterKind::Int, Value::Integer(_))
            | (ParameterKind::Bool, Value::Boolean(_))
            | (ParameterKind::Text, Value::String(_)) => return Ok(value.clone()),
            (ParameterKind::Float, Value::Float(v)) if v.is_finite() => return Ok(value.clone()),
            // 1 is a float too, as people write it.
            (ParameterKind::Float, Value::Integer(v)) => return Ok(Value::Float(*v as f64)),
            (ParameterKind::Choice, Value::String(v)) if self.choices.contains(v) => {
                return Ok(value.clone());
            }
            (ParameterKind::Choice, _) => {
                return Err(format!(
                    "is {value}; it is one of: {}",
                    self.choices.join(", ")
                ));
            }
            (ParameterKind::Int, _) => "a whole number",
            (ParameterKind::Float, _) => "a finite number",
            (ParameterKind::Bool, _) => "true or false",
            (ParameterKind::Text, _) => "text",
        };
        Err(format!("is {value}; it is {wanted}"))
    }
}

/// Of a value and a limit of the same type; only numbers have one.
fn order(value: &Value, limit: &Value) -> Option<Ordering> {
    match (value, limit) {
        (Value::Integer(value), Value::Integer(limit)) => Some(value.cmp(limit)),
        (Value::Float(value), Value::Float(limit)) => value.partial_cmp(limit),
        _ => None,
    }
}

/// `given`, each key known and each value checked.
pub(crate) fn check(
    described: &[ParameterDescription],
    given: &toml::Table,
) -> Result<toml::Table, String> {
    let one = |(key, value): (&String, &Value)| {
        let Some(parameter) = described.iter().find(|p| p.name == *key) else {
            let known: Vec<&str> = described.iter().map(|p| p.name.as_str()).collect();
            let known = if known.is_empty() {
                "nothing".into()
            } else {
                known.join(", ")
            };
            return Err(format!("unknown parameter '{key}'; it takes: {known}"));
        };
        let value = parameter
            .check(value)
            .map_err(|why| format!("parameter '{key}' {why}"))?;
        Ok((key.clone(), value))
    };
    given.iter().map(one).collect()
}

/// Every parameter as one line `key = value`: what the run says, else the registry, else the
/// plugin's default.
pub(crate) fn lines(
    described: &[ParameterDescription],
    preset: &toml::Table,
    run: &toml::Table,
) -> String {
    let mut text = String::new();
    for parameter in described {
        let name = &parameter.name;
        let value = run
            .get(name)
            .or_else(|| preset.get(name))
            .unwrap_or(&parameter.default);
        text.push_str(name);
        text.push_str(" = ");
        write_value(&mut text, value);
        text.push('\n');
    }
    text
}

/// A value on one line, in the few forms that a plugin's parser knows.
fn write_value(text: &mut String, value: &Value) {
    let Value::String(string) = value else {
        let plain = match value {
            Value::Float(v) => format!("{v:?}"),
            other => other.to_string(),
        };
        return text.push_str(&plain);
    };
    text.push('"');
    for c in string.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                write!(text, "\\u{:04X}", c as u32).expect("a String takes all that is written");
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
