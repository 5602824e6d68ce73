//! What a plugin's calls end in when they do not succeed.

use std::fmt;

/// Why a plugin did not do what it was asked. Crosses the boundary as a status and this message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host asked to stop; return it as it came.
    Cancelled,
    /// A parameter does not fit: say which, what it was and what it may be.
    Params(String),
    /// The host lacks something that the method needs.
    Unsupported(String),
    /// Anything else: say what, where and what to do.
    Failed(String),
    /// A panic, caught; made by the SDK alone.
    Panicked(String),
}

impl Error {
    /// A failure with its message.
    ///
    /// ```
    /// let error = eos_plugin::Error::failed(format_args!("class {} has one row", 3));
    /// assert_eq!(error.to_string(), "class 3 has one row");
    /// ```
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::Failed(message.to_string())
    }

    /// Parameters that do not fit.
    pub fn params(message: impl fmt::Display) -> Self {
        Self::Params(message.to_string())
    }

    /// Something that the host does not offer.
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Self::Unsupported(message.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Params(m) | Self::Unsupported(m) | Self::Failed(m) | Self::Panicked(m) => {
                f.write_str(m)
            }
        }
    }
}

impl std::error::Error for Error {}
