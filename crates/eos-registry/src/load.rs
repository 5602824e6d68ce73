//! The way from an id to a plugin that runs.

use crate::cache;
use crate::error::Error;
use crate::file::Isolate;
use crate::isolate::{Apart, Opening, Start};
use crate::library;
use crate::locate;
use crate::plugin::Plugin;
use crate::registry::{Entry, Registry};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

impl Registry {
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
        self.load_as(id, entry.listed.isolate, None)
    }

    /// The same, whatever the registry says about isolation, with another timeout.
    pub(crate) fn load_as(
        &self,
        id: &str,
        isolate: Isolate,
        timeout: Option<Duration>,
    ) -> Result<Plugin, Error> {
        let entry = self.found.get(id).ok_or_else(|| self.unknown(id))?;
        let (listed, registry) = (&entry.listed, || entry.registry.clone());
        if !listed.enabled {
            return Err(Error::Disabled {
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
        let plugin = match isolate {
            Isolate::None => {
                let entry = library::open(id, &listed.library, &path, copy.path())?;
                Plugin::here(id, entry)?
            }
            Isolate::Process => {
                let mut apart = self.apart(entry, path, copy)?;
                apart.timeout = timeout.unwrap_or(apart.timeout);
                apart.load()?
            }
        };
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

    /// How the calls of an isolated plugin get a process.
    fn apart(&self, entry: &Entry, path: PathBuf, copy: cache::Copy) -> Result<Apart, Error> {
        let listed = &entry.listed;
        let id = listed.id.clone();
        let start = Start::host(self.host.as_deref()).map_err(|message| Error::Isolation {
            id: id.clone(),
            message,
        })?;
        let library = listed.library.clone();
        let opening = Opening {
            id,
            library,
            path,
            copy: copy.path().to_owned(),
        };
        Ok(Apart {
            start,
            opening,
            _copy: Some(copy),
            timeout: listed.timeout(),
            registry: Some(entry.registry.clone()),
        })
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

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
