//! From a registry's `library` to the file and to the name of the symbol in it.

use crate::error::Error;
use crate::file::Listed;
use eos_plugin::abi::ENTRY_PREFIX;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Component, Path, PathBuf};

/// The library's file: `eos_plugin_eos` is `libeos_plugin_eos.so` or what the system calls it; a
/// name that has the system's suffix already is taken as it is.
pub(crate) fn path(library: &str, folder: &Path) -> PathBuf {
    let full = folder.join(library);
    let Some(name) = full.file_name().map(|n| n.to_string_lossy().into_owned()) else {
        return full;
    };
    if name.ends_with(DLL_SUFFIX) {
        return full;
    }
    full.with_file_name(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// The symbol of the library's entry: the prefix and the name of the crate; `None` where
/// `library` does not end in a name.
pub(crate) fn symbol(library: &str) -> Option<String> {
    let file = Path::new(library).file_name()?.to_str()?;
    let stem = match file.strip_suffix(DLL_SUFFIX) {
        Some(whole) => whole.strip_prefix(DLL_PREFIX).unwrap_or(whole),
        None => file,
    };
    let krate = stem.replace('-', "_");
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!krate.is_empty() && krate.chars().all(name)).then(|| format!("{ENTRY_PREFIX}{krate}"))
}

/// Refuses a library that leaves the registry's folder, by its path or through a link, where the
/// registry does not allow it. `folder` is canonical.
pub(crate) fn allowed(listed: &Listed, folder: &Path, path: &Path) -> Result<(), Error> {
    if listed.allow_outside {
        return Ok(());
    }
    let outside = |target| {
        let (id, library) = (listed.id.clone(), listed.library.clone());
        Error::Outside {
            id,
            library,
            target,
        }
    };
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if !Path::new(&listed.library).components().all(plain) {
        return Err(outside(None));
    }
    match path.canonicalize() {
        Ok(real) if !real.starts_with(folder) => Err(outside(Some(real))),
        // A file that is not there is refused where it is read, with the system's words.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_file_and_a_symbol() {
        let (a, b) = (
            format!("{DLL_PREFIX}eos_plugin_eos{DLL_SUFFIX}"),
            format!("other{DLL_SUFFIX}"),
        );
        let folder = Path::new("/plugins");
        assert_eq!(path("eos_plugin_eos", folder), folder.join(&a));
        assert_eq!(
            path(&format!("sub/{a}"), folder),
            folder.join("sub").join(&a)
        );
        assert_eq!(path(&b, folder), folder.join(&b));
        for library in ["eos_plugin_eos", "sub/eos_plugin_eos", "eos-plugin-eos", &a] {
            let found = symbol(library);
            assert_eq!(
                found.as_deref(),
                Some("eos_plugin_entry__eos_plugin_eos"),
                "{library}"
            );
        }
        assert_eq!(symbol(&b).as_deref(), Some("eos_plugin_entry__other"));
        for library in ["", "..", "/", "a b", "x\0y", "caf\u{e9}"] {
            assert_eq!(symbol(library), None, "{library:?}");
        }
    }
}
