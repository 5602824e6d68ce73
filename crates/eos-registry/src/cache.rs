//! Copies of libraries, named by what is in them.
//!
//! A library is opened from a copy of the very bytes that were hashed: nobody can exchange the
//! file between the two, a new build can replace the original while it is in use, and the copy
//! that a process has mapped is never written again.

use crate::discover::user_folder;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Copies that no run has used for so long go when a new one comes.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A copy to open.
#[derive(Debug)]
pub(crate) struct Copy {
    path: PathBuf,
    /// A folder that goes with this value, where no cache folder could be had: a system that maps
    /// libraries keeps what is opened.
    _passing: Option<TempDir>,
}

impl Copy {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Copies `bytes`, the contents of `original` with SHA-256 `hash`, into `folder`, else into the
/// user's cache folder, else into a folder of its own among the temporary ones.
pub(crate) fn keep(
    folder: Option<&Path>,
    bytes: &[u8],
    hash: &str,
    original: &Path,
) -> Result<Copy, String> {
    let file = original.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{hash}-{file}");
    let users = || user_folder("XDG_CACHE_HOME", home_cache(), "LOCALAPPDATA");
    let folder = folder
        .map(Path::to_owned)
        .or_else(|| Some(users()?.join("eos").join("plugins")));
    let why = match folder
        .as_deref()
        .map(|folder| (folder, store(folder, &name, bytes)))
    {
        Some((_, Ok(path))) => {
            return Ok(Copy {
                path,
                _passing: None,
            });
        }
        Some((folder, Err(e))) => format!("'{}': {e}", folder.display()),
        None => "the user has no cache folder".to_owned(),
    };
    tracing::debug!(
        "{why}; copying '{}' into a temporary folder",
        original.display()
    );
    let passing = || {
        let folder = tempfile::Builder::new().prefix("eos-plugin-").tempdir()?;
        Ok(Copy {
            path: store(folder.path(), &name, bytes)?,
            _passing: Some(folder),
        })
    };
    passing().map_err(|e: io::Error| format!("{why}, '{}': {e}", std::env::temp_dir().display()))
}

fn home_cache() -> &'static str {
    if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    }
}

/// The copy `name` in `folder`; made where there is none with these bytes.
fn store(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    create_private(folder)?;
    let path = folder.join(name);
    check_private(folder)?;
    if holds(&path, bytes) {
        // News of its use, for `sweep`. It works without.
        let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        return Ok(path);
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // A rename, so that others see a whole copy or none, and a mapped one stays as it is.
    match file.persist(&path) {
        Ok(_) => {}
        // Where a library that is in use cannot be replaced, another process was quicker.
        Err(_) if holds(&path, bytes) => {}
        Err(error) => return Err(error.error),
    }
    sweep(folder);
    Ok(path)
}

/// Whether a file holds these very bytes.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let compare = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() != bytes.len() as u64 {
            return Ok(false);
        }
        // Room that stays in the processor's cache costs less than the file's size in fresh memory.
        let mut room = vec![0; 1 << 16];
        for part in bytes.chunks(room.len()) {
            let there = &mut room[..part.len()];
            file.read_exact(there)?;
            if there != part {
                return Ok(false);
            }
        }
        Ok(true)
    };
    compare().unwrap_or(false)
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Refuses a folder in which somebody else could put a library in place of ours.
#[cfg(unix)]
fn check_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    // A file that this process makes belongs to its user.
    let own = tempfile::tempfile_in(folder)?.metadata()?.uid();
    let there = fs::metadata(folder)?;
    if there.uid() != own {
        let message = format!("the folder belongs to user {}, not to {own}", there.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    if there.mode() & 0o022 != 0 {
        let mode = there.mode() & 0o777;
        let message = format!("others may write to the folder (mode {mode:o}; make it 700)");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes copies that nobody has used for long. What cannot be removed stays.
fn sweep(folder: &Path) {
    let old = |path: &Path| {
        let used = fs::metadata(path).and_then(|m| m.modified());
        used.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > KEPT))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if old(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_copy_is_made_once_and_mended_where_it_was_changed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        let keep = || keep(Some(&folder), b"code", "ab12", Path::new("/x/libm.so")).unwrap();
        let copy = keep();
        assert_eq!(copy.path(), folder.join("ab12-libm.so"));
        assert_eq!(fs::read(copy.path()).unwrap(), b"code");
        fs::write(copy.path(), b"evil").unwrap();
        assert_eq!(fs::read(keep().path()).unwrap(), b"code");
        assert_eq!(names(&folder), ["ab12-libm.so"]);
    }

    #[test]
    fn copies_unused_for_long_go() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache");
        let keep = |hash: &str| keep(Some(&folder), b"code", hash, Path::new("libm.so")).unwrap();
        let long_ago = SystemTime::now() - 2 * KEPT;
        for hash in ["old", "used"] {
            File::open(keep(hash).path())
                .unwrap()
                .set_modified(long_ago)
                .unwrap();
        }
        keep("used");
        keep("new");
        assert_eq!(names(&folder), ["new-libm.so", "used-libm.so"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_write_to_is_passed_over() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let said = store(&folder, "x", b"code").unwrap_err().to_string();
        assert_eq!(
            said,
            "others may write to the folder (mode 777; make it 700)"
        );
        let copy = keep(Some(&folder), b"code", "ab", Path::new("libm.so")).unwrap();
        assert!(!copy.path().starts_with(&folder));
        assert_eq!(fs::read(copy.path()).unwrap(), b"code");
        let passing = copy.path().to_owned();
        drop(copy);
        assert!(!passing.exists());
    }
}
