//! Writing entries one after the other, each of a size known before, without holding any of them.

use super::{CENTRAL, ELSEWHERE, END, END_64, EXTRA_64, LOCAL, LOCATOR_64};
use crc32fast::Hasher;
use std::io::{self, Error, ErrorKind, Seek, SeekFrom, Write};

/// 1 January 1980, the format's first day: the same content gives the same bytes.
const DATE: u16 = (1 << 5) | 1;
/// A plain archive, and one with 64-bit sizes.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Where the check sum stands within a local header.
const CRC_AT: u64 = 14;

/// A zip archive of stored entries, from `out`'s position 0 on.
#[derive(Debug)]
pub(crate) struct ZipWriter<W> {
    out: W,
    at: u64,
    entries: Vec<Entry>,
    open: Option<Open>,
    /// Sizes and positions from here on are written in 64 bits; smaller only in tests.
    large: u64,
}

#[derive(Debug)]
struct Entry {
    name: String,
    crc: u32,
    size: u64,
    header_at: u64,
}

#[derive(Debug)]
struct Open {
    name: String,
    size: u64,
    left: u64,
    header_at: u64,
    crc: Hasher,
}

impl<W: Write + Seek> ZipWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self::with_large(out, u64::from(ELSEWHERE))
    }

    pub(super) fn with_large(out: W, large: u64) -> Self {
        Self {
            out,
            at: 0,
            entries: Vec::new(),
            open: None,
            large,
        }
    }

    /// Begins an entry of exactly `size` bytes, which [`write`](Self::write) then gets in pieces.
    pub(crate) fn begin(&mut self, name: &str, size: u64) -> io::Result<()> {
        if self.open.is_some() {
            return Err(misuse("an entry is still open"));
        }
        let large = size >= self.large;
        let shown = if large { ELSEWHERE } else { size as u32 };
        let header_at = self.at;
        let mut header = Vec::new();
        header.extend_from_slice(&LOCAL);
        put16(
            &mut header,
            &[if large { VERSION_64 } else { VERSION }, 0, 0, 0, DATE],
        );
        // The check sum, not known yet, and both sizes.
        put32(&mut header, &[0, shown, shown]);
        put16(
            &mut header,
            &[name.len() as u16, if large { 20 } else { 0 }],
        );
        header.extend_from_slice(name.as_bytes());
        if large {
            put16(&mut header, &[EXTRA_64, 16]);
            put64(&mut header, &[size, size]);
        }
        self.put(&header)?;
        self.open = Some(Open {
            name: name.to_owned(),
            size,
            left: size,
            header_at,
            crc: Hasher::new(),
        });
        Ok(())
    }

    /// The next bytes of the open entry.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let open = self
            .open
            .as_mut()
            .ok_or_else(|| misuse("no entry is open"))?;
        open.left = open
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| misuse("more bytes than the entry declared"))?;
        open.crc.update(bytes);
        self.put(bytes)
    }

    /// Ends the open entry, whose bytes must all have been written.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        let open = self.open.take().ok_or_else(|| misuse("no entry is open"))?;
        if open.left > 0 {
            return Err(misuse("fewer bytes than the entry declared"));
        }
        let crc = open.crc.finalize();
        self.out.seek(SeekFrom::Start(open.header_at + CRC_AT))?;
        self.out.write_all(&crc.to_le_bytes())?;
        self.out.seek(SeekFrom::Start(self.at))?;
        self.entries.push(Entry {
            name: open.name,
            crc,
            size: open.size,
            header_at: open.header_at,
        });
        Ok(())
    }

    /// Writes the directory and gives the output back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.open.is_some() {
            return Err(misuse("an entry is still open"));
        }
        let begin = self.at;
        let mut directory = Vec::new();
        for entry in &self.entries {
            self.central(entry, &mut directory);
        }
        let (count, len) = (self.entries.len() as u64, directory.len() as u64);
        if begin >= self.large {
            let end_64_at = begin + len;
            directory.extend_from_slice(&END_64);
            put64(&mut directory, &[44]);
            put16(&mut directory, &[VERSION_64, VERSION_64]);
            put32(&mut directory, &[0, 0]);
            put64(&mut directory, &[count, count, len, begin]);
            directory.extend_from_slice(&LOCATOR_64);
            put32(&mut directory, &[0]);
            put64(&mut directory, &[end_64_at]);
            put32(&mut directory, &[1]);
        }
        let shown = if begin >= self.large {
            ELSEWHERE
        } else {
            begin as u32
        };
        directory.extend_from_slice(&END);
        put16(&mut directory, &[0, 0, count as u16, count as u16]);
        put32(&mut directory, &[len as u32, shown]);
        put16(&mut directory, &[0]);
        self.put(&directory)?;
        Ok(self.out)
    }

    fn central(&self, entry: &Entry, out: &mut Vec<u8>) {
        let mut wide = Vec::new();
        let mut field = |value: u64| {
            if value < self.large {
                return value as u32;
            }
            wide.push(value);
            ELSEWHERE
        };
        // In the extra field they stand in this order: uncompressed, compressed, position.
        let sizes = [field(entry.size), field(entry.size)];
        let position = field(entry.header_at);
        let version = if wide.is_empty() { VERSION } else { VERSION_64 };
        let extra = if wide.is_empty() {
            0
        } else {
            4 + 8 * wide.len() as u16
        };
        out.extend_from_slice(&CENTRAL);
        put16(out, &[version, version, 0, 0, 0, DATE]);
        put32(out, &[entry.crc]);
        put32(out, &sizes);
        put16(out, &[entry.name.len() as u16, extra, 0, 0, 0]);
        put32(out, &[0, position]);
        out.extend_from_slice(entry.name.as_bytes());
        if extra > 0 {
            put16(out, &[EXTRA_64, extra - 4]);
            put64(out, &wide);
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

fn misuse(what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("zip archive: {what}"))
}

fn put16(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put32(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put64(out: &mut Vec<u8>, values: &[u64]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
