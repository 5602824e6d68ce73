//! Reads the flat lines that a host sends: `key = value`, with TOML's integers, floats, booleans
//! and basic strings, and nothing else of TOML.

use super::{Field, Kind, Range};
use crate::error::Error;
use std::fmt;

/// A parameter's value, of the type that its declaration says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Float`]; finite.
    Float(f64),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Text`] and [`Kind::Choice`].
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v:?}"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Text(v) => write!(f, "{v:?}"),
        }
    }
}

/// A field's type, made of a value that [`parse`] has checked.
pub trait FromValue: Sized {
    /// `None` where the value is of another type.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($variant:ident $type:ty),*) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$variant(v) => Some(v),
                    _ => None,
                }
            }
        }
    )*};
}
from_value!(Int i64, Float f64, Bool bool, Text String);

/// The values of `fields`, in their order: from `lines`, else the defaults; types and ranges
/// checked.
///
/// # Errors
/// [`Error::Params`] with the key, what it was and what it may be.
pub fn parse(fields: &[Field], lines: &str) -> Result<Vec<Value>, Error> {
    let mut values: Vec<Option<Value>> = vec![None; fields.len()];
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let no_pair = || Error::params(format_args!("'{line}' is not 'key = value'"));
        let (key, text) = line.split_once('=').ok_or_else(no_pair)?;
        let (key, text) = (key.trim(), text.trim());
        let field = fields.iter().position(|f| f.key() == key);
        let field = field.ok_or_else(|| unknown(key, fields))?;
        let bad = |why| Error::params(format_args!("parameter '{key}' {why}"));
        let value = value(text).ok_or_else(|| bad(format!("has no value in '{text}'")))?;
        let value = check(&fields[field].kind, value).map_err(bad)?;
        if values[field].replace(value).is_some() {
            return Err(bad("is given twice".to_owned()));
        }
    }
    Ok(values
        .into_iter()
        .zip(fields)
        .map(|(v, f)| v.unwrap_or_else(|| default(f)))
        .collect())
}

fn unknown(key: &str, fields: &[Field]) -> Error {
    let known: Vec<String> = fields.iter().map(Field::key).collect();
    let known = if known.is_empty() {
        "nothing".to_owned()
    } else {
        known.join(", ")
    };
    Error::params(format_args!("unknown parameter '{key}'; it takes: {known}"))
}

fn default(field: &Field) -> Value {
    match field.kind {
        Kind::Int(range) => Value::Int(range.default.value),
        Kind::Float(range) => Value::Float(range.default.value),
        Kind::Bool { default } => Value::Bool(default),
        Kind::Text { default } | Kind::Choice { default, .. } => Value::Text(default.to_owned()),
    }
}

fn check(kind: &Kind, value: Value) -> Result<Value, String> {
    let wanted = match (kind, value) {
        (Kind::Int(range), Value::Int(v)) => return limits(range, v).map(Value::Int),
        (Kind::Float(range), Value::Float(v)) => return limits(range, v).map(Value::Float),
        // 1 is a float too, as people write it.
        (Kind::Float(range), Value::Int(v)) => return limits(range, v as f64).map(Value::Float),
        (Kind::Bool { .. }, v @ Value::Bool(_)) | (Kind::Text { .. }, v @ Value::Text(_)) => {
            return Ok(v);
        }
        (Kind::Choice { choices, .. }, Value::Text(v)) => {
            return if choices.contains(&v.as_str()) {
                Ok(Value::Text(v))
            } else {
                Err(format!("is {v:?}; it is one of: {}", choices.join(", ")))
            };
        }
        (Kind::Int(_), v) => (v, "a whole number"),
        (Kind::Float(_), v) => (v, "a number"),
        (Kind::Bool { .. }, v) => (v, "true or false"),
        (Kind::Text { .. } | Kind::Choice { .. }, v) => (v, "text"),
    };
    Err(format!("is {}; it is {}", wanted.0, wanted.1))
}

fn limits<T: PartialOrd + fmt::Debug>(range: &Range<T>, value: T) -> Result<T, String> {
    if let Some(min) = range.min.as_ref().filter(|min| value < min.value) {
        return Err(format!("is {value:?}; it is at least {}", min.text));
    }
    if let Some(max) = range.max.as_ref().filter(|max| value > max.value) {
        return Err(format!("is {value:?}; it is at most {}", max.text));
    }
    Ok(value)
}

fn value(text: &str) -> Option<Value> {
    if let Some(quoted) = text.strip_prefix('"') {
        return unescape(quoted).map(Value::Text);
    }
    match text {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    if let Ok(int) = text.parse() {
        return Some(Value::Int(int));
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Value::Float(float))
}

/// The text of a basic string whose opening quote is gone; `None` where it does not end right.
fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(text),
            '\\' => text.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => code_point(&mut rest, 4)?,
                'U' => code_point(&mut rest, 8)?,
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => text.push(c),
        }
    }
}

fn code_point(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + rest.next()?.to_digit(16)?;
    }
    char::from_u32(code)
}
