//! Why a run did not end as wanted.

use std::path::PathBuf;

/// Why a run or one of its phases stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error("{origin}: {message}")]
    Config {
        /// File, or "--set".
        origin: String,
        /// Key, what it is, what is wanted.
        message: String,
    },
    /// The run folder holds something else.
    #[error("{}: {message}", folder.display())]
    Folder {
        /// The run folder.
        folder: PathBuf,
        /// What it holds, and what to do.
        message: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// "read", "write" or "remove".
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Rows, labels or a rule do not fit the request.
    #[error("{0}")]
    Request(String),
    /// Data could not be read.
    #[error(transparent)]
    Data(#[from] eos_data::DataError),
    /// The network refused.
    #[error(transparent)]
    Model(#[from] eos_model::ModelError),
    /// A plugin or its registry refused.
    #[error(transparent)]
    Plugin(#[from] eos_registry::Error),
    /// Rows refused.
    #[error(transparent)]
    Rows(#[from] eos_tensor::Error),
    /// The device that was asked for cannot be used.
    #[error(transparent)]
    Device(#[from] eos_cuda::CudaError),
    /// Stopped on request; finished epochs and phases are kept.
    #[error("interrupted; finished epochs and phases are kept, run the same command to go on")]
    Interrupted,
}

impl Error {
    /// Whether the user's configuration or arguments are at fault (exit code 2).
    pub fn is_usage(&self) -> bool {
        use eos_model::ModelError as Model;
        use eos_registry::Error as Plugin;
        match self {
            Self::Config { .. } | Self::Folder { .. } | Self::Request(_) => true,
            Self::Data(error) => matches!(error, eos_data::DataError::Request(_)),
            Self::Model(error) => matches!(
                error,
                Model::Option { .. }
                    | Model::Spec { .. }
                    | Model::LinearMargin
                    | Model::Steps { .. }
                    | Model::HeadKind { .. }
            ),
            Self::Plugin(error) => matches!(
                error,
                Plugin::Unknown { .. }
                    | Plugin::Disabled { .. }
                    | Plugin::Unreadable { .. }
                    | Plugin::Registry { .. }
                    | Plugin::Params { .. }
                    | Plugin::Request(_)
            ),
            _ => false,
        }
    }

    /// Whether the observer asked to stop (exit code 130).
    pub fn is_interrupted(&self) -> bool {
        matches!(
            self,
            Self::Interrupted | Self::Plugin(eos_registry::Error::Cancelled)
        )
    }

    /// A file that cannot be read.
    pub fn reading(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::io("read", path, source)
    }

    /// A file that cannot be written.
    pub fn writing(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::io("write", path, source)
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        let path = path.into();
        Self::Io {
            action,
            path,
            source,
        }
    }
}
