//! A reader of pickles that cannot run anything: plain data and NumPy arrays, nothing else.
//!
//! A pickle is a program for a stack machine that may call any importable function. Here five
//! functions are known, each of which builds a value, and any other name is refused. Values live in
//! one arena and refer to each other by number, so hostile nesting and cycles cost no stack.
//!
//! Source: the opcodes of Python's `pickletools`, protocols 2 to 5, and NumPy's `ndarray.__reduce__`.

mod machine;

use crate::error::{DataError, Fault};
use machine::Machine;
use std::{borrow::Cow, path::Path};

type Id = usize;

#[derive(Debug, Clone)]
enum Value<'a> {
    Int(i64),
    /// A value that is of no use here, such as None or a float.
    Other,
    Bytes(Cow<'a, [u8]>),
    Text(&'a str),
    /// A list or a tuple.
    Sequence(Vec<Id>),
    /// Keys and values in turn.
    Dict(Vec<Id>),
    Callable(Callable),
    /// An item type by NumPy's name, such as "u1".
    Dtype(Vec<u8>),
    /// An array, empty until BUILD gives it its state.
    Array(Option<State>),
}

/// The functions that a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Callable {
    /// `numpy.ndarray`, only as an argument of the next.
    Ndarray,
    /// `numpy.core.multiarray._reconstruct`: an array to be filled by BUILD.
    Reconstruct,
    /// `numpy.dtype(name, …)`
    Dtype,
    /// `_codecs.encode(text, "latin1")`: how Python 3 writes bytes in protocol 2.
    Encode,
    /// `numpy.core.numeric._frombuffer(bytes, dtype, shape, order)`: protocol 5.
    FromBuffer,
}

impl Callable {
    fn named(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("numpy", "ndarray") => Some(Self::Ndarray),
            ("numpy", "dtype") => Some(Self::Dtype),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Some(Self::Reconstruct)
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Some(Self::FromBuffer),
            ("_codecs", "encode") => Some(Self::Encode),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
struct State {
    shape: Vec<u64>,
    dtype: Id,
    column_major: bool,
    bytes: Id,
}

/// An array of unsigned bytes, row-major.
#[derive(Debug)]
pub(crate) struct ByteArray<'p> {
    pub(crate) shape: Vec<u64>,
    pub(crate) bytes: &'p [u8],
}

/// A parsed pickle whose outermost value is a dictionary.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    /// Ids of keys and values in turn.
    entries: Vec<Id>,
}

impl<'a> Pickle<'a> {
    pub(crate) fn parse(path: &Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        let mut machine = Machine::new(path, bytes);
        let top = machine.run()?;
        let Value::Dict(entries) = &machine.values[top] else {
            return Err(Fault::file(path, "pickle")
                .got("something other than a dictionary")
                .wanted("a dictionary")
                .next("give a file of CIFAR's python version")
                .unsupported());
        };
        Ok(Self {
            entries: entries.clone(),
            values: machine.values,
        })
    }

    /// The keys that are strings.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.entries.iter().step_by(2);
        keys.filter_map(|id| self.string(*id)).collect()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The array of bytes under `key`.
    pub(crate) fn array(&self, path: &Path, key: &str) -> Result<ByteArray<'_>, DataError> {
        let fault = |got: &str| {
            Fault::file(path, format!("'{key}'"))
                .got(got)
                .wanted("a row-major array of unsigned bytes")
                .next("give a file of CIFAR's python version")
        };
        let state = match self.find(key) {
            Some(Value::Array(Some(state))) => state,
            Some(_) => return Err(fault("another value").unsupported()),
            None => return Err(fault("nothing").damaged()),
        };
        let unsigned = matches!(&self.values[state.dtype], Value::Dtype(name) if matches!(name.as_slice(), b"u1" | b"|u1"));
        if !unsigned || state.column_major {
            return Err(fault("another type or order of items").unsupported());
        }
        let Value::Bytes(bytes) = &self.values[state.bytes] else {
            return Err(fault("no bytes").unsupported());
        };
        let wanted = state
            .shape
            .iter()
            .try_fold(1_u64, |n, side| n.checked_mul(*side));
        if wanted != Some(bytes.len() as u64) {
            let got = format!("{} bytes for shape {:?}", bytes.len(), state.shape);
            return Err(fault(&got).damaged());
        }
        Ok(ByteArray {
            shape: state.shape.clone(),
            bytes,
        })
    }

    /// The list of integers under `key`.
    pub(crate) fn integers(&self, path: &Path, key: &str) -> Result<Vec<i64>, DataError> {
        self.list(path, key, "integers", |id| match self.values[id] {
            Value::Int(value) => Some(value),
            _ => None,
        })
    }

    /// The list of strings under `key`.
    pub(crate) fn strings(&self, path: &Path, key: &str) -> Result<Vec<String>, DataError> {
        self.list(path, key, "strings", |id| self.string(id))
    }

    fn list<T>(
        &self,
        path: &Path,
        key: &str,
        what: &str,
        item: impl Fn(Id) -> Option<T>,
    ) -> Result<Vec<T>, DataError> {
        let list = match self.find(key) {
            Some(Value::Sequence(ids)) => ids.iter().map(|id| item(*id)).collect(),
            _ => None,
        };
        list.ok_or_else(|| {
            Fault::file(path, format!("'{key}'"))
                .got("another value or nothing")
                .wanted(format!("a list of {what}"))
                .next("give a file of CIFAR's python version")
                .damaged()
        })
    }

    fn find(&self, key: &str) -> Option<&Value<'a>> {
        let mut pairs = self.entries.chunks_exact(2);
        let pair = pairs.find(|pair| self.string(pair[0]).as_deref() == Some(key))?;
        Some(&self.values[pair[1]])
    }

    /// Text, or what Python 2 called a string.
    fn string(&self, id: Id) -> Option<String> {
        match &self.values[id] {
            Value::Text(text) => Some((*text).to_owned()),
            Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }
}
