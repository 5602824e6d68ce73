//! A method's parameters, declared once: [`params!`](crate::params!) makes of one declaration
//! the struct, the description that hosts read, and the parser of what hosts send.

mod describe;
mod macros;
mod parse;

pub use describe::{length, one_of, render};
pub use parse::{FromValue, Value, parse};

use crate::error::Error;

/// What a method takes. Implemented by [`params!`](crate::params!), and by `()` for nothing.
pub trait Parameters: Sized {
    /// Each parameter, in the order of declaration.
    const FIELDS: &'static [Field];
    /// TOML for the host: a table for each parameter.
    const DESCRIPTION: &'static str;

    /// Reads one `key = value` a line; a parameter that no line names has its default.
    ///
    /// # Errors
    /// [`Error::Params`] for an unknown key, a value of another type or one out of range.
    fn parse(lines: &str) -> Result<Self, Error>;
}

impl Parameters for () {
    const FIELDS: &'static [Field] = &[];
    const DESCRIPTION: &'static str = "";

    fn parse(lines: &str) -> Result<Self, Error> {
        parse(Self::FIELDS, lines).map(|_| ())
    }
}

/// One declared parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Name of the field; as a key its underscores are hyphens.
    pub name: &'static str,
    /// Type, default and range.
    pub kind: Kind,
    /// What it does, in a few words.
    pub doc: &'static str,
}

impl Field {
    /// The key under which configurations name it.
    pub fn key(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// Type, default and range of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A 64-bit integer.
    Int(Range<i64>),
    /// A finite number.
    Float(Range<f64>),
    /// True or false.
    Bool {
        /// Its default.
        default: bool,
    },
    /// Any text.
    Text {
        /// Its default.
        default: &'static str,
    },
    /// One of some words.
    Choice {
        /// Its default, one of `choices`.
        default: &'static str,
        /// The words.
        choices: &'static [&'static str],
    },
}

/// Default and limits of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    /// Its default.
    pub default: Literal<T>,
    /// The least that it may be.
    pub min: Option<Literal<T>>,
    /// The most that it may be.
    pub max: Option<Literal<T>>,
}

/// A number and how the declaration writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Literal<T> {
    /// The number.
    pub value: T,
    /// Its text.
    pub text: &'static str,
}

/// A parameter that is one of some words; implemented by [`choice!`](crate::choice!).
pub trait Choice: Sized {
    /// The words, in the order of declaration.
    const NAMES: &'static [&'static str];

    /// The variant that the word `name` stands for.
    fn from_name(name: &str) -> Option<Self>;

    /// The word of this variant.
    fn name(&self) -> &'static str;
}
