//! The balanced set: the given rows, synthetic ones behind them, and where each came from.

use crate::{
    Embeddings,
    atomic::AtomicFile,
    embeddings_write::{begin_rows, labels_array, put_labels, rows_array},
    error::{DataError, Fault},
    npy::sink::{Announced, ArraySink, write_values},
    provenance::{self, Provenance, put_provenance},
    zip::{self, ZipWriter},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Where a balanced set goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BalancedFiles {
    /// One npz: `x` f32 `[N + M, D]`, original rows first, `y` in the labels' own type, and for the
    /// M synthetic rows `base`, `from`, `neighbour` i64 `[M]` and `ratio` f32 `[M]`.
    Npz(PathBuf),
    /// The same in a file for each: `x` and `y` as npy, the provenance as npz where it is wanted.
    Npy {
        /// Rows.
        x: PathBuf,
        /// Labels.
        y: PathBuf,
        /// `base`, `from`, `neighbour`, `ratio`.
        provenance: Option<PathBuf>,
    },
}

impl BalancedFiles {
    /// Bytes of all files for these rows and `synthetic` more, to the byte.
    ///
    /// # Errors
    /// [`DataError::Io`] where an array would have more than 2⁶³ bytes.
    pub fn bytes(&self, original: &Embeddings, synthetic: u64) -> Result<u64, DataError> {
        let sum = || -> io::Result<u64> {
            let pair = [
                rows_array(original, synthetic)?,
                labels_array(original, synthetic)?,
            ];
            let columns = provenance::arrays(synthetic)?;
            let npz = |arrays: &[Announced]| {
                zip::size(arrays.iter().map(|a| (a.entry().len(), a.bytes())))
            };
            Ok(match self {
                Self::Npz(_) => npz(&[&pair[..], &columns[..]].concat()),
                Self::Npy { provenance, .. } => {
                    let provenance = provenance.as_ref().map_or(0, |_| npz(&columns));
                    pair.iter().map(Announced::bytes).sum::<u64>() + provenance
                }
            })
        };
        sum().map_err(|error| DataError::writing(self.rows_path(), error))
    }

    /// The file that holds the rows.
    pub fn rows_path(&self) -> &Path {
        match self {
            Self::Npz(path) | Self::Npy { x: path, .. } => path,
        }
    }
}

/// Streams a balanced set into files that `numpy.load` reads.
///
/// Rows are written as they come and provenance as it is read, so that no more than a chunk is held
/// in memory. An npz is stored uncompressed, zip64 where needed. The files appear under their names
/// when [`finish`](Self::finish) has written everything, and not at all otherwise.
#[derive(Debug)]
pub struct BalancedWriter<'a> {
    out: Out,
    files: BalancedFiles,
    original: &'a Embeddings,
    synthetic: u64,
    left: u64,
}

/// Files under temporary names.
#[derive(Debug)]
enum Out {
    Npz(ZipWriter<AtomicFile>),
    Npy {
        x: AtomicFile,
        y: AtomicFile,
        provenance: Option<ZipWriter<AtomicFile>>,
    },
}

impl Out {
    fn create(files: &BalancedFiles) -> Result<Self, DataError> {
        let create =
            |path: &Path| AtomicFile::create(path).map_err(|e| DataError::writing(path, e));
        let zip = |path: &PathBuf| create(path).map(ZipWriter::new);
        Ok(match files {
            BalancedFiles::Npz(path) => Self::Npz(zip(path)?),
            BalancedFiles::Npy { x, y, provenance } => Self::Npy {
                x: create(x)?,
                y: create(y)?,
                provenance: provenance.as_ref().map(zip).transpose()?,
            },
        })
    }
}

impl<'a> BalancedWriter<'a> {
    /// Begins the files with the original rows; `synthetic` rows are to follow.
    ///
    /// # Errors
    /// [`DataError::Io`] where a file cannot be written.
    pub fn create(
        files: &BalancedFiles,
        original: &'a Embeddings,
        synthetic: u64,
    ) -> Result<Self, DataError> {
        let mut out = Out::create(files)?;
        match &mut out {
            Out::Npz(zip) => begin_rows(zip, original, synthetic),
            Out::Npy { x, .. } => begin_rows(x, original, synthetic),
        }
        .map_err(|error| DataError::writing(files.rows_path(), error))?;
        Ok(Self {
            out,
            files: files.clone(),
            original,
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
        match &mut self.out {
            Out::Npz(zip) => write_values(zip, rows),
            Out::Npy { x, .. } => write_values(x, rows),
        }
        .map_err(|error| DataError::writing(self.files.rows_path(), error))
    }

    /// Writes labels and provenance and gives the files their names.
    ///
    /// # Errors
    /// [`DataError::Shape`] where rows are missing or the provenance is of another number of rows,
    /// [`DataError::Value`] for a label without a class, [`DataError::Io`] where a file cannot be
    /// written. Nothing is left under a file's name then but what was there before; no file of
    /// several is named before all are on the device.
    pub fn finish(self, provenance: &Provenance<'_>) -> Result<(), DataError> {
        self.check(provenance)?;
        let (files, original) = (self.files, self.original);
        let path = files.rows_path();
        let written = match self.out {
            Out::Npz(zip) => finish_npz(zip, original, provenance),
            Out::Npy {
                x,
                y,
                provenance: zip,
            } => finish_npy([x, y], zip, original, provenance),
        };
        written.map_err(|error| DataError::writing(path, error))
    }

    fn check(&self, provenance: &Provenance<'_>) -> Result<(), DataError> {
        let fault = |field: &str| Fault::argument("balanced set", field);
        if self.left > 0 {
            return Err(fault("synthetic rows")
                .got(format!("{} fewer than announced", self.left))
                .wanted(self.synthetic.to_string())
                .next("give as many rows as were announced")
                .shape());
        }
        if provenance.len() as u64 != self.synthetic {
            return Err(fault("provenance")
                .got(format!("that of {} rows", provenance.len()))
                .wanted(format!("{}, one a synthetic row", self.synthetic))
                .next("give one a row")
                .shape());
        }
        let classes = self.original.label_values().classes();
        let mut labels = (0..provenance.len()).map(|row| provenance.label(row));
        match labels.find(|label| *label as usize >= classes) {
            None => Ok(()),
            Some(label) => Err(fault("labels")
                .got(label.to_string())
                .wanted(format!("a class index below {classes}"))
                .next("correct the label")
                .value()),
        }
    }
}

fn finish_npz(
    mut zip: ZipWriter<AtomicFile>,
    original: &Embeddings,
    provenance: &Provenance<'_>,
) -> io::Result<()> {
    zip.end()?;
    put_labels(&mut zip, original, provenance.len(), |row| {
        provenance.label(row)
    })?;
    put_provenance(&mut zip, provenance)?;
    zip.finish()?.commit()
}

fn finish_npy(
    [mut x, mut y]: [AtomicFile; 2],
    zip: Option<ZipWriter<AtomicFile>>,
    original: &Embeddings,
    provenance: &Provenance<'_>,
) -> io::Result<()> {
    x.end()?;
    put_labels(&mut y, original, provenance.len(), |row| {
        provenance.label(row)
    })?;
    let mut files = vec![x, y];
    if let Some(mut zip) = zip {
        put_provenance(&mut zip, provenance)?;
        files.push(zip.finish()?);
    }
    AtomicFile::commit_all(files)
}
