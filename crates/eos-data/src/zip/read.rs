//! Finding and unpacking the entries of an archive that lies in memory.

use super::{CENTRAL, ELSEWHERE, END, END_64, EXTRA_64, LOCAL, LOCATOR_64};
use crate::{
    error::{DataError, Fault},
    read::source::{DECOMPRESSED_LIMIT, DEFLATE_RATIO},
};
use flate2::read::DeflateDecoder;
use std::{borrow::Cow, io::Read, path::Path};

const END_LEN: usize = 22;
const LONGEST_COMMENT: usize = u16::MAX as usize;

/// The directory of an archive.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    encrypted: bool,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header_at: u64,
}

impl<'a> Archive<'a> {
    pub(crate) fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        let entries = directory(bytes).ok_or_else(|| {
            Fault::file(path, "zip directory")
                .got("none, or one that contradicts itself")
                .wanted("a whole zip archive")
                .next("the file is cut short or damaged: write or fetch it again")
                .damaged()
        })?;
        Ok(Self {
            path,
            bytes,
            entries,
        })
    }

    /// Names of all entries.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The content of the entry `name`, unpacked and compared with its check sum.
    pub(crate) fn entry(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>, DataError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let fault = |field: &str| Fault::file(self.path, format!("entry '{name}': {field}"));
        let again = "the file is damaged: write or fetch it again";
        let packed = self.packed(entry).ok_or_else(|| {
            fault("position")
                .got(format!(
                    "{} bytes from byte {}",
                    entry.packed, entry.header_at
                ))
                .wanted(format!(
                    "a place within the file's {} bytes",
                    self.bytes.len()
                ))
                .next(again)
                .damaged()
        })?;
        let content = match (entry.encrypted, entry.method) {
            (false, 0) => Cow::Borrowed(packed),
            (false, 8) => Cow::Owned(inflate(packed, entry.size).map_err(|got| {
                fault("deflated content")
                    .got(got)
                    .wanted(format!("{} bytes", entry.size))
                    .next(again)
                    .damaged()
            })?),
            _ => {
                return Err(fault("method")
                    .got(if entry.encrypted {
                        "encryption".into()
                    } else {
                        format!("{}", entry.method)
                    })
                    .wanted("stored (0) or deflated (8)")
                    .next("write the file with numpy.savez or numpy.savez_compressed")
                    .unsupported());
            }
        };
        if content.len() as u64 != entry.size || crc32fast::hash(&content) != entry.crc {
            return Err(fault("check sum")
                .got(format!(
                    "{:08x} of {} bytes",
                    crc32fast::hash(&content),
                    content.len()
                ))
                .wanted(format!("{:08x} of {}", entry.crc, entry.size))
                .next(again)
                .damaged());
        }
        Ok(Some(content))
    }

    fn packed(&self, entry: &Entry) -> Option<&'a [u8]> {
        let header_at = usize::try_from(entry.header_at).ok()?;
        let header = Fields(self.bytes.get(header_at..)?.strip_prefix(&LOCAL)?);
        let begin = 26 + usize::from(header.u16(22)?) + usize::from(header.u16(24)?);
        header
            .0
            .get(begin..)?
            .get(..usize::try_from(entry.packed).ok()?)
    }
}

/// Unpacks to exactly `size` bytes; the error is what was got instead.
fn inflate(packed: &[u8], size: u64) -> Result<Vec<u8>, String> {
    if size > (packed.len() as u64).saturating_mul(DEFLATE_RATIO) {
        let len = packed.len();
        return Err(format!("{len} packed bytes, which cannot hold as many"));
    }
    if size > DECOMPRESSED_LIMIT {
        return Err(format!(
            "more than {DECOMPRESSED_LIMIT}; store it uncompressed (numpy.savez)"
        ));
    }
    let mut content = Vec::new();
    let read = DeflateDecoder::new(packed)
        .take(size + 1)
        .read_to_end(&mut content);
    match read {
        Ok(_) if content.len() as u64 == size => Ok(content),
        Ok(_) if content.len() as u64 > size => Err("more".to_owned()),
        Ok(len) => Err(format!("{len} bytes")),
        Err(error) => Err(error.to_string()),
    }
}

/// Entries of the directory at the end of the archive.
fn directory(bytes: &[u8]) -> Option<Vec<Entry>> {
    let earliest = bytes.len().saturating_sub(END_LEN + LONGEST_COMMENT);
    let end_at = (earliest..=bytes.len().checked_sub(END_LEN)?)
        .rev()
        .find(|at| {
            let end = Fields(&bytes[*at..]);
            let comment = end.u16(20).map(usize::from);
            end.0.starts_with(&END) && comment.is_some_and(|len| at + END_LEN + len == bytes.len())
        })?;
    let end = Fields(&bytes[end_at..]);
    let (mut count, mut at) = (u64::from(end.u16(10)?), u64::from(end.u32(16)?));
    if let Some((wide_count, wide_at)) = wide_end(bytes, end_at) {
        (count, at) = (wide_count, wide_at);
    }
    let mut rest = bytes.get(usize::try_from(at).ok()?..end_at)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, after) = entry(rest)?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

/// Number of entries and position of the directory, where a zip64 record gives them.
fn wide_end(bytes: &[u8], end_at: usize) -> Option<(u64, u64)> {
    let locator = Fields(bytes.get(end_at.checked_sub(20)?..end_at)?);
    if !locator.0.starts_with(&LOCATOR_64) {
        return None;
    }
    let end = Fields(bytes.get(usize::try_from(locator.u64(8)?).ok()?..)?);
    if !end.0.starts_with(&END_64) {
        return None;
    }
    Some((end.u64(32)?, end.u64(48)?))
}

fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let header = Fields(bytes);
    if !bytes.starts_with(&CENTRAL) {
        return None;
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| header.u16(at).map(usize::from));
    let name_end = 46 + name?;
    let extra_end = name_end + extra?;
    let mut wide = Wide::of(bytes.get(name_end..extra_end)?);
    // In the extra field they stand in this order: uncompressed, compressed, position.
    let size = wide.or(header.u32(24)?)?;
    let packed = wide.or(header.u32(20)?)?;
    let header_at = wide.or(header.u32(42)?)?;
    let entry = Entry {
        name: String::from_utf8_lossy(&bytes[46..name_end]).into_owned(),
        encrypted: header.u16(8)? & 1 == 1,
        method: header.u16(10)?,
        crc: header.u32(16)?,
        packed,
        size,
        header_at,
    };
    Some((entry, bytes.get(extra_end + comment?..)?))
}

/// The 64-bit values of an entry, taken one after the other by the fields that refer to them.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(mut extra: &'a [u8]) -> Self {
        while let (Some(id), Some(len)) = (Fields(extra).u16(0), Fields(extra).u16(2)) {
            let Some(field) = extra.get(4..4 + usize::from(len)) else {
                break;
            };
            if id == EXTRA_64 {
                return Self(field);
            }
            extra = &extra[4 + field.len()..];
        }
        Self(&[])
    }

    fn or(&mut self, narrow: u32) -> Option<u64> {
        if narrow != ELSEWHERE {
            return Some(u64::from(narrow));
        }
        let value = Fields(self.0).u64(0)?;
        self.0 = &self.0[8..];
        Some(value)
    }
}

/// Little-endian numbers at fixed places.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at + N)?.try_into().ok()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }
}
