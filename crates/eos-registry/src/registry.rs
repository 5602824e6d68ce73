//! The allow-list: which plugins there are, and the way from an id to a plugin that runs.

use crate::cache;
use crate::discover::{Candidate, Discovery, Surroundings, candidates};
use crate::error::Error;
use crate::file::{self, Isolate, Listed};
use crate::library;
use crate::locate;
use crate::plugin::Plugin;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The plugins that registries list. Nothing is loaded before [`load`](Self::load), and nothing
/// that no registry lists.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    found: BTreeMap<String, Entry>,
    /// Registries that were read or looked for.
    looked_at: Vec<PathBuf>,
    locked: bool,
    cache: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Entry {
    listed: Listed,
    /// Canonical.
    registry: PathBuf,
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
        Self::read(candidates(discovery, &Surroundings::of_process()))
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

    /// Every plugin listed, by id.
    pub fn list(&self) -> Vec<Listing> {
        let listing = |entry: &Entry| Listing {
            id: entry.listed.id.clone(),
            library: locate::path(&entry.listed.library, entry.folder()),
            sha256: entry.listed.sha256.clone(),
            enabled: entry.listed.enabled,
            isolate: entry.listed.isolate,
            registry: entry.registry.clone(),
        };
        self.found.values().map(listing).collect()
    }

    /// Loads the plugin `id`, once everything about it is right.
    ///
    /// The library is read once; those bytes are hashed, copied under the name of their hash and
    /// opened from the copy, so that nobody can change them in between. It stays loaded until the
    /// process ends. Loading runs the library's initialisers, which is why registries are
    /// allow-lists; no function of the plugin runs before its entry is found to fit.
    ///
    /// # Errors
    /// Every refusal of [`Error`] up to [`Error::Params`].
    pub fn load(&self, id: &str) -> Result<Plugin, Error> {
        let entry = self.found.get(id).ok_or_else(|| self.unknown(id))?;
        let (listed, registry) = (&entry.listed, || entry.registry.clone());
        if !listed.enabled {
            return Err(Error::Disabled {
                id: id.into(),
                registry: registry(),
            });
        }
        if listed.isolate == Isolate::Process {
            return Err(Error::Isolation {
                id: id.into(),
                registry: registry(),
            });
        }
        let path = locate::path(&listed.library, entry.folder());
        locate::allowed(listed, entry.folder(), &path)?;
        let bytes = std::fs::read(&path).map_err(|source| {
            let (path, registry) = (path.clone(), registry());
            Error::Library {
                id: id.into(),
                path,
                registry,
                source,
            }
        })?;
        let hash = sha256(&bytes);
        self.check_hash(entry, &path, &hash)?;
        let copy = cache::keep(self.cache.as_deref(), &bytes, &hash, &path).map_err(|message| {
            Error::Cache {
                id: id.into(),
                message,
            }
        })?;
        let table = library::open(id, &listed.library, &path, copy.path())?;
        let plugin = Plugin::new(id, table)?;
        if plugin.id() != id {
            let (got, library) = (plugin.id().to_owned(), listed.library.clone());
            return Err(Error::Identity {
                id: id.into(),
                got,
                library,
                registry: registry(),
            });
        }
        plugin.preset(&listed.params, &entry.registry)
    }

    fn check_hash(&self, entry: &Entry, path: &Path, got: &str) -> Result<(), Error> {
        let (id, registry) = (entry.listed.id.clone(), entry.registry.clone());
        match &entry.listed.sha256 {
            None if self.locked => Err(Error::Unlocked { id, registry }),
            Some(wanted) if !wanted.eq_ignore_ascii_case(got) => {
                let (path, got, wanted) = (path.to_owned(), got.into(), wanted.as_str().into());
                Err(Error::Checksum {
                    id,
                    path,
                    registry,
                    got,
                    wanted,
                })
            }
            _ => Ok(()),
        }
    }

    fn unknown(&self, id: &str) -> Error {
        let known = if self.found.is_empty() {
            let paths: Vec<String> = self
                .looked_at
                .iter()
                .map(|p| format!("'{}'", p.display()))
                .collect();
            let paths = if paths.is_empty() {
                "nowhere".to_owned()
            } else {
                paths.join(", ")
            };
            format!(
                "no registry lists any (looked at: {paths}); build the plugins with cargo xtask \
                 plugins build"
            )
        } else {
            let ids: Vec<&str> = self.found.keys().map(String::as_str).collect();
            format!("known: {}", ids.join(", "))
        };
        Error::Unknown {
            id: id.into(),
            known,
        }
    }
}

impl Entry {
    fn folder(&self) -> &Path {
        self.registry.parent().unwrap_or(Path::new("/"))
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
