//! Embeddings to npy pairs, npz files, and the balanced set of rows with where they came from.

use crate::{
    Embeddings,
    atomic::{self, AtomicFile},
    error::{DataError, Fault},
    npy,
    zip::ZipWriter,
};
use std::{
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

/// Bytes converted at a time.
const CHUNK: usize = 1 << 16;

/// Writes rows and labels as a pair of npy files: f32 `[N, D]`, and `[N]` in the labels' own type.
///
/// # Errors
/// [`DataError::Io`]; the file at fault then is as it was before.
pub fn write_embeddings_npy(x: &Path, y: &Path, embeddings: &Embeddings) -> Result<(), DataError> {
    let (n, d) = (embeddings.len() as u64, embeddings.dims() as u64);
    atomic::write(x, |out| {
        out.write_all(&npy::header_bytes("<f4", &[n, d]))?;
        in_bytes(embeddings.rows(), f32::to_le_bytes, |bytes| {
            out.write_all(bytes)
        })
    })
    .map_err(|error| DataError::writing(x, error))?;
    atomic::write(y, |out| {
        let values = embeddings.label_values();
        out.write_all(&npy::header_bytes(values.dtype(), &[n]))?;
        let labels = embeddings.labels().iter();
        labels
            .copied()
            .try_for_each(|label| out.write_all(values.value(label)))
    })
    .map_err(|error| DataError::writing(y, error))
}

/// Writes rows and labels as the arrays `x` and `y` of an npz.
///
/// # Errors
/// [`DataError::Io`]; the file then is as it was before.
pub fn write_embeddings_npz(path: &Path, embeddings: &Embeddings) -> Result<(), DataError> {
    let written = || -> io::Result<()> {
        let mut zip = ZipWriter::new(AtomicFile::create(path)?);
        begin_rows(&mut zip, embeddings, 0)?;
        zip.end()?;
        put_labels(&mut zip, embeddings, &[])?;
        zip.finish()?.commit()
    };
    written().map_err(|error| DataError::writing(path, error))
}

/// Where each of the M synthetic rows came from, in the rows' order; every column has M values.
#[derive(Debug, Clone, Copy)]
pub struct SyntheticColumns<'a> {
    /// Class index.
    pub labels: &'a [u32],
    /// Row of the base, −1 where there is none.
    pub base: &'a [i64],
    /// Row from which the difference is taken, −1 where there is none.
    pub from: &'a [i64],
    /// Row to which the difference leads, −1 where there is none.
    pub neighbour: &'a [i64],
    /// Ratio r of base + r · (neighbour − from), NaN where there is none.
    pub ratio: &'a [f32],
}

/// Streams a balanced set into an npz that `numpy.load` reads.
///
/// `x` f32 `[N + M, D]`, original rows first, and `y` in the labels' own type; for the M synthetic
/// rows `base`, `from` and `neighbour` i64 `[M]` and `ratio` f32 `[M]`. Stored uncompressed, zip64
/// where needed; no more than a chunk is held in memory. The file appears under its name when
/// [`finish`](Self::finish) has written everything, and not at all otherwise.
#[derive(Debug)]
pub struct BalancedWriter<'a> {
    zip: ZipWriter<AtomicFile>,
    original: &'a Embeddings,
    path: PathBuf,
    synthetic: u64,
    left: u64,
}

impl<'a> BalancedWriter<'a> {
    /// Begins the file with the original rows; `synthetic` rows are to follow.
    ///
    /// # Errors
    /// [`DataError::Io`] where the file cannot be written.
    pub fn create(
        path: &Path,
        original: &'a Embeddings,
        synthetic: u64,
    ) -> Result<Self, DataError> {
        let begun = || -> io::Result<_> {
            let mut zip = ZipWriter::new(AtomicFile::create(path)?);
            begin_rows(&mut zip, original, synthetic)?;
            Ok(zip)
        };
        Ok(Self {
            zip: begun().map_err(|error| DataError::writing(path, error))?,
            original,
            path: path.to_owned(),
            synthetic,
            left: synthetic,
        })
    }

    /// Appends synthetic rows, `[m, D]`.
    ///
    /// # Errors
    /// [`DataError::Shape`] for values that are no whole rows or more rows than announced,
    /// [`DataError::Io`] where the file cannot be written.
    pub fn push_rows(&mut self, rows: &[f32]) -> Result<(), DataError> {
        let dims = self.original.dims();
        let count = (rows.len() / dims) as u64;
        if !rows.len().is_multiple_of(dims) || count > self.left {
            return Err(Fault::argument("balanced set", "synthetic rows")
                .got(format!("{} values", rows.len()))
                .wanted(format!("rows of {dims}, at most {} more", self.left))
                .next("give as many rows as were announced")
                .shape());
        }
        self.left -= count;
        in_bytes(rows, f32::to_le_bytes, |bytes| self.zip.write(bytes))
            .map_err(|error| DataError::writing(&self.path, error))
    }

    /// Writes labels and provenance and gives the file its name.
    ///
    /// # Errors
    /// [`DataError::Shape`] where rows are missing or a column has another length,
    /// [`DataError::Value`] for a label without a class, [`DataError::Io`] where the file cannot be
    /// written. Nothing is left under the file's name then but what was there before.
    pub fn finish(self, columns: &SyntheticColumns<'_>) -> Result<(), DataError> {
        self.check(columns)?;
        let path = self.path.clone();
        self.write_columns(columns)
            .map_err(|error| DataError::writing(&path, error))
    }

    fn check(&self, columns: &SyntheticColumns<'_>) -> Result<(), DataError> {
        let fault = |field: &str| Fault::argument("balanced set", field);
        if self.left > 0 {
            return Err(fault("synthetic rows")
                .got(format!("{} fewer than announced", self.left))
                .wanted(self.synthetic.to_string())
                .next("give as many rows as were announced")
                .shape());
        }
        let lengths = [
            ("labels", columns.labels.len()),
            ("base", columns.base.len()),
            ("from", columns.from.len()),
            ("neighbour", columns.neighbour.len()),
            ("ratio", columns.ratio.len()),
        ];
        if let Some((column, len)) = lengths
            .iter()
            .find(|(_, len)| *len as u64 != self.synthetic)
        {
            return Err(fault(column)
                .got(format!("{len} values"))
                .wanted(format!("{}, one a synthetic row", self.synthetic))
                .next("give one value a row")
                .shape());
        }
        let classes = self.original.label_values().classes();
        match columns
            .labels
            .iter()
            .find(|label| **label as usize >= classes)
        {
            None => Ok(()),
            Some(label) => Err(fault("labels")
                .got(label.to_string())
                .wanted(format!("a class index below {classes}"))
                .next("correct the label")
                .value()),
        }
    }

    fn write_columns(mut self, columns: &SyntheticColumns<'_>) -> io::Result<()> {
        self.zip.end()?;
        put_labels(&mut self.zip, self.original, columns.labels)?;
        put_column(&mut self.zip, "base", "<i8", columns.base, i64::to_le_bytes)?;
        put_column(&mut self.zip, "from", "<i8", columns.from, i64::to_le_bytes)?;
        put_column(
            &mut self.zip,
            "neighbour",
            "<i8",
            columns.neighbour,
            i64::to_le_bytes,
        )?;
        put_column(
            &mut self.zip,
            "ratio",
            "<f4",
            columns.ratio,
            f32::to_le_bytes,
        )?;
        self.zip.finish()?.commit()
    }
}

/// Begins the array `x` for the given rows and `more`, and writes the given ones.
fn begin_rows<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    embeddings: &Embeddings,
    more: u64,
) -> io::Result<()> {
    let too_many = || io::Error::new(io::ErrorKind::FileTooLarge, "more than 2⁶³ bytes of rows");
    let dims = embeddings.dims() as u64;
    let rows = (embeddings.len() as u64)
        .checked_add(more)
        .ok_or_else(too_many)?;
    let header = npy::header_bytes("<f4", &[rows, dims]);
    let bytes = rows.checked_mul(4 * dims).filter(|bytes| *bytes < 1 << 63);
    let bytes = bytes.ok_or_else(too_many)?;
    zip.begin("x.npy", header.len() as u64 + bytes)?;
    zip.write(&header)?;
    in_bytes(embeddings.rows(), f32::to_le_bytes, |bytes| {
        zip.write(bytes)
    })
}

/// The array `y`: the labels of the given rows, then `more`.
fn put_labels<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    embeddings: &Embeddings,
    more: &[u32],
) -> io::Result<()> {
    let values = embeddings.label_values();
    let count = (embeddings.len() + more.len()) as u64;
    let header = npy::header_bytes(values.dtype(), &[count]);
    zip.begin("y.npy", header.len() as u64 + count * values.size() as u64)?;
    zip.write(&header)?;
    for labels in [embeddings.labels(), more] {
        for part in labels.chunks(CHUNK / values.size().max(1) + 1) {
            let bytes: Vec<u8> = part
                .iter()
                .flat_map(|l| values.value(*l))
                .copied()
                .collect();
            zip.write(&bytes)?;
        }
    }
    zip.end()
}

fn put_column<W: Write + Seek, T: Copy, const S: usize>(
    zip: &mut ZipWriter<W>,
    name: &str,
    descr: &str,
    values: &[T],
    to_bytes: fn(T) -> [u8; S],
) -> io::Result<()> {
    let header = npy::header_bytes(descr, &[values.len() as u64]);
    let size = header.len() + values.len() * S;
    zip.begin(&format!("{name}.npy"), size as u64)?;
    zip.write(&header)?;
    in_bytes(values, to_bytes, |bytes| zip.write(bytes))?;
    zip.end()
}

/// Hands the little-endian bytes of `values` to `put`, a chunk at a time.
fn in_bytes<T: Copy, const S: usize>(
    values: &[T],
    to_bytes: fn(T) -> [u8; S],
    mut put: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK);
    for part in values.chunks(CHUNK / S) {
        bytes.clear();
        bytes.extend(part.iter().flat_map(|value| to_bytes(*value)));
        put(&bytes)?;
    }
    Ok(())
}
