//! The python version of CIFAR: pickled dictionaries with `data` [N, 3072] and lists of labels.

use super::{
    Raw,
    cifar::{self, Layout},
    pickle::Pickle,
    source::Source,
};
use crate::{
    Format,
    error::{DataError, Fault},
};
use std::path::Path;

const PIXELS: u64 = 3 * 32 * 32;

/// Keys of the labels, of the names, and the file of the names beside the data.
fn keys(format: Format) -> (&'static str, &'static str, &'static str) {
    match format {
        Format::Cifar100 => ("fine_labels", "fine_label_names", "meta"),
        _ => ("labels", "label_names", "batches.meta"),
    }
}

/// Appends the images and labels of one pickled batch.
pub(super) fn read_batch(layout: &Layout, path: &Path, raw: &mut Raw) -> Result<(), DataError> {
    let bytes = Source::open(path)?.rest("pickle")?;
    let pickle = Pickle::parse(path, &bytes)?;
    let (labels_key, ..) = keys(layout.format());
    let data = pickle.array(path, "data")?;
    let labels = pickle.integers(path, labels_key)?;
    let [images, pixels] = data.shape[..] else {
        return Err(shape(path, &data.shape));
    };
    if pixels != PIXELS || images == 0 {
        return Err(shape(path, &data.shape));
    }
    if labels.len() as u64 != images {
        return Err(Fault::file(path, format!("'{labels_key}'"))
            .got(format!("{} labels", labels.len()))
            .wanted(format!("{images}, one for each row of 'data'"))
            .next("fetch the file again")
            .shape());
    }
    for (number, label) in labels.into_iter().enumerate() {
        let class = u32::try_from(label).ok().filter(|l| *l < layout.classes());
        let class = class
            .ok_or_else(|| cifar::label_out_of_range(path, number, label, layout.classes()))?;
        raw.labels.push(class);
    }
    raw.pixels.extend_from_slice(data.bytes);
    Ok(())
}

fn shape(path: &Path, shape: &[u64]) -> DataError {
    Fault::file(path, "shape of 'data'")
        .got(format!("{shape:?}"))
        .wanted(format!("[N, {PIXELS}]"))
        .next("give a batch of CIFAR's python version")
        .shape()
}

/// The class names in the pickle beside `file`, where there is one.
pub(super) fn names(layout: &Layout, file: &Path) -> Result<Option<Vec<String>>, DataError> {
    let (_, key, name) = keys(layout.format());
    let path = file.with_file_name(name);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = Source::open(&path)?.rest("pickle")?;
    Pickle::parse(&path, &bytes)?.strings(&path, key).map(Some)
}

/// Which of the two sets a pickled batch belongs to.
pub(super) fn guess(path: &Path, bytes: &[u8]) -> Result<Format, DataError> {
    let pickle = Pickle::parse(path, bytes)?;
    for format in [Format::Cifar10, Format::Cifar100] {
        if pickle.has("data") && pickle.has(keys(format).0) {
            return Ok(format);
        }
    }
    Err(Fault::file(path, "keys of the pickle")
        .got(pickle.keys().join(", "))
        .wanted("'data' with 'labels' (cifar10) or 'fine_labels' (cifar100)")
        .next("give one of the batches of CIFAR's python version")
        .unsupported())
}
