//! `cargo xtask plugins build|lock`: libraries and their registry, built and laid side by side.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cargo::Built;
use crate::product::Product;
use crate::workspace::Workspace;

/// The name of a registry in its folder.
const REGISTRY: &str = "registry.toml";

/// A registry in the source tree, whose libraries are packages of the workspace.
pub struct Source {
    registry: PathBuf,
}

impl Source {
    /// The plugins that the product ships.
    pub fn product(workspace: &Workspace) -> Self {
        Self {
            registry: workspace.root.join("plugins").join(REGISTRY),
        }
    }

    /// Plugins that break their contract on purpose, for tests of the host.
    pub fn misbehaving(workspace: &Workspace) -> Self {
        Self {
            registry: workspace
                .root
                .join("tests")
                .join("misbehaving")
                .join(REGISTRY),
        }
    }

    /// The packages of its libraries.
    pub fn packages(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let libraries = self.libraries()?;
        let packages = libraries
            .iter()
            .map(|library| package_of(workspace, library));
        packages.collect()
    }

    /// Copies its libraries, which cargo has built, and the registry into a folder.
    pub fn lay(&self, built: &Built, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| shown(folder))?;
        for library in self.libraries()? {
            let file = built.library(&library)?;
            let name = file.file_name().with_context(|| shown(&file))?;
            let bytes = fs::read(&file).with_context(|| shown(&file))?;
            replace(&bytes, &folder.join(name))?;
        }
        let registry = fs::read(&self.registry).with_context(|| shown(&self.registry))?;
        replace(&registry, &folder.join(REGISTRY))
    }

    fn libraries(&self) -> Result<Vec<String>> {
        let text = fs::read_to_string(&self.registry).with_context(|| shown(&self.registry))?;
        libraries(&text).with_context(|| shown(&self.registry))
    }
}

/// What this workflow needs of a registry; the rest of it is the host's.
#[derive(Deserialize)]
struct Registry {
    plugin: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    library: String,
}

fn libraries(registry: &str) -> Result<Vec<String>> {
    let registry: Registry = toml::from_str(registry)?;
    Ok(registry
        .plugin
        .into_iter()
        .map(|entry| entry.library)
        .collect())
}

/// Builds the product in release, the plugins beside the command.
pub fn build(workspace: &Workspace) -> Result<Product> {
    let product = Product::release(workspace)?;
    println!("command: {}", product.program.display());
    println!("plugins: {}", product.plugins.display());
    println!("for isolated plugins: {}", product.host.display());
    Ok(product)
}

/// The member package that builds a library: the same name with hyphens.
fn package_of(workspace: &Workspace, library: &str) -> Result<String> {
    let name = library.replace('_', "-");
    match workspace
        .packages
        .iter()
        .find(|package| package.name == name)
    {
        Some(package) => Ok(package.name.clone()),
        None => bail!(
            "the registry lists library '{library}', but the workspace has no package '{name}'"
        ),
    }
}

/// Names of the files that [`build`] puts beside the release `eos`.
pub fn shipped(workspace: &Workspace) -> Result<Vec<String>> {
    let libraries = Source::product(workspace).libraries()?;
    let files = libraries.iter().map(|library| library_file(library));
    Ok(files.chain([REGISTRY.to_owned()]).collect())
}

/// What the system calls a library's file.
fn library_file(library: &str) -> String {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    format!("{prefix}{library}{suffix}")
}

/// Writes the hash of each built library into the registry beside the release `eos`.
pub fn lock(workspace: &Workspace) -> Result<Product> {
    let product = build(workspace)?;
    let folder = &product.plugins;
    let registry = folder.join(REGISTRY);
    let text = fs::read_to_string(&registry).with_context(|| shown(&registry))?;
    let locked = locked(&text, |library| {
        let file = folder.join(library_file(library));
        Ok(sha256(&fs::read(&file).with_context(|| shown(&file))?))
    })?;
    replace(locked.as_bytes(), &registry)?;
    println!("hashes: {}", registry.display());
    Ok(product)
}

/// A registry's text with the `sha256` of every entry set; other keys stay, comments do not.
fn locked(registry: &str, hash: impl Fn(&str) -> Result<String>) -> Result<String> {
    let mut table: toml::Table = toml::from_str(registry)?;
    let entries = table
        .get_mut("plugin")
        .and_then(toml::Value::as_array_mut)
        .context("it lists no [[plugin]]")?;
    for entry in entries.iter_mut().filter_map(toml::Value::as_table_mut) {
        let library = entry
            .get("library")
            .and_then(toml::Value::as_str)
            .context("a [[plugin]] names no library")?;
        let hash = hash(library)?;
        entry.insert("sha256".to_owned(), hash.into());
    }
    let body = toml::to_string(&table)?;
    Ok(format!(
        "# Written by `cargo xtask plugins lock`; `cargo xtask plugins build` replaces it.\n{body}"
    ))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
}

/// Writes a file under a temporary name and renames it: a running program keeps the library that it mapped.
fn replace(bytes: &[u8], file: &Path) -> Result<()> {
    let temporary = file.with_extension("new");
    fs::write(&temporary, bytes).with_context(|| shown(&temporary))?;
    fs::rename(&temporary, file).with_context(|| shown(file))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "registry-version = 1\n\n# nearest enemies\n[[plugin]]\nid = \"eos\"\n\
                        library = \"eos_plugin_eos\"\nparams = { k = 10 }\n";

    #[test]
    fn libraries_are_read_from_a_registry() {
        assert_eq!(
            libraries(TEXT).expect("the text is a registry"),
            ["eos_plugin_eos"]
        );
    }

    #[test]
    fn locking_sets_the_hash_and_keeps_the_other_keys() {
        let text = locked(TEXT, |library| Ok(format!("hash of {library}")))
            .expect("the text is a registry");
        let table: toml::Table = toml::from_str(&text).expect("what was written is TOML");
        let entry = &table["plugin"][0];
        assert_eq!(entry["sha256"].as_str(), Some("hash of eos_plugin_eos"));
        assert_eq!(entry["id"].as_str(), Some("eos"));
        assert_eq!(entry["params"]["k"].as_integer(), Some(10));
        assert_eq!(table["registry-version"].as_integer(), Some(1));
    }

    #[test]
    fn locking_twice_gives_the_same_text() {
        let once = locked(TEXT, |_| Ok("00".into())).expect("the text is a registry");
        assert_eq!(
            locked(&once, |_| Ok("00".into())).expect("and so is what was written"),
            once
        );
    }

    #[test]
    fn sha256_agrees_with_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("lib.so");
        replace(b"old", &file).expect("the folder is writable");
        replace(b"new", &file).expect("the folder is writable");
        assert_eq!(fs::read(&file).expect("it was written"), b"new");
        assert_eq!(
            fs::read_dir(folder.path()).expect("it is a folder").count(),
            1
        );
    }
}
