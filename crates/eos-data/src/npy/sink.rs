//! Arrays written one after the other, each in pieces.

use crate::{atomic::AtomicFile, zip::ZipWriter};
use std::io::{self, Seek, Write};

/// Bytes converted, summed up and written at a time: they stay in the processor's cache.
const CHUNK: usize = 1 << 18;

/// An array before its content: what it is called, its header, and how many bytes follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    name: &'static str,
    header: Vec<u8>,
    content: u64,
}

impl Announced {
    /// The array `name` of `shape` with items of `size` bytes; none beyond 2⁶³ bytes.
    pub(crate) fn new(name: &'static str, descr: &str, size: u64, shape: &[u64]) -> Option<Self> {
        let content = shape.iter().try_fold(size, |n, side| n.checked_mul(*side));
        Some(Self {
            name,
            header: super::header_bytes(descr, shape),
            content: content.filter(|bytes| *bytes < 1 << 63)?,
        })
    }

    /// Bytes of the array with its header: those of an npy file.
    pub(crate) fn bytes(&self) -> u64 {
        self.header.len() as u64 + self.content
    }

    /// Name of the array's entry in an npz.
    pub(crate) fn entry(&self) -> String {
        format!("{}.npy", self.name)
    }
}

/// Takes arrays: begin, write as many bytes as were announced, end.
pub(crate) trait ArraySink {
    fn begin(&mut self, array: &Announced) -> io::Result<()>;

    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    fn end(&mut self) -> io::Result<()>;
}

/// An npz: each array is an entry.
impl<W: Write + Seek> ArraySink for ZipWriter<W> {
    fn begin(&mut self, array: &Announced) -> io::Result<()> {
        self.begin(&array.entry(), array.bytes())?;
        self.write(&array.header)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        self.end()
    }
}

/// An npy file: one array.
impl ArraySink for AtomicFile {
    fn begin(&mut self, array: &Announced) -> io::Result<()> {
        self.write_all(&array.header)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes values as little-endian f32.
pub(crate) fn write_values(sink: &mut impl ArraySink, values: &[f32]) -> io::Result<()> {
    if cfg!(target_endian = "little") {
        let mut chunks = memory_of(values).chunks(CHUNK);
        return chunks.try_for_each(|bytes| sink.write(bytes));
    }
    write_items(sink, values.len(), |at| values[at].to_le_bytes())
}

/// Writes `count` items, each made when it is its turn.
pub(crate) fn write_items<const S: usize>(
    sink: &mut impl ArraySink,
    count: usize,
    item: impl Fn(usize) -> [u8; S],
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK);
    for begin in (0..count).step_by(CHUNK / S) {
        let end = count.min(begin + CHUNK / S);
        bytes.clear();
        (begin..end).for_each(|at| bytes.extend_from_slice(&item(at)));
        sink.write(&bytes)?;
    }
    Ok(())
}

/// The bytes of `values` as they stand in memory.
fn memory_of(values: &[f32]) -> &[u8] {
    // SAFETY: the same memory for the same time; bytes may have any alignment and any value.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}
