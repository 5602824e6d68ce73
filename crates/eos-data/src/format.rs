//! The formats that are read, their names, and how one is recognised from content.

use crate::{
    error::{DataError, Fault},
    read::{cifar, locate, source::Source},
};
use serde::{Deserialize, Serialize};
use std::{fmt, path::Path, str::FromStr};

/// A file format of labelled data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// MNIST's IDX: a file of images and one of labels.
    Idx,
    /// CIFAR-10, the binary or the python version.
    Cifar10,
    /// CIFAR-100 by its 100 fine labels, the binary or the python version.
    Cifar100,
    /// SVHN's cropped digits in MAT version 5.
    Svhn,
    /// A folder of png and jpeg files, one subfolder a class.
    Folder,
    /// A pair of NumPy arrays.
    Npy,
    /// NumPy arrays in one zip.
    Npz,
}

impl Format {
    /// All formats, in the order in which messages list them.
    pub const ALL: [Self; 7] = [
        Self::Idx,
        Self::Cifar10,
        Self::Cifar100,
        Self::Svhn,
        Self::Folder,
        Self::Npy,
        Self::Npz,
    ];

    /// The name used in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idx => "idx",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Svhn => "svhn",
            Self::Folder => "folder",
            Self::Npy => "npy",
            Self::Npz => "npz",
        }
    }

    /// Recognises the format of a file from its first bytes and length (through gzip), or that of a
    /// folder from the files in it.
    ///
    /// # Errors
    /// [`DataError::Io`] where the path cannot be read, [`DataError::Unsupported`] where nothing fits.
    pub fn guess(path: &Path) -> Result<Self, DataError> {
        let about = std::fs::metadata(path).map_err(|error| DataError::reading(path, error))?;
        if about.is_dir() {
            locate::guess(path)
        } else {
            guess_file(path)
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| {
                Fault::argument("format", "name")
                    .got(format!("'{name}'"))
                    .wanted(list())
                    .next("name one of these, or none to let the content decide")
                    .request()
            })
    }
}

fn list() -> String {
    Format::ALL.map(Format::name).join("|")
}

/// Bytes looked at; more than a magic number, so that a pickle shows which keys it has.
const LOOK: u64 = 4096;

fn guess_file(path: &Path) -> Result<Format, DataError> {
    let head = Source::open(path)?.at_most(LOOK)?;
    if head.starts_with(b"\x93NUMPY") {
        return Ok(Format::Npy);
    }
    if head.starts_with(b"PK\x03\x04") {
        return Ok(Format::Npz);
    }
    if head.starts_with(&[0, 0, 8, 3]) {
        return Ok(Format::Idx);
    }
    if head.starts_with(b"MATLAB 5.0 MAT-file") {
        return Ok(Format::Svhn);
    }
    if head.starts_with(b"\x80") {
        return cifar::guess_pickle(path);
    }
    if let Some(format) = cifar::guess_records(path, &head)? {
        return Ok(format);
    }
    Err(unknown(path, &head))
}

fn unknown(path: &Path, head: &[u8]) -> DataError {
    let got = if head.is_empty() {
        "an empty file".to_owned()
    } else if head.starts_with(&[0, 0, 8, 1]) {
        "IDX labels".to_owned()
    } else if head.starts_with(b"\x89HDF") || head.starts_with(b"MATLAB 7.3") {
        "HDF5 (MATLAB 7.3)".to_owned()
    } else if image::guess_format(head).is_ok() {
        "a single image".to_owned()
    } else {
        let shown = &head[..head.len().min(8)];
        format!("a file that begins with {shown:02x?}")
    };
    let next = match got.as_str() {
        "IDX labels" => "give the path of the images; the labels are found beside them",
        "HDF5 (MATLAB 7.3)" => "save the file with MATLAB's -v7 or scipy.io.savemat",
        "a single image" => "give the folder that holds one subfolder a class",
        _ => "check that the file is whole, or name its format",
    };
    Fault::file(path, "format")
        .got(got)
        .wanted(list())
        .next(next)
        .unsupported()
}
