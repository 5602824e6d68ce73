//! NumPy arrays: the npy format, in files or as entries of an npz.
//!
//! Source: NumPy's `numpy.lib.format`, versions 1.0 to 3.0.

pub(crate) mod bytes;
mod header;
pub(crate) mod sink;

pub(crate) use header::{Dtype, Header, Kind};

use crate::error::{DataError, Fault};
use std::path::Path;

/// Where an array comes from: a file, or an entry of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) entry: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(crate) fn file(path: &'a Path) -> Self {
        Self { path, entry: None }
    }

    pub(crate) fn fault(&self, field: &str) -> Fault {
        match self.entry {
            None => Fault::file(self.path, field),
            Some(entry) => Fault::file(self.path, format!("array '{entry}': {field}")),
        }
    }

    /// Begins the fault of a value that is not finite, at this row and column.
    pub(crate) fn not_finite(&self, at: &str) -> Fault {
        self.fault(at)
            .wanted("finite values within the range of float32")
            .next("clean the embeddings first, for example with numpy.isfinite")
    }
}

/// An array whose bytes are there, as many as its header declares.
#[derive(Debug)]
pub(crate) struct Array<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) header: Header,
    pub(crate) data: &'a [u8],
}

impl<'a> Array<'a> {
    pub(crate) fn parse(place: Place<'a>, bytes: &'a [u8]) -> Result<Self, DataError> {
        let (header, data) = Header::parse(place, bytes)?;
        let array = Self {
            place,
            header,
            data,
        };
        // A product beyond u64 is beyond any file.
        let declared = array.header.bytes().unwrap_or(u64::MAX);
        if declared == data.len() as u64 {
            return Ok(array);
        }
        let fault = place
            .fault("length")
            .got(format!("{} bytes after the header", data.len()))
            .wanted(format!(
                "{declared} for shape {:?} of {}",
                array.header.shape, array.header.dtype.descr
            ));
        Err(if declared > data.len() as u64 {
            fault.next("the file is cut short: write or fetch it again")
        } else {
            fault.next("there are bytes after the array: write it again with numpy.save")
        }
        .damaged())
    }

    /// Sides `[N, D]` of a matrix of floats, both at least 1.
    pub(crate) fn matrix_shape(&self) -> Result<[usize; 2], DataError> {
        let [rows, dims] = self.header.shape[..] else {
            return Err(self.not_a_matrix());
        };
        if rows == 0 || dims == 0 {
            return Err(self.not_a_matrix());
        }
        if self.header.dtype.kind != Kind::Float {
            return Err(self
                .place
                .fault("item type")
                .got(self.header.dtype.descr.clone())
                .wanted("float32 or float64")
                .next("save it with X.astype(numpy.float32)")
                .unsupported());
        }
        // The bytes of the array are in memory or in a file, so their number fits into usize.
        Ok([rows as usize, dims as usize])
    }

    /// Whether the bytes are those of a row-major matrix of little-endian f32.
    pub(crate) fn is_plain_matrix(&self) -> bool {
        let Dtype {
            kind, size, big, ..
        } = self.header.dtype;
        (kind, size, big, self.header.column_major) == (Kind::Float, 4, false, false)
    }

    /// Whether the items are f64, which become f32.
    pub(crate) fn is_double(&self) -> bool {
        (self.header.dtype.kind, self.header.dtype.size) == (Kind::Float, 8)
    }

    /// The values of a matrix of floats as f32, row-major; beyond the range of f32 they are
    /// infinite.
    pub(crate) fn matrix(&self) -> Result<Vec<f32>, DataError> {
        let [rows, dims] = self.matrix_shape()?;
        let values: Vec<f32> = match (self.is_double(), self.header.dtype.big) {
            (false, false) => self.items(f32::from_le_bytes),
            (false, true) => self.items(f32::from_be_bytes),
            (true, false) => self.items(|b| f64::from_le_bytes(b) as f32),
            (true, true) => self.items(|b| f64::from_be_bytes(b) as f32),
        };
        Ok(match self.header.column_major {
            true => transpose(&values, rows, dims),
            false => values,
        })
    }

    fn not_a_matrix(&self) -> DataError {
        self.place
            .fault("shape")
            .got(format!("{:?}", self.header.shape))
            .wanted("[N, D] with at least one row and one column")
            .next("save it as a matrix: X.reshape(len(X), -1)")
            .shape()
    }

    fn items<const S: usize, T>(&self, item: impl Fn([u8; S]) -> T) -> Vec<T> {
        let items = self.data.chunks_exact(S);
        items
            .map(|bytes| item(bytes.try_into().expect("chunks have S bytes")))
            .collect()
    }
}

/// Row-major from column-major. Works through bands of rows, so that a band's lines stay cached.
fn transpose(columns: &[f32], rows: usize, dims: usize) -> Vec<f32> {
    const BAND: usize = 64;
    let mut out = vec![0.0; columns.len()];
    for begin in (0..rows).step_by(BAND) {
        let end = (begin + BAND).min(rows);
        for (column, values) in columns.chunks_exact(rows).enumerate() {
            for (row, value) in values[begin..end].iter().enumerate() {
                out[(begin + row) * dims + column] = *value;
            }
        }
    }
    out
}

/// The header that goes before an array's bytes, padded to a multiple of 64.
pub(crate) fn header_bytes(descr: &str, shape: &[u64]) -> Vec<u8> {
    let sides: String = shape.iter().map(|side| format!("{side},")).collect();
    let sides = match shape {
        [_] => sides,
        _ => sides.trim_end_matches(',').replace(',', ", "),
    };
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    let before = 10;
    let padded = (before + text.len() + 1).next_multiple_of(64);
    let mut bytes = Vec::with_capacity(padded);
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    // Descriptions and shapes are far shorter than 2¹⁶.
    bytes.extend_from_slice(&((padded - before) as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(padded - 1, b' ');
    bytes.push(b'\n');
    bytes
}
