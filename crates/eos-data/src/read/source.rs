//! Sequential reading of a plain or gzip file that never believes a declared size.

use crate::error::{DataError, Fault};
use flate2::bufread::MultiGzDecoder;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

/// Deflate cannot expand by more than this factor, so a larger declared size is a lie.
pub(crate) const DEFLATE_RATIO: u64 = 1032;

/// The most bytes that are decompressed out of one file, whatever it declares: 8 GiB.
pub(crate) const DECOMPRESSED_LIMIT: u64 = 8 << 30;

/// A file read from front to back. Gzip is recognised from the content.
///
/// `ceiling` is the number of bytes that the file can hold at the very most: its length, or what its
/// length can expand to. Declared sizes are compared with it before anything is allocated.
pub(crate) struct Source<'a> {
    path: PathBuf,
    reader: Box<dyn BufRead + 'a>,
    ceiling: u64,
    taken: u64,
    gzip: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|error| DataError::reading(path, error))?;
        let about = file
            .metadata()
            .map_err(|error| DataError::reading(path, error))?;
        if about.is_dir() {
            return Err(Fault::file(path, "path")
                .got("a folder")
                .wanted("a file")
                .next("give one of the files in it")
                .request());
        }
        Self::new(path, BufReader::with_capacity(1 << 16, file), about.len())
    }

    /// Reads `bytes`, calling them `name` in messages.
    pub(crate) fn memory(name: &str, bytes: &'a [u8]) -> Result<Self, DataError> {
        Self::new(Path::new(name), bytes, bytes.len() as u64)
    }

    fn new(path: &Path, mut raw: impl BufRead + 'a, len: u64) -> Result<Self, DataError> {
        let head = raw
            .fill_buf()
            .map_err(|error| DataError::reading(path, error))?;
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let (reader, ceiling): (Box<dyn BufRead + 'a>, u64) = if gzip {
            let decoder = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(raw));
            let ceiling = len.saturating_mul(DEFLATE_RATIO).min(DECOMPRESSED_LIMIT);
            (Box::new(decoder), ceiling)
        } else {
            (Box::new(raw), len)
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            ceiling,
            taken: 0,
            gzip,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, field: &str) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        let filled = self.fill(&mut bytes)?;
        if filled < N {
            return Err(self.short(field, filled as u64, N as u64));
        }
        Ok(bytes)
    }

    /// The next `len` bytes, as the file declares them for `field`.
    pub(crate) fn exactly(&mut self, field: &str, len: u64) -> Result<Vec<u8>, DataError> {
        let left = self.ceiling.saturating_sub(self.taken);
        if len > left {
            return Err(if self.gzip {
                self.bomb(field, len)
            } else {
                self.short(field, left, len)
            });
        }
        let bytes = self.at_most(len)?;
        if (bytes.len() as u64) < len {
            return Err(self.short(field, bytes.len() as u64, len));
        }
        Ok(bytes)
    }

    /// Up to `len` of the next bytes, fewer only at the end of the file. Memory grows with what
    /// arrives, not with `len`.
    pub(crate) fn at_most(&mut self, len: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(len).read_to_end(&mut bytes);
        self.taken += bytes.len() as u64;
        read.map_err(|error| self.broken(error))?;
        Ok(bytes)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self, field: &str) -> Result<Vec<u8>, DataError> {
        let left = self.ceiling.saturating_sub(self.taken);
        let bytes = self.at_most(left.saturating_add(1))?;
        if bytes.len() as u64 > left {
            return Err(self.bomb(field, bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// Fills `bytes` from the file and gives how many were there: fewer than asked at its end.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(error)),
            }
        }
        self.taken += filled as u64;
        if self.gzip && self.taken > self.ceiling {
            return Err(self.bomb("content", self.taken));
        }
        Ok(filled)
    }

    /// Skips to the end and gives the whole length of the content.
    pub(crate) fn length(mut self) -> Result<u64, DataError> {
        if !self.gzip {
            return Ok(self.ceiling);
        }
        let mut chunk = vec![0; 1 << 16];
        while self.fill(&mut chunk)? > 0 {}
        Ok(self.taken)
    }

    /// Refuses bytes after the last field. For gzip this also reads the check sum at the end.
    pub(crate) fn end(&mut self, declared: &str) -> Result<(), DataError> {
        let mut extra = [0; 1];
        if self.fill(&mut extra)? == 0 {
            return Ok(());
        }
        Err(Fault::file(&self.path, "length")
            .got("further bytes after the last one declared")
            .wanted(format!("the end of the file after {declared}"))
            .next("fetch or write the file again; it does not match its own header")
            .damaged())
    }

    fn short(&self, field: &str, got: u64, wanted: u64) -> DataError {
        Fault::file(&self.path, field)
            .got(format!("{got} bytes before the end of the file"))
            .wanted(format!("{wanted} bytes"))
            .next("the file is cut short: fetch or write it again")
            .damaged()
    }

    fn bomb(&self, field: &str, declared: u64) -> DataError {
        Fault::file(&self.path, field)
            .got(format!("{declared} bytes or more"))
            .wanted(format!("at most the {} that it can hold", self.ceiling))
            .next("check the file; decompress one that is truly so large before reading it")
            .too_large()
    }

    fn broken(&self, error: io::Error) -> DataError {
        match error.kind() {
            ErrorKind::UnexpectedEof if self.gzip => Fault::file(&self.path, "gzip stream")
                .got("the file's end before the stream was complete")
                .wanted("a whole stream and nothing after it")
                .next("the file is cut short, or bytes were appended: fetch or write it again")
                .damaged(),
            ErrorKind::InvalidInput | ErrorKind::InvalidData if self.gzip => {
                Fault::file(&self.path, "gzip stream")
                    .got(error.to_string())
                    .wanted("a whole stream with the right check sum and nothing after it")
                    .next("fetch or write the file again")
                    .damaged()
            }
            ErrorKind::OutOfMemory => Fault::file(&self.path, "content")
                .got(format!("more than {} bytes", self.taken))
                .wanted("a size that fits into memory")
                .next("use a smaller set or a machine with more memory")
                .too_large(),
            _ => DataError::reading(&self.path, error),
        }
    }
}
