//! A run's folder: every file whole, nothing of another run overwritten.

use crate::{Config, Error};
use std::path::{Path, PathBuf};

/// The resolved configuration's file.
const CONFIG: &str = "run.toml";
/// The file that says that a run is finished.
pub(crate) const SUMMARY: &str = "summary.json";

/// A folder that belongs to one configuration.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    /// Opens or makes the folder for `config`.
    ///
    /// A folder of another configuration is refused with the keys that differ, a finished run with
    /// what to do; `fresh` moves what was there aside first, under a name of its own.
    pub fn open(folder: &Path, config: &Config, fresh: bool) -> Result<Self, Error> {
        let here = Self(folder.to_owned());
        let own = config.to_toml();
        if fresh && folder.join(CONFIG).exists() {
            move_aside(folder)?;
        }
        let refuse = |message| Error::Folder {
            folder: folder.to_owned(),
            message,
        };
        if !folder.join(CONFIG).exists()
            && let Some(name) = any_entry(folder)?
        {
            return Err(refuse(format!(
                "it is not empty and holds no run ('{name}' is in it); choose another folder with \
                 --out"
            )));
        }
        if let Ok(there) = std::fs::read_to_string(folder.join(CONFIG)) {
            let keys = differing(&there, &own);
            if !keys.is_empty() {
                let keys = keys.join(", ");
                return Err(refuse(format!(
                    "it holds a run with another configuration (differing: {keys}); choose another \
                     folder with --out, or move it aside with --fresh"
                )));
            }
            if folder.join(SUMMARY).exists() {
                return Err(refuse(
                    "it holds this run, finished; see report.html, or run again with --fresh"
                        .to_owned(),
                ));
            }
        }
        let make =
            |path: &Path| std::fs::create_dir_all(path).map_err(|e| Error::io("write", path, e));
        make(folder)?;
        // First: a folder without it is taken for somebody else's.
        here.write(CONFIG, own.as_bytes())?;
        for part in ["phase1", "phase2", "phase3", "plots"] {
            make(&folder.join(part))?;
        }
        Ok(here)
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(name);
        eos_data::atomic::write(&path, |out| out.write_all(bytes))
            .map_err(|source| Error::io("write", path, source))
    }
}

/// The name of something in a folder; `None` where it is empty or not there. What a write that was
/// cut off has left is nothing.
fn any_entry(folder: &Path) -> Result<Option<String>, Error> {
    let failed = |e| Error::io("read", folder, e);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if !name.ends_with(".partial") {
            return Ok(Some(name.into_owned()));
        }
    }
    Ok(None)
}

/// Renames a run's folder to the first free `NAME.old-N`.
fn move_aside(folder: &Path) -> Result<(), Error> {
    let name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let aside = (1..).map(|n| folder.with_file_name(format!("{name}.old-{n}")));
    let aside = aside.into_iter().find(|path| !path.exists());
    let aside = aside.expect("some number is free");
    std::fs::rename(folder, &aside).map_err(|e| Error::io("write", aside, e))
}

/// Where a run computes: every device gives the same bits, so that another one may go on.
const DEVICE: &str = "run.device";

/// Dotted keys whose values differ, of those that decide results.
fn differing(a: &str, b: &str) -> Vec<String> {
    let read = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let mut keys = Vec::new();
    compare("", &read(a), &read(b), &mut keys);
    keys.retain(|key| key != DEVICE);
    keys
}

fn compare(prefix: &str, a: &toml::Table, b: &toml::Table, keys: &mut Vec<String>) {
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        match (a.get(name), b.get(name)) {
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => {
                compare(&format!("{prefix}{name}."), a, b, keys);
            }
            (a, b) if a != b => keys.push(format!("{prefix}{name}")),
            _ => {}
        }
    }
}
