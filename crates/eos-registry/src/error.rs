//! Every way in which a registry, a plugin or a call can be refused. A message says what is wrong
//! with what, and what to do about it.

use crate::library::Fault;
use std::path::{Path, PathBuf};

/// Why there is no plugin or no result. Whatever the call was made with is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A registry that was asked for cannot be read.
    #[error(
        "registry '{}' ({asked}) cannot be read: {source}; give the path of a registry.toml",
        path.display()
    )]
    Unreadable {
        /// The registry.
        path: PathBuf,
        /// Who asked for it: the option, the configuration or the variable.
        asked: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A registry is not what a registry is; the message points at the place.
    #[error("registry '{}': {message}", path.display())]
    Registry {
        /// The registry.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No registry lists the plugin.
    #[error("no plugin '{id}'; {known}")]
    Unknown {
        /// The plugin asked for.
        id: String,
        /// The plugins that there are, or where registries were looked for.
        known: String,
    },
    /// The registry says `enabled = false`.
    #[error(
        "plugin '{id}' is disabled in '{}'; set enabled = true there to use it",
        registry.display()
    )]
    Disabled {
        /// The plugin.
        id: String,
        /// The registry that lists it.
        registry: PathBuf,
    },
    /// There is no process to isolate the plugin in.
    #[error("plugin '{id}' is to be isolated, and there is no process for it: {message}")]
    Isolation {
        /// The plugin.
        id: String,
        /// What was tried, what came of it and what to do.
        message: String,
    },
    /// The process that the plugin ran in has ended.
    #[error(
        "plugin '{id}' ended its process while it {stage}: {how}; this is a fault of the plugin, \
         and nothing else is harmed"
    )]
    Died {
        /// The plugin.
        id: String,
        /// What it was about to do.
        stage: &'static str,
        /// The signal or the exit code, and its last words.
        how: String,
    },
    /// An isolated plugin took too long, and was stopped.
    #[error(
        "plugin '{id}' took more than {} s while it {stage}, and was stopped; if it needs longer, \
         raise timeout{}",
        timeout.as_secs_f64(),
        in_registry(registry.as_deref())
    )]
    TimedOut {
        /// The plugin.
        id: String,
        /// What it was about to do.
        stage: &'static str,
        /// How long it might take.
        timeout: std::time::Duration,
        /// The registry that says so.
        registry: Option<PathBuf>,
    },
    /// The library lies outside of the registry's folder, without leave.
    #[error(
        "plugin '{id}': library path '{library}' leaves the registry's folder{}; set \
         'allow-outside = true' to permit it",
        link(target.as_deref())
    )]
    Outside {
        /// The plugin.
        id: String,
        /// As the registry has it.
        library: String,
        /// Where a symbolic link leads.
        target: Option<PathBuf>,
    },
    /// The library cannot be read.
    #[error(
        "plugin '{id}': library '{}' cannot be read: {source}; build it (cargo xtask plugins \
         build) or mend 'library' in '{}'",
        path.display(),
        registry.display()
    )]
    Library {
        /// The plugin.
        id: String,
        /// The library.
        path: PathBuf,
        /// The registry that lists it.
        registry: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The library is not the one that the registry's hash was taken of.
    #[error(
        "plugin '{id}': '{}' has SHA-256 {got}, '{}' says {wanted}; if you changed the library \
         yourself, write its hash anew (cargo xtask plugins lock)",
        path.display(),
        registry.display()
    )]
    Checksum {
        /// The plugin.
        id: String,
        /// The library.
        path: PathBuf,
        /// The registry that lists it.
        registry: PathBuf,
        /// Of the library, in hexadecimal digits.
        got: Box<str>,
        /// Of the registry.
        wanted: Box<str>,
    },
    /// Hashes are required, and the registry has none for this plugin.
    #[error(
        "plugin '{id}': '{}' has no sha256 for it, and locked plugins were asked for; write the \
         hashes with cargo xtask plugins lock",
        registry.display()
    )]
    Unlocked {
        /// The plugin.
        id: String,
        /// The registry that lists it.
        registry: PathBuf,
    },
    /// The copy from which the library is opened cannot be made.
    #[error(
        "plugin '{id}': no place for a copy of its library: {message}; set XDG_CACHE_HOME or \
         TMPDIR to a folder that is yours"
    )]
    Cache {
        /// The plugin.
        id: String,
        /// What was tried and what the system says.
        message: String,
    },
    /// The system does not load the library.
    #[error("plugin '{id}': '{}' does not load: {reason}", path.display())]
    Load {
        /// The plugin.
        id: String,
        /// The library.
        path: PathBuf,
        /// Every cause in the chain.
        reason: String,
    },
    /// The library's entry is refused, before any of its functions is called.
    #[error("{}", fault.message(id))]
    Entry {
        /// The plugin.
        id: String,
        /// What is wrong with the entry.
        fault: Fault,
    },
    /// The registry and the library do not agree on the name.
    #[error(
        "the registry '{}' lists '{id}', but its library '{library}' is plugin '{got}'; set id = \
         \"{got}\" or name the library of '{id}'",
        registry.display()
    )]
    Identity {
        /// The registry's name.
        id: String,
        /// The library's name.
        got: String,
        /// As the registry has it.
        library: String,
        /// The registry.
        registry: PathBuf,
    },
    /// Parameters that the plugin does not take.
    #[error("plugin '{id}': bad parameters{origin}: {message}")]
    Params {
        /// The plugin.
        id: String,
        /// Empty, or ` in '<registry>'`.
        origin: String,
        /// Which, what it was, what it may be.
        message: String,
    },
    /// The call's own arguments do not fit together.
    #[error("{0}")]
    Request(String),
    /// The plugin says that it cannot do it.
    #[error("plugin '{id}' failed: {message}")]
    Failed {
        /// The plugin.
        id: String,
        /// Its own words.
        message: String,
    },
    /// The plugin needs what this host does not offer.
    #[error("plugin '{id}' cannot run here: {message}")]
    Unsupported {
        /// The plugin.
        id: String,
        /// Its own words.
        message: String,
    },
    /// The plugin does not speak this host's version.
    #[error(
        "plugin '{id}' was built for plugin ABI {built}, and does not take this host's {host}; \
         rebuild it against the eos-plugin of this version of eos"
    )]
    HostMismatch {
        /// The plugin.
        id: String,
        /// Version of its tables.
        built: String,
        /// Version of ours.
        host: String,
    },
    /// The plugin panicked.
    #[error("plugin '{id}' panicked: {message}; this is a fault of the plugin")]
    Panicked {
        /// The plugin.
        id: String,
        /// Message, file and line.
        message: String,
    },
    /// The plugin's result or conduct is not what the boundary allows.
    #[error("plugin '{id}' broke its contract: {message}")]
    Contract {
        /// The plugin.
        id: String,
        /// What it did, with the row.
        message: String,
    },
    /// A recipe is right, and its row does not fit into f32.
    #[error(
        "plugin '{id}': synthetic row {row} (base {base}, from {from}, to {to}, ratio {ratio:?}) \
         is not finite: these rows are too far apart for f32; scale the embeddings down"
    )]
    NotFinite {
        /// The plugin.
        id: String,
        /// Number of the synthetic row.
        row: usize,
        /// Of its recipe.
        base: u32,
        /// Of its recipe.
        from: u32,
        /// Of its recipe.
        to: u32,
        /// Of its recipe.
        ratio: f32,
    },
    /// The device failed while it served the plugin.
    #[error("plugin '{id}': the backend '{backend}' failed: {source}")]
    Backend {
        /// The plugin.
        id: String,
        /// The device.
        backend: String,
        /// What it says.
        source: eos_tensor::Error,
    },
    /// The result is larger than memory.
    #[error(
        "{rows} synthetic rows of {dims} values need {bytes} bytes, more than this process gets; \
         want fewer rows"
    )]
    Memory {
        /// Synthetic rows.
        rows: u128,
        /// Values in each.
        dims: usize,
        /// Bytes of the result.
        bytes: u128,
    },
    /// Progress was told to stop, and the plugin did.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// The refusal of `rows` rows of `dims` values, which memory does not hold.
    pub(crate) fn memory(rows: u128, dims: usize) -> Self {
        let bytes = rows.saturating_mul(4 * dims as u128);
        Self::Memory { rows, dims, bytes }
    }
}

fn link(target: Option<&Path>) -> String {
    target.map_or(String::new(), |target| {
        format!(" (it is a link to '{}')", target.display())
    })
}

fn in_registry(registry: Option<&Path>) -> String {
    registry.map_or(String::new(), |path| format!(" in '{}'", path.display()))
}
