//! Embeddings to npy pairs and npz files.

use crate::{
    Embeddings,
    atomic::AtomicFile,
    error::DataError,
    npy::sink::{Announced, ArraySink, write_values},
    zip::ZipWriter,
};
use std::{
    io::{self, ErrorKind},
    path::Path,
};

/// Bytes of labels gathered before they are written.
const CHUNK: usize = 1 << 16;

/// Writes rows and labels as a pair of npy files: f32 `[N, D]`, and `[N]` in the labels' own type.
///
/// # Errors
/// [`DataError::Io`]; the file at fault then is as it was before.
pub fn write_embeddings_npy(x: &Path, y: &Path, embeddings: &Embeddings) -> Result<(), DataError> {
    let rows = || {
        let mut file = AtomicFile::create(x)?;
        begin_rows(&mut file, embeddings, 0)?;
        file.commit()
    };
    rows().map_err(|error| DataError::writing(x, error))?;
    let labels = || {
        let mut file = AtomicFile::create(y)?;
        put_labels(&mut file, embeddings, 0, |_| 0)?;
        file.commit()
    };
    labels().map_err(|error| DataError::writing(y, error))
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
        put_labels(&mut zip, embeddings, 0, |_| 0)?;
        zip.finish()?.commit()
    };
    written().map_err(|error| DataError::writing(path, error))
}

/// The array `x` of the given rows and `more`.
pub(crate) fn rows_array(embeddings: &Embeddings, more: u64) -> io::Result<Announced> {
    let rows = (embeddings.len() as u64).saturating_add(more);
    announced("x", "<f4", 4, &[rows, embeddings.dims() as u64])
}

/// The array `y` of the given labels and `more`.
pub(crate) fn labels_array(embeddings: &Embeddings, more: u64) -> io::Result<Announced> {
    let (rows, values) = (embeddings.len() as u64, embeddings.label_values());
    let rows = rows.saturating_add(more);
    announced("y", values.dtype(), values.size() as u64, &[rows])
}

pub(crate) fn announced(
    name: &'static str,
    descr: &str,
    size: u64,
    shape: &[u64],
) -> io::Result<Announced> {
    Announced::new(name, descr, size, shape)
        .ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, "more than 2⁶³ bytes"))
}

/// Begins the array `x` for the given rows and `more`, and writes the given ones.
pub(crate) fn begin_rows(
    sink: &mut impl ArraySink,
    embeddings: &Embeddings,
    more: u64,
) -> io::Result<()> {
    sink.begin(&rows_array(embeddings, more)?)?;
    write_values(sink, embeddings.rows())
}

/// The array `y`: the labels of the given rows, then `more`, whose classes `class` gives.
pub(crate) fn put_labels(
    sink: &mut impl ArraySink,
    embeddings: &Embeddings,
    more: usize,
    class: impl Fn(usize) -> u32,
) -> io::Result<()> {
    let values = embeddings.label_values();
    sink.begin(&labels_array(embeddings, more as u64)?)?;
    let mut bytes = Vec::with_capacity(CHUNK + values.size());
    for label in embeddings
        .labels()
        .iter()
        .copied()
        .chain((0..more).map(class))
    {
        bytes.extend_from_slice(values.value(label));
        if bytes.len() >= CHUNK {
            sink.write(&bytes)?;
            bytes.clear();
        }
    }
    sink.write(&bytes)?;
    sink.end()
}
