//! From a file to a plugin's entry that this host can use.

use crate::error::Error;
use crate::locate;
use eos_plugin::abi::{self, Entry, Header};
use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;

/// Texts of an entry are short; a longer one is a pointer gone wrong.
const LONGEST_TEXT: usize = 1 << 20;

/// What is wrong with the entry of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The library exports no entry of its name.
    NoEntry {
        /// The library.
        path: std::path::PathBuf,
        /// The symbol that it should export.
        symbol: String,
    },
    /// The entry starts with other bytes.
    Magic,
    /// The entry is of another major version.
    Version {
        /// Its version.
        major: u16,
        /// Its version.
        minor: u16,
    },
    /// The entry ends before it has everything that its version has.
    Short {
        /// Bytes that it says it has.
        got: u32,
    },
    /// One of its functions is null.
    NoFunction(Cow<'static, str>),
    /// One of its texts cannot be read.
    Text(Cow<'static, str>),
    /// Its description of its parameters is wrong.
    Description(String),
    /// A panic in it would end this process.
    PanicAborts,
}

impl Fault {
    /// The whole message about plugin `id`.
    pub(crate) fn message(&self, id: &str) -> String {
        let major = abi::MAJOR;
        match self {
            Self::NoEntry { path, symbol } => format!(
                "plugin '{id}': '{}' is no oversampler plugin: it does not export '{symbol}'; \
                 does 'library' name the right file, and does the crate call export_oversampler!?",
                path.display()
            ),
            Self::Magic => format!(
                "plugin '{id}': its library is no oversampler plugin: the entry starts with other \
                 bytes than a plugin's; rebuild it against eos-plugin {major}"
            ),
            Self::Version { major: got, minor } => format!(
                "plugin '{id}' was built for plugin ABI {got}.{minor}, this host speaks \
                 {major}.x; rebuild it against eos-plugin {major}"
            ),
            Self::Short { got } => format!(
                "plugin '{id}': its entry has {got} bytes, version {major}.0 has {}; rebuild it \
                 against a released eos-plugin {major}",
                abi::size::ENTRY
            ),
            Self::NoFunction(name) => format!(
                "plugin '{id}': its entry has no function '{name}'; fill in create, sample and \
                 destroy"
            ),
            Self::Text(name) => format!(
                "plugin '{id}': the text '{name}' of its entry cannot be read (null, longer than \
                 1 MiB or not UTF-8); mend it in the plugin"
            ),
            Self::Description(why) => format!(
                "plugin '{id}': its description of its parameters is wrong: {why}; mend it in the \
                 plugin"
            ),
            Self::PanicAborts => format!(
                "plugin '{id}' was built with panic = \"abort\": a panic in it would end this \
                 process; rebuild it with panic = \"unwind\", or set isolate = \"process\" for it in \
                 the registry"
            ),
        }
    }

    pub(crate) fn of(self, id: &str) -> Error {
        Error::Entry {
            id: id.to_owned(),
            fault: self,
        }
    }
}

/// Opens the copy of a library and reads its entry. `path` is the original, for messages.
pub(crate) fn open(id: &str, library: &str, path: &Path, copy: &Path) -> Result<Entry, Error> {
    let symbol = locate::symbol(library).expect("the registry refuses a library without a name");
    let loaded = load(copy).map_err(|error| Error::Load {
        id: id.to_owned(),
        path: path.to_owned(),
        reason: chain(&error),
    })?;
    // SAFETY: the symbol, where there is one, is an object of the library, and only its address is
    // taken here.
    let entry = unsafe { loaded.get::<*const Header>(symbol.as_bytes()) }.map(|symbol| *symbol);
    // Never unloaded: threads and thread-locals of the library may outlive every call.
    std::mem::forget(loaded);
    let Ok(entry) = entry else {
        return Err(Fault::NoEntry {
            path: path.to_owned(),
            symbol,
        }
        .of(id));
    };
    // SAFETY: the library exports an entry of this name, and stays loaded.
    unsafe { read(entry) }.map_err(|fault| fault.of(id))
}

#[cfg(unix)]
fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: this runs the library's initialisers. The registry is the user's list of libraries
    // that may do so. Every symbol is resolved now, and none is offered to other libraries.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

#[cfg(not(unix))]
fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: this runs the library's initialisers. The registry is the user's list of libraries
    // that may do so.
    unsafe { libloading::Library::new(path) }
}

/// An error with all its causes; the outermost alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Copies the entry at `place`, as far as its header and this host know it.
///
/// # Safety
/// `place` points to readable memory as long as the header there says, and at least a header.
pub(crate) unsafe fn read(place: *const Header) -> Result<Entry, Fault> {
    // SAFETY: a header is readable, by the caller's promise; a foreign object may be unaligned.
    let header = unsafe { place.read_unaligned() };
    if header.magic != abi::MAGIC {
        return Err(Fault::Magic);
    }
    if header.major != abi::MAJOR {
        return Err(Fault::Version {
            major: header.major,
            minor: header.minor,
        });
    }
    if header.size < abi::size::ENTRY {
        return Err(Fault::Short { got: header.size });
    }
    let known = (header.size as usize).min(size_of::<Entry>());
    let mut entry = MaybeUninit::<Entry>::zeroed();
    // SAFETY: both sides have `known` bytes and do not overlap. Every field of an entry may be
    // zero: numbers, null texts and missing functions.
    let entry = unsafe {
        ptr::copy_nonoverlapping(place.cast::<u8>(), entry.as_mut_ptr().cast(), known);
        entry.assume_init()
    };
    judge(&entry)?;
    Ok(entry)
}

fn judge(entry: &Entry) -> Result<(), Fault> {
    for (name, missing) in [
        ("create", entry.create.is_none()),
        ("sample", entry.sample.is_none()),
        ("destroy", entry.destroy.is_none()),
    ] {
        if missing {
            return Err(Fault::NoFunction(name.into()));
        }
    }
    Ok(())
}

/// Refuses a plugin whose panics would end this process.
pub(crate) fn contained(facts: &Facts) -> Result<(), Fault> {
    match facts.flags & abi::PANIC_ABORTS {
        0 => Ok(()),
        _ => Err(Fault::PanicAborts),
    }
}

/// What an entry says about its plugin, copied out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub id: String,
    pub version: String,
    pub summary: String,
    /// TOML, as the plugin describes its parameters.
    pub params: String,
    pub flags: u64,
    /// Major and minor version of its tables.
    pub built: (u16, u16),
}

impl Facts {
    pub(crate) fn of(entry: &Entry) -> Result<Self, Fault> {
        Ok(Self {
            id: text("id", entry.id)?,
            version: text("version", entry.version)?,
            summary: text("summary", entry.summary)?,
            params: text("params", entry.params)?,
            flags: entry.flags,
            built: (entry.header.major, entry.header.minor),
        })
    }
}

/// One of an entry's texts, copied.
pub(crate) fn text(name: &'static str, text: abi::Str) -> Result<String, Fault> {
    if text.len > LONGEST_TEXT {
        return Err(Fault::Text(name.into()));
    }
    // SAFETY: an entry's texts are constant, which is what the boundary asks of a plugin.
    let text = unsafe { text.as_str() }.ok_or(Fault::Text(name.into()))?;
    Ok(text.to_owned())
}
