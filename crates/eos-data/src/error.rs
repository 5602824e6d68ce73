//! What can be wrong with data, told in one sentence that names the place and the way out.

use std::{fmt, io, path::Path};

/// One thing that is wrong with a file or an argument, and what to do about it.
///
/// Displayed as `place: field: got …, wanted …; next step`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, or the argument, that is at fault.
    pub place: String,
    /// The part of it: a header field, an entry, a row and column.
    pub field: String,
    /// What stands there.
    pub got: String,
    /// What should have stood there.
    pub wanted: String,
    /// What the user can do now.
    pub next: String,
}

impl Fault {
    /// A fault in `field` of the file `path`, to be told further by the methods below.
    pub(crate) fn file(path: &Path, field: impl Into<String>) -> Self {
        Self::argument(path.display().to_string(), field)
    }

    /// A fault in `field` of an argument rather than of a file.
    pub(crate) fn argument(place: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            field: field.into(),
            got: String::new(),
            wanted: String::new(),
            next: String::new(),
        }
    }

    /// What stands there; an empty text, such as a list of no names, is told as nothing.
    pub(crate) fn got(mut self, got: impl Into<String>) -> Self {
        self.got = Some(got.into())
            .filter(|got| !got.is_empty())
            .unwrap_or_else(|| "nothing".to_owned());
        self
    }

    /// What should have stood there.
    pub(crate) fn wanted(mut self, wanted: impl Into<String>) -> Self {
        self.wanted = wanted.into();
        self
    }

    /// What the user can do now.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// The file contradicts its format.
    pub(crate) fn damaged(self) -> DataError {
        DataError::Damaged(Box::new(self))
    }

    /// The file is whole, a value in it cannot be used.
    pub(crate) fn value(self) -> DataError {
        DataError::Value(Box::new(self))
    }

    /// Shapes disagree.
    pub(crate) fn shape(self) -> DataError {
        DataError::Shape(Box::new(self))
    }

    /// Not read here.
    pub(crate) fn unsupported(self) -> DataError {
        DataError::Unsupported(Box::new(self))
    }

    /// More memory than is sensible or available.
    pub(crate) fn too_large(self) -> DataError {
        DataError::TooLarge(Box::new(self))
    }

    /// The request does not fit the data.
    pub(crate) fn request(self) -> DataError {
        DataError::Request(Box::new(self))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            field,
            got,
            wanted,
            next,
        } = self;
        write!(f, "{place}: {field}: got {got}, wanted {wanted}; {next}")
    }
}

/// Why data could not be read, checked or written.
///
/// The variants tell a missing file from a damaged one and both from a request that does not fit;
/// the [`Fault`] inside names file, field, what was got, what was wanted and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused: no such file, no permission, disk full.
    #[error("{place}: cannot {action}: {source}; {next}")]
    Io {
        /// The file or folder.
        place: String,
        /// What was tried: "read", "write".
        action: &'static str,
        /// What the user can do now.
        next: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A file contradicts its format: wrong magic, cut short, bytes left over, broken gzip.
    #[error("{0}")]
    Damaged(Box<Fault>),
    /// The file is whole but a value in it cannot be used: a label out of range, NaN, infinity.
    #[error("{0}")]
    Value(Box<Fault>),
    /// Shapes that should agree do not.
    #[error("{0}")]
    Shape(Box<Fault>),
    /// A variant of the format that is not read here, or a format that is not recognised.
    #[error("{0}")]
    Unsupported(Box<Fault>),
    /// More memory is asked for than is sensible or available.
    #[error("{0}")]
    TooLarge(Box<Fault>),
    /// The request does not fit the data: a ratio below one, a class that would keep no row.
    #[error("{0}")]
    Request(Box<Fault>),
}

impl DataError {
    /// Reading `path` failed in the operating system.
    pub(crate) fn reading(path: &Path, source: io::Error) -> Self {
        Self::Io {
            place: path.display().to_string(),
            action: "read",
            next: "check that the path exists and may be read",
            source,
        }
    }

    /// Writing `path` failed in the operating system.
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        Self::Io {
            place: path.display().to_string(),
            action: "write",
            next: "check the folder's permissions and the free space; nothing was left under this name",
            source,
        }
    }

    /// The fault inside, where the operating system was not the cause.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Io { .. } => None,
            Self::Damaged(fault)
            | Self::Value(fault)
            | Self::Shape(fault)
            | Self::Unsupported(fault)
            | Self::TooLarge(fault)
            | Self::Request(fault) => Some(fault),
        }
    }
}
