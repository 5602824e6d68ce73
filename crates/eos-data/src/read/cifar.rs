//! CIFAR-10 and CIFAR-100: records of label bytes and 3 × 32 × 32 pixels, or pickles of the same.
//!
//! Source: the descriptions at the CIFAR page, Krizhevsky 2009.

use super::{Raw, cifar_names, cifar_python, source::Source};
use crate::{
    Format, ImageShape,
    error::{DataError, Fault},
};
use std::path::{Path, PathBuf};

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 32,
    width: 32,
};
const PIXELS: usize = 3 * 32 * 32;

/// How one of the two sets is laid out.
#[derive(Debug)]
pub(crate) struct Layout {
    format: Format,
    /// Largest label + 1 of each label byte of a record; the last byte is the class.
    label_bytes: &'static [u8],
    names: &'static [&'static str],
    /// Files beside the data that name the classes.
    names_file: &'static str,
}

pub(crate) const CIFAR10: Layout = Layout {
    format: Format::Cifar10,
    label_bytes: &[10],
    names: &cifar_names::CIFAR10,
    names_file: "batches.meta.txt",
};

pub(crate) const CIFAR100: Layout = Layout {
    format: Format::Cifar100,
    // The coarse label comes first.
    label_bytes: &[20, 100],
    names: &cifar_names::CIFAR100,
    names_file: "fine_label_names.txt",
};

impl Layout {
    fn record(&self) -> usize {
        self.label_bytes.len() + PIXELS
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn classes(&self) -> u32 {
        self.names.len() as u32
    }
}

/// Reads the batches one after the other.
pub(crate) fn read(layout: &Layout, files: &[PathBuf]) -> Result<Raw, DataError> {
    let mut raw = Raw {
        shape: SHAPE,
        pixels: Vec::new(),
        labels: Vec::new(),
        classes: None,
        labels_path: None,
    };
    for file in files {
        if is_pickle(file)? {
            cifar_python::read_batch(layout, file, &mut raw)?;
        } else {
            read_records(layout, file, &mut raw)?;
        }
    }
    raw.classes = Some(names(layout, &files[0])?);
    Ok(raw)
}

fn is_pickle(path: &Path) -> Result<bool, DataError> {
    // A pickle begins with its protocol; as a label, 0x80 would be out of range.
    Ok(Source::open(path)?.at_most(1)? == [0x80])
}

fn read_records(layout: &Layout, path: &Path, raw: &mut Raw) -> Result<(), DataError> {
    let mut source = Source::open(path)?;
    let mut record = vec![0; layout.record()];
    let begin = raw.labels.len();
    loop {
        let number = raw.labels.len() - begin;
        match source.fill(&mut record)? {
            0 if number > 0 => return Ok(()),
            filled if filled == record.len() => {}
            filled => return Err(cut_short(layout, path, number, filled)),
        }
        let (labels, pixels) = record.split_at(layout.label_bytes.len());
        raw.labels.push(class(layout, path, number, labels)?);
        raw.pixels.extend_from_slice(pixels);
    }
}

/// The class of a record: its last label. All of its labels must be in range.
fn class(layout: &Layout, path: &Path, number: usize, labels: &[u8]) -> Result<u32, DataError> {
    let wrong = labels
        .iter()
        .zip(layout.label_bytes)
        .find(|(l, end)| l >= end);
    match wrong {
        None => Ok(u32::from(labels[labels.len() - 1])),
        Some((label, end)) => Err(label_out_of_range(
            path,
            number,
            i64::from(*label),
            u32::from(*end),
        )),
    }
}

pub(super) fn label_out_of_range(path: &Path, number: usize, label: i64, end: u32) -> DataError {
    Fault::file(path, format!("label of image {number}"))
        .got(label.to_string())
        .wanted(format!("0 to {}", end - 1))
        .next("check that the file has the format that was named or guessed, and fetch it again")
        .value()
}

fn cut_short(layout: &Layout, path: &Path, number: usize, filled: usize) -> DataError {
    let record = layout.record();
    let fault = Fault::file(path, format!("record {number}")).wanted(format!(
        "records of {record} bytes ({} of labels, {PIXELS} of pixels)",
        layout.label_bytes.len()
    ));
    match filled {
        0 => fault.got("an empty file"),
        filled => fault.got(format!("{filled} bytes before the end of the file")),
    }
    .next(format!(
        "the file is cut short or not of format {}: fetch it again or name its format",
        layout.format
    ))
    .damaged()
}

/// Class names beside the data, where the distribution's file is there, else the official ones.
fn names(layout: &Layout, file: &Path) -> Result<Vec<String>, DataError> {
    let path = file.with_file_name(layout.names_file);
    let names: Vec<String> = if path.is_file() {
        let text = String::from_utf8_lossy(&Source::open(&path)?.rest("names")?).into_owned();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    } else if let Some(names) = cifar_python::names(layout, file)? {
        names
    } else {
        layout.names.iter().map(|name| (*name).to_owned()).collect()
    };
    if names.len() == layout.names.len() {
        return Ok(names);
    }
    Err(Fault::file(file, "class names beside it")
        .got(format!("{} names", names.len()))
        .wanted(format!("{}", layout.names.len()))
        .next("correct the file of names, or move it away to use the official ones")
        .damaged())
}

/// CIFAR-10 or CIFAR-100, by the keys of a pickle's beginning.
pub(crate) fn guess_pickle(path: &Path) -> Result<Format, DataError> {
    let bytes = Source::open(path)?.rest("pickle")?;
    cifar_python::guess(path, &bytes)
}

/// CIFAR-10 or CIFAR-100, by the length of a binary file and the labels in its `head`.
pub(crate) fn guess_records(path: &Path, head: &[u8]) -> Result<Option<Format>, DataError> {
    let length = Source::open(path)?.length()?;
    let fits = |layout: &Layout| {
        let records = head
            .chunks(layout.record())
            .filter(|r| r.len() >= layout.label_bytes.len());
        length > 0
            && length.is_multiple_of(layout.record() as u64)
            && records
                .flat_map(|r| r.iter().zip(layout.label_bytes))
                .all(|(l, end)| l < end)
    };
    for layout in [&CIFAR10, &CIFAR100] {
        if fits(layout) {
            return Ok(Some(layout.format));
        }
    }
    let name = path.to_string_lossy();
    if !name.ends_with(".bin") && !name.ends_with(".bin.gz") {
        return Ok(None);
    }
    Err(Fault::file(path, "length or labels")
        .got(format!("{length} bytes"))
        .wanted(format!(
            "a whole number of records with labels in range: {} bytes each for cifar10, {} for cifar100",
            CIFAR10.record(),
            CIFAR100.record()
        ))
        .next("the file may be cut short: fetch it again")
        .damaged())
}
