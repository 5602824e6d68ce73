//! Embeddings from npy pairs and npz files.

use crate::{
    Embeddings, Labels,
    error::{DataError, Fault},
    npy::{Array, Place, bytes::Bytes},
    shared_rows::Values,
    zip::Archive,
};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

/// Names under which an npz may hold the rows and the labels, the first found counts.
pub(crate) const ROWS: [&str; 5] = ["x", "X", "embeddings", "features", "arr_0"];
pub(crate) const LABELS: [&str; 5] = ["y", "Y", "labels", "targets", "arr_1"];

/// Reads embeddings from an npz, or from a pair of npy files.
///
/// Without `y`, a pair's labels are looked for beside `x` under the name with its last "x" or "X"
/// replaced: `train_x.npy` → `train_y.npy`.
///
/// An npy file of little-endian f32 in C order, as `numpy.save` writes it, is mapped and used in
/// place: it takes no memory, may be larger than memory, and must not be changed while the
/// embeddings or a clone of them are there. To replace it by another file of the same name, as
/// everything here that writes does, is no change of it. Anything else is converted into memory.
///
/// # Errors
/// See [`DataError`]; every message names file, array and what to do.
pub fn read_embeddings(x: &Path, y: Option<&Path>) -> Result<Embeddings, DataError> {
    let bytes = Bytes::load(x)?;
    if bytes.starts_with(b"PK") {
        if let Some(y) = y {
            return Err(Fault::file(y, "labels")
                .got(format!("a file of their own, beside {}", x.display()))
                .wanted("labels within the npz, as its array 'y'")
                .next("give the npz alone, or a pair of npy files")
                .request());
        }
        return from_npz(x, &bytes);
    }
    match y {
        Some(y) => from_pair(x, bytes, y),
        None => from_pair(x, bytes, &labels_path(x)?),
    }
}

/// Reads rows from the npy file `x` and labels from the npy file `y`.
///
/// Rows are `[N, D]` in f32 or f64 (rounded to f32, see [`Embeddings::narrowed`]), in C or Fortran
/// order, of either byte order; labels `[N]` of any integer type, bool or text. Where they can be,
/// rows are used in place, see [`read_embeddings`].
///
/// # Errors
/// See [`DataError`]: cut short or over-long, another type or shape, NaN or infinity, lengths that
/// disagree.
pub fn read_embeddings_npy(x: &Path, y: &Path) -> Result<Embeddings, DataError> {
    from_pair(x, Bytes::load(x)?, y)
}

/// Reads rows and labels from the arrays `x` and `y` of an npz; also from those named `X`/`Y`,
/// `embeddings`, `features`, `arr_0` and `labels`, `targets`, `arr_1`.
///
/// # Errors
/// As [`read_embeddings_npy`], and where the archive is damaged or lacks one of the arrays.
pub fn read_embeddings_npz(path: &Path) -> Result<Embeddings, DataError> {
    from_npz(path, &Bytes::load(path)?)
}

fn from_pair(x: &Path, x_bytes: Bytes, y: &Path) -> Result<Embeddings, DataError> {
    let y_bytes = Bytes::load(y)?;
    let labels = Array::parse(Place::file(y), &y_bytes)?;
    let rows = Array::parse(Place::file(x), &x_bytes)?;
    let [_, dims] = rows.matrix_shape()?;
    let (label_values, labels) = labels_of(&rows, &labels)?;
    let (plain, narrowed) = (rows.is_plain_matrix(), rows.is_double());
    let begin = x_bytes.len() - rows.data.len();
    let values = match x_bytes {
        Bytes::Mapped(map) if plain => Values::mapped(map, begin).map_err(Bytes::Mapped),
        other => Err(other),
    };
    let values = values.or_else(|bytes| {
        Array::parse(Place::file(x), &bytes)?
            .matrix()
            .map(Values::Owned)
    })?;
    let not_finite = |at: String| Place::file(x).not_finite(&at);
    let embeddings = Embeddings::checked(values, dims, labels, label_values, not_finite)?;
    Ok(embeddings.with_narrowed(narrowed))
}

fn from_npz(path: &Path, bytes: &[u8]) -> Result<Embeddings, DataError> {
    let archive = Archive::open(path, bytes)?;
    let (x, x_bytes) = entry(&archive, path, &ROWS)?;
    let (y, y_bytes) = entry(&archive, path, &LABELS)?;
    let place = |entry| Place {
        path,
        entry: Some(entry),
    };
    let rows = Array::parse(place(x), &x_bytes)?;
    let labels = Array::parse(place(y), &y_bytes)?;
    let [_, dims] = rows.matrix_shape()?;
    let (label_values, labels) = labels_of(&rows, &labels)?;
    let values = Values::Owned(rows.matrix()?);
    let not_finite = |at: String| rows.place.not_finite(&at);
    let embeddings = Embeddings::checked(values, dims, labels, label_values, not_finite)?;
    Ok(embeddings.with_narrowed(rows.is_double()))
}

/// The first of the arrays `names` that the archive has.
pub(crate) fn entry<'a>(
    archive: &Archive<'a>,
    path: &Path,
    names: &[&'static str],
) -> Result<(&'static str, Cow<'a, [u8]>), DataError> {
    for name in names {
        if let Some(bytes) = archive.entry(&format!("{name}.npy"))? {
            return Ok((name, bytes));
        }
    }
    let there: Vec<&str> = archive.names().collect();
    Err(Fault::file(path, "arrays")
        .got(there.join(", "))
        .wanted(format!("one named {}", names.join(" or ")))
        .next(format!(
            "write the file with numpy.savez(path, {}=…)",
            names[0]
        ))
        .damaged())
}

/// Values and class indices of `labels`, one for each row.
fn labels_of(rows: &Array<'_>, labels: &Array<'_>) -> Result<(Labels, Vec<u32>), DataError> {
    let (given, wanted) = (labels.header.shape.first(), rows.header.shape.first());
    let (values, classes) = Labels::read(labels)?;
    if given == wanted {
        return Ok((values, classes));
    }
    let wanted = wanted.copied().unwrap_or_default();
    Err(labels
        .place
        .fault("number of labels")
        .got(classes.len().to_string())
        .wanted(format!("{wanted}, one for each row"))
        .next("give the labels that belong to these rows")
        .shape())
}

/// Where the labels of `x` lie: the last "x" of the file's stem becomes "y".
pub(crate) fn labels_path(x: &Path) -> Result<PathBuf, DataError> {
    let name = x.file_name().unwrap_or_default().to_string_lossy();
    let stem_len = name.find(".npy").unwrap_or(name.len());
    let (stem, ending) = name.split_at(stem_len);
    let derived = stem.rfind(['x', 'X']).and_then(|at| {
        // Of the same case first; X.npy with y.npy is as usual.
        let letters = if stem[at..].starts_with('x') {
            ["y", "Y"]
        } else {
            ["Y", "y"]
        };
        letters
            .map(|letter| format!("{}{letter}{}{ending}", &stem[..at], &stem[at + 1..]))
            .map(|name| x.with_file_name(name))
            .into_iter()
            .find(|path| path.exists())
    });
    derived.ok_or_else(|| {
        Fault::file(x, "labels")
            .got("no path, and no file beside it under the same name with y for x")
            .wanted("the path of the labels")
            .next("give it (on the command line: --y)")
            .request()
    })
}
