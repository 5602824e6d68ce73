//! The content of a file as one slice: mapped where it is plain, decompressed where it is gzip.

use crate::{error::DataError, read::source::Source};
use memmap2::Mmap;
use std::{fs::File, io::Read, ops::Deref, path::Path};

/// Bytes that are all there at once.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    /// The content of `path`, through gzip.
    pub(crate) fn load(path: &Path) -> Result<Self, DataError> {
        let failed = |error| DataError::reading(path, error);
        let mut file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        let mut head = [0; 2];
        // An empty or special file cannot be mapped, nor does gzip in place.
        let mappable = about.is_file() && about.len() >= 2 && {
            file.read_exact(&mut head).map_err(failed)?;
            head != [0x1f, 0x8b]
        };
        if !mappable {
            return Ok(Self::Owned(Source::open(path)?.rest("content")?));
        }
        // SAFETY: the map is only read. What it cannot exclude is that another process writes to the
        // file or shortens it while the map is there; that nobody does is what the documentation
        // of the readers asks of the user. Written files are whole before they get their name, so
        // this program never writes to one that is mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Self::Mapped(map))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
