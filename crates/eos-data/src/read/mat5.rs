//! Numeric arrays of a MAT file of version 5 (MATLAB's -v6 and -v7, SciPy's savemat).
//!
//! Source: MathWorks, *MAT-File Format*. Cells, structures, text and sparse matrices are skipped.

use super::source::{DECOMPRESSED_LIMIT, DEFLATE_RATIO};
use crate::error::{DataError, Fault};
use flate2::read::ZlibDecoder;
use std::{borrow::Cow, io::Read, path::Path};

const HEADER: usize = 128;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Classes of arrays from `double` to `uint64`.
const NUMERIC: std::ops::RangeInclusive<u8> = 6..=15;

/// How numbers are stored; independent of the class that they have in MATLAB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Storage {
    fn of(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::I8,
            2 => Self::U8,
            3 => Self::I16,
            4 => Self::U16,
            5 => Self::I32,
            6 => Self::U32,
            7 => Self::F32,
            9 => Self::F64,
            12 => Self::I64,
            13 => Self::U64,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

/// A numeric array; the first dimension varies fastest.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) dims: Vec<u64>,
    pub(crate) storage: Storage,
    pub(crate) bytes: Vec<u8>,
    little: bool,
}

impl Array {
    /// The values where they are whole numbers; the error is the first that is not, by position.
    pub(crate) fn integers(&self) -> Result<Vec<i64>, (usize, f64)> {
        let items = self.bytes.chunks_exact(self.storage.size());
        items
            .enumerate()
            .map(|(at, item)| self.integer(item).map_err(|v| (at, v)))
            .collect()
    }

    fn integer(&self, item: &[u8]) -> Result<i64, f64> {
        let mut wide = [0; 8];
        for (at, byte) in item.iter().enumerate() {
            let at = if self.little { at } else { item.len() - 1 - at };
            wide[at] = *byte;
        }
        let unsigned = u64::from_le_bytes(wide);
        let float = |value: f64| {
            // Far within what f64 holds exactly.
            let whole = value.fract() == 0.0 && value.abs() < 1e15;
            if whole { Ok(value as i64) } else { Err(value) }
        };
        match self.storage {
            Storage::F32 => float(f64::from(f32::from_bits(unsigned as u32))),
            Storage::F64 => float(f64::from_bits(unsigned)),
            Storage::I8 => Ok(i64::from(unsigned as i8)),
            Storage::I16 => Ok(i64::from(unsigned as i16)),
            Storage::I32 => Ok(i64::from(unsigned as i32)),
            Storage::I64 => Ok(unsigned as i64),
            Storage::U8 | Storage::U16 | Storage::U32 | Storage::U64 => {
                i64::try_from(unsigned).map_err(|_| unsigned as f64)
            }
        }
    }
}

/// The numeric arrays of a file.
pub(crate) fn arrays(path: &Path, bytes: &[u8]) -> Result<Vec<Array>, DataError> {
    let little = header(path, bytes)?;
    let mut reader = Reader {
        path,
        bytes: &bytes[HEADER..],
        little,
    };
    let mut arrays = Vec::new();
    while !reader.bytes.is_empty() {
        let (code, content) = reader.element()?;
        let content = match code {
            COMPRESSED => Cow::Owned(inflate(path, content, little)?),
            MATRIX => Cow::Borrowed(content),
            _ => {
                return Err(reader
                    .fault("variable")
                    .got(format!("data type {code}"))
                    .wanted("a matrix (14) or a compressed one (15)")
                    .next("fetch the file again")
                    .damaged());
            }
        };
        let inner = Reader {
            path,
            bytes: &content,
            little,
        };
        arrays.extend(matrix(inner)?);
    }
    Ok(arrays)
}

/// Checks the header and tells whether the numbers are little-endian.
fn header(path: &Path, bytes: &[u8]) -> Result<bool, DataError> {
    let fault = Fault::file(path, "header").wanted("that of a MAT file of version 5");
    if bytes.starts_with(b"MATLAB 7.3") || bytes.starts_with(b"\x89HDF") {
        return Err(fault
            .got("that of version 7.3 (HDF5)")
            .next("save the file with MATLAB's -v7 or scipy.io.savemat")
            .unsupported());
    }
    match bytes.get(124..HEADER) {
        Some([0, 1, b'I', b'M']) => Ok(true),
        Some([1, 0, b'M', b'I']) => Ok(false),
        None => Err(fault
            .got(format!("{} bytes in all", bytes.len()))
            .next("the file is cut short: fetch it again")
            .damaged()),
        Some(version) => Err(fault
            .got(format!("version and byte order {version:02x?}"))
            .next("check that this is a MAT file; save it with MATLAB's -v7 or scipy.io.savemat")
            .damaged()),
    }
}

/// The matrix within a compressed element, without its tag.
fn inflate(path: &Path, packed: &[u8], little: bool) -> Result<Vec<u8>, DataError> {
    let fault = || {
        Fault::file(path, "compressed variable")
            .wanted("a whole zlib stream that holds one matrix")
            .next("the file is damaged: fetch it again")
    };
    let broken = |error: std::io::Error| fault().got(error.to_string()).damaged();
    let mut decoder = ZlibDecoder::new(packed);
    let mut tag = [0; 8];
    decoder.read_exact(&mut tag).map_err(broken)?;
    let [code, size] = [0, 4].map(|at| number(&tag[at..], little));
    if code != MATRIX {
        return Err(fault().got(format!("data type {code}")).damaged());
    }
    let most = (packed.len() as u64)
        .saturating_mul(DEFLATE_RATIO)
        .min(DECOMPRESSED_LIMIT);
    let size = u64::from(size);
    if size > most {
        return Err(fault()
            .got(format!(
                "a declared size of {size} in {} bytes",
                packed.len()
            ))
            .too_large());
    }
    let mut content = Vec::new();
    decoder
        .by_ref()
        .take(size)
        .read_to_end(&mut content)
        .map_err(broken)?;
    let mut padding = Vec::new();
    // Reading to the end also compares the check sum. Up to 7 bytes may pad the matrix.
    decoder.take(9).read_to_end(&mut padding).map_err(broken)?;
    if (content.len() as u64) < size || padding.len() > 8 {
        let got = content.len() + padding.len();
        return Err(fault()
            .got(format!("{got} bytes for a declared {size}"))
            .damaged());
    }
    Ok(content)
}

/// The array of a matrix element; none where it is not numeric.
fn matrix(mut reader: Reader<'_, '_>) -> Result<Option<Array>, DataError> {
    let (_, flags) = reader.element()?;
    let flags = flags.get(..4).map(|flags| number(flags, reader.little));
    let class = flags.map(|flags| flags as u8);
    if class.is_none_or(|class| !NUMERIC.contains(&class)) {
        return Ok(None);
    }
    let (_, dims) = reader.element()?;
    let (_, name) = reader.element()?;
    let (code, bytes) = reader.element()?;
    let name = String::from_utf8_lossy(name).into_owned();
    let dims: Vec<u64> = dims
        .chunks_exact(4)
        .map(|side| u64::from(number(side, reader.little)))
        .collect();
    let count = dims.iter().try_fold(1_u64, |n, side| n.checked_mul(*side));
    let storage = Storage::of(code);
    let stored = storage.map(|storage| (bytes.len() / storage.size()) as u64);
    match storage {
        Some(storage) if stored.is_some() && stored == count => Ok(Some(Array {
            name,
            dims,
            storage,
            bytes: bytes.to_vec(),
            little: reader.little,
        })),
        _ => Err(reader
            .fault(&format!("array '{name}'"))
            .got(format!("{} bytes of data type {code}", bytes.len()))
            .wanted(format!("numbers for dimensions {dims:?}"))
            .next("the file is damaged: fetch it again")
            .damaged()),
    }
}

/// Elements one after the other: a tag of type and size, then content padded to 8 bytes.
struct Reader<'p, 'b> {
    path: &'p Path,
    bytes: &'b [u8],
    little: bool,
}

impl<'b> Reader<'_, 'b> {
    fn element(&mut self) -> Result<(u32, &'b [u8]), DataError> {
        let parsed = self.parse();
        let (code, content, rest) = parsed.ok_or_else(|| {
            self.fault("element")
                .got(format!("{} bytes before the end", self.bytes.len()))
                .wanted("a whole element")
                .next("the file is cut short: fetch it again")
                .damaged()
        })?;
        self.bytes = rest;
        Ok((code, content))
    }

    fn parse(&self) -> Option<(u32, &'b [u8], &'b [u8])> {
        let (tag, rest) = self.bytes.split_at_checked(8)?;
        let first = number(tag, self.little);
        if first >> 16 != 0 {
            // The small form: size and type in one word, up to four bytes in the other.
            let content = tag[4..].get(..(first >> 16) as usize)?;
            return Some((first & 0xffff, content, rest));
        }
        let size = number(&tag[4..], self.little) as usize;
        let content = rest.get(..size)?;
        // Compressed elements are not padded, and the last one may lack its padding.
        let padded = match first {
            COMPRESSED => size,
            _ => size.checked_next_multiple_of(8)?.min(rest.len()),
        };
        Some((first, content, &rest[padded..]))
    }

    fn fault(&self, field: &str) -> Fault {
        Fault::file(self.path, field)
    }
}

/// The first four bytes as a number.
fn number(bytes: &[u8], little: bool) -> u32 {
    let word = [bytes[0], bytes[1], bytes[2], bytes[3]];
    if little {
        u32::from_le_bytes(word)
    } else {
        u32::from_be_bytes(word)
    }
}
