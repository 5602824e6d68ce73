//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, Write},
    path::{Path, PathBuf},
};
use tempfile::{Builder, NamedTempFile};

/// A file under a temporary name in its final folder.
///
/// [`commit`](Self::commit) gives it its final name; dropped before that it is removed, and what
/// stood under the final name stays as it was.
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts a file that will be called `path`. The folder must exist.
    ///
    /// # Errors
    /// The system's, with the path in the message.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder");
            return Err(name(path, error));
        }
        let mut builder = Builder::new();
        builder.prefix(".eos-").suffix(".partial");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A result is as readable as any other new file: the process's umask decides.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder(path))
            .map_err(|error| name(path, error))?;
        Ok(Self {
            writer: BufWriter::with_capacity(1 << 20, file),
            path: path.to_owned(),
        })
    }

    /// Flushes to the device and gives the file its final name, replacing what stood there.
    ///
    /// # Errors
    /// The system's, with the path in the message; the temporary file is then gone.
    pub fn commit(self) -> io::Result<()> {
        Self::commit_all(vec![self])
    }

    /// The same for files that belong together: none gets its name before all are on the device.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_all(mut files: Vec<Self>) -> io::Result<()> {
        files.iter_mut().try_for_each(Self::sync)?;
        files.into_iter().try_for_each(Self::persist)
    }

    fn sync(&mut self) -> io::Result<()> {
        let synced = self.writer.flush();
        let synced = synced.and_then(|()| self.writer.get_ref().as_file().sync_all());
        synced.map_err(|error| name(&self.path, error))
    }

    /// Names a file that is on the device.
    fn persist(self) -> io::Result<()> {
        let Self { writer, path } = self;
        let finish = || -> io::Result<()> {
            let file = writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            file.persist(&path).map_err(|refused| refused.error)?;
            sync_folder(folder(&path));
            Ok(())
        };
        finish().map_err(|error| name(&path, error))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.writer.seek(to)
    }
}

/// Writes `path` whole or not at all: a temporary file in the same folder, flushed to the device,
/// then renamed. Where `write` fails, the temporary file is removed and `path` stays as it was.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("summary.json");
/// eos_data::atomic::write(&path, |out| out.write_all(b"{}"))?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's or `write`'s, with the path in the message.
pub fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    write(&mut file).map_err(|error| name(path, error))?;
    file.commit()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the rename itself durable. The file is whole under its name either way, and some file
/// systems cannot sync a folder, so a refusal is no failure of the write.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

fn name(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
