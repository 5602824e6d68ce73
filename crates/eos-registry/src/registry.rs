//! The allow-list: which plugins there are, and the way from an id to a plugin that runs.

use crate::discover::{Candidate, Discovery, Surroundings, candidates};
use crate::error::Error;
use crate::file::{self, Isolate, Listed};
use crate::locate;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The plugins that registries list. Nothing is loaded before [`load`](Self::load), and nothing
/// that no registry lists.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(crate) found: BTreeMap<String, Entry>,
    /// Registries that were read or looked for.
    pub(crate) looked_at: Vec<PathBuf>,
    pub(crate) locked: bool,
    pub(crate) cache: Option<PathBuf>,
    /// The program for isolated plugins.
    pub(crate) host: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub listed: Listed,
    /// Canonical.
    pub registry: PathBuf,
}

/// A plugin as its registry lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Name of the plugin.
    pub id: String,
    /// File of its library.
    pub library: PathBuf,
    /// SHA-256 that the library must have, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Whether it may be loaded.
    pub enabled: bool,
    /// Where its calls run.
    pub isolate: Isolate,
    /// What one call may take, where it is isolated.
    pub timeout: Duration,
    /// The registry.
    pub registry: PathBuf,
}

impl Registry {
    /// Reads registries in order of precedence: the first that names an id wins.
    ///
    /// # Errors
    /// A registry that cannot be read, or is not one: the message has line, column and a caret.
    pub fn open(files: &[PathBuf]) -> Result<Self, Error> {
        let asked = Some("given");
        let all = files.iter().map(|path| Candidate {
            path: path.clone(),
            asked,
        });
        Self::read(all.collect())
    }

    /// Reads the registries that there are, in this order: [`Discovery::explicit`],
    /// [`Discovery::configured`], the variable `EOS_REGISTRY`, `eos/registry.toml` in the user's
    /// configuration folder, `plugins/registry.toml` beside the running program. The last two need
    /// not be there. Nothing in the current directory is looked for.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn discover(discovery: &Discovery) -> Result<Self, Error> {
        let found = Self::read(candidates(discovery, &Surroundings::of_process()))?;
        Ok(found.locked(discovery.locked))
    }

    fn read(candidates: Vec<Candidate>) -> Result<Self, Error> {
        let mut registry = Self::default();
        for Candidate { path, asked } in candidates {
            registry.looked_at.push(path.clone());
            let text = match (std::fs::read_to_string(&path), asked) {
                (Ok(text), _) => text,
                (Err(e), None) if e.kind() == ErrorKind::NotFound => continue,
                (Err(source), asked) => {
                    let asked = asked.unwrap_or("found");
                    return Err(Error::Unreadable {
                        path,
                        asked,
                        source,
                    });
                }
            };
            registry.add(&path, &text)?;
        }
        Ok(registry)
    }

    fn add(&mut self, path: &Path, text: &str) -> Result<(), Error> {
        let registry = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        for listed in file::parse(path, text)? {
            if let Some(first) = self.found.get(&listed.id) {
                let (winner, loser) = (first.registry.display(), registry.display());
                tracing::info!(
                    "plugin '{}' of '{winner}' shadows that of '{loser}'",
                    listed.id
                );
                continue;
            }
            let entry = Entry {
                listed,
                registry: registry.clone(),
            };
            self.found.insert(entry.listed.id.clone(), entry);
        }
        Ok(())
    }

    /// Requires a `sha256` of every plugin that is loaded from here on.
    pub fn locked(mut self, locked: bool) -> Self {
        self.locked = locked;
        self
    }

    /// Keeps the copies from which libraries are opened in `folder`, which must be the user's own,
    /// instead of their cache folder.
    pub fn cache(mut self, folder: PathBuf) -> Self {
        self.cache = Some(folder);
        self
    }

    /// Runs isolated plugins in the program `host`, an `eos-plugin-host` of this version, instead of
    /// the one that the variable `EOS_PLUGIN_HOST` names or that lies beside the running program.
    pub fn host(mut self, host: PathBuf) -> Self {
        self.host = Some(host);
        self
    }

    /// Every plugin listed, by id.
    pub fn list(&self) -> Vec<Listing> {
        let listing = |entry: &Entry| Listing {
            id: entry.listed.id.clone(),
            library: locate::path(&entry.listed.library, entry.folder()),
            sha256: entry.listed.sha256.clone(),
            enabled: entry.listed.enabled,
            isolate: entry.listed.isolate,
            timeout: entry.listed.timeout(),
            registry: entry.registry.clone(),
        };
        self.found.values().map(listing).collect()
    }
}

impl Entry {
    pub(crate) fn folder(&self) -> &Path {
        self.registry.parent().unwrap_or(Path::new("/"))
    }
}
