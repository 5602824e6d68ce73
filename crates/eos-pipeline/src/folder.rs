//! A run's folder: every file whole, nothing of another run overwritten.

use crate::{Config, Error};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The resolved configuration's file.
const CONFIG: &str = "run.toml";
/// The file that says that a run is finished.
pub(crate) const SUMMARY: &str = "summary.json";
/// Held locked by the process that works in the folder.
const LOCK: &str = ".lock";
/// Its folders.
const PARTS: [&str; 4] = ["phase1", "phase2", "phase3", "plots"];

/// What to do with a run that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Go on with it where it is unfinished; begin one where none is there.
    #[default]
    GoOn,
    /// Go on with it; none there is refused.
    Resume,
    /// Move it aside and begin anew.
    MoveAside,
}

/// A folder that belongs to one configuration, and to this process while this lives.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    _lock: File,
}

/// What a folder is for.
pub(crate) struct Owner<'a> {
    /// What lives in it, such as "run".
    pub what: &'static str,
    /// The file that says so, and its text.
    pub config: (&'static str, &'a str),
    /// The file that says that it is finished, where no more can be done then, and what to do instead.
    pub finished: Option<(&'static str, &'static str)>,
    /// Its folders.
    pub parts: &'static [&'static str],
}

impl RunFolder {
    /// Opens or makes the folder for a run of `config`.
    ///
    /// A folder of another configuration is refused with the keys that differ, a finished run (unless its report is
    /// to be another) with what to do, and one that another process works in; a run that is moved aside gets a name of
    /// its own.
    pub fn open(folder: &Path, config: &Config, existing: Existing) -> Result<Self, Error> {
        let owner = Owner {
            what: "run",
            config: (CONFIG, &config.to_toml()),
            finished: Some((
                SUMMARY,
                "it holds this run, finished; see report.html, or run again with --fresh",
            )),
            parts: &PARTS,
        };
        Self::claim(folder, &owner, existing)
    }

    /// Opens or makes a folder for `owner`, or says why it cannot be had.
    pub fn claim(folder: &Path, owner: &Owner<'_>, existing: Existing) -> Result<Self, Error> {
        let (what, (config, own)) = (owner.what, owner.config);
        let refuse = |message| Error::Folder {
            folder: folder.to_owned(),
            message,
        };
        if folder.join(config).exists() {
            if existing == Existing::MoveAside {
                let _lock = lock(folder)?;
                move_aside(folder)?;
            }
        } else if existing == Existing::Resume {
            return Err(refuse(format!(
                "it holds no {what} to go on with; leave --resume out to begin one"
            )));
        }
        if !folder.join(config).exists()
            && let Some(name) = any_entry(folder)?
        {
            return Err(refuse(format!(
                "it is not empty and holds no {what} ('{name}' is in it); choose another folder with \
                 --out"
            )));
        }
        let mut drawn_anew = false;
        if let Ok(there) = std::fs::read_to_string(folder.join(config)) {
            let keys;
            (keys, drawn_anew) = differing(&there, own);
            if !keys.is_empty() {
                let keys = keys.join(", ");
                return Err(refuse(format!(
                    "it holds a {what} with another configuration (differing: {keys}); choose another \
                     folder with --out, or move it aside with --fresh"
                )));
            }
            if let Some((_, message)) = owner
                .finished
                .filter(|(file, _)| !drawn_anew && folder.join(file).exists())
            {
                return Err(refuse(message.to_owned()));
            }
        }
        let make =
            |path: &Path| std::fs::create_dir_all(path).map_err(|e| Error::io("write", path, e));
        make(folder)?;
        let here = Self {
            path: folder.to_owned(),
            _lock: lock(folder)?,
        };
        if let Some((file, _)) = owner.finished.filter(|_| drawn_anew) {
            // Before the new configuration, so that drawing which is stopped goes on with the next call.
            here.remove(file)?;
        }
        // First of all other files: a folder without it is taken for somebody else's.
        here.write(config, own.as_bytes())?;
        for part in owner.parts {
            make(&folder.join(part))?;
        }
        for part in owner.parts.iter().chain([&"."]) {
            remove_cut_off(&folder.join(part))?;
        }
        Ok(here)
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The bytes of a file; `None` where it is not there.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path, error)),
        }
    }

    /// Removes a file that may be there.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Writes a file whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(name);
        eos_data::atomic::write(&path, |out| out.write_all(bytes))
            .map_err(|source| Error::io("write", path, source))
    }
}

/// Takes the folder's lock, which the system gives back when the process ends, however it ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|e| Error::io("write", path, e))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Folder {
            folder: folder.to_owned(),
            message:
                "another eos is at work in it; wait for it, or choose another folder with --out"
                    .to_owned(),
        }),
        // Some network file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Whether a name is that of a file that a write which was cut off has left.
fn is_cut_off(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().ends_with(".partial")
}

/// Removes what writes that were cut off have left.
fn remove_cut_off(folder: &Path) -> Result<(), Error> {
    let failed = |e| Error::io("read", folder, e);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if is_cut_off(&entry.file_name()) {
            std::fs::remove_file(entry.path()).map_err(|e| Error::io("remove", entry.path(), e))?;
        }
    }
    Ok(())
}

/// The name of something in a folder; `None` where it is empty or not there. A lock, and what a write
/// that was cut off has left, are nothing.
fn any_entry(folder: &Path) -> Result<Option<String>, Error> {
    let failed = |e| Error::io("read", folder, e);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if !is_cut_off(&name) && name != LOCK {
            return Ok(Some(name.to_string_lossy().into_owned()));
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

/// What a run's report shows.
const REPORT: &str = "report";

/// Dotted keys whose values differ, of those that decide results; and whether the report is to be another.
fn differing(a: &str, b: &str) -> (Vec<String>, bool) {
    let read = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let (mut a, mut b) = (read(a), read(b));
    let reports = [&mut a, &mut b].map(|config| config.remove(REPORT));
    let mut keys = Vec::new();
    compare("", &a, &b, &mut keys);
    keys.retain(|key| key != DEVICE);
    (keys, reports[0] != reports[1])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_run_is_closed_until_its_report_is_to_be_another_and_then_open_until_that_is_drawn()
     {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("run");
        let text = "[data]\nset = \"fashion-mnist-lt\"";
        let open = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
            let config = Config::from_toml(text, "test", &sets).unwrap();
            RunFolder::open(&folder, &config, Existing::GoOn)
        };
        let finish = |sets: &[&str]| open(sets).unwrap().write(SUMMARY, b"{}").unwrap();
        finish(&[]);
        let told = open(&[]).unwrap_err().to_string();
        assert!(told.contains("it holds this run, finished"), "{told}");
        let other = ["report.tsne=true", "head.epochs=3"];
        let told = open(&other).unwrap_err().to_string();
        assert!(told.contains("(differing: head.epochs)"), "{told}");
        assert!(folder.join(SUMMARY).exists());
        let tsne = ["report.tsne=true"];
        for _stopped in 0..2 {
            drop(open(&tsne).unwrap());
            assert!(!folder.join(SUMMARY).exists());
        }
        finish(&tsne);
        assert!(open(&tsne).is_err() && folder.join(SUMMARY).exists());
    }
}
