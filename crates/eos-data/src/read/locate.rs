//! Which files of a data set's folder hold which part of it.

use crate::{
    Format, Part,
    error::{DataError, Fault},
    read::folder,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of `part` in `folder`, as the format's own distribution names them.
pub(crate) fn files(format: Format, folder: &Path, part: Part) -> Result<Vec<PathBuf>, DataError> {
    find(format, folder, part)?.ok_or_else(|| {
        Fault::file(folder, format!("{} files of format {format}", part.word()))
            .got("none")
            .wanted(customary(format, part))
            .next("rename the files, or give the path of the file itself")
            .request()
    })
}

/// The format whose files lie in `folder`.
pub(crate) fn guess(folder: &Path) -> Result<Format, DataError> {
    for format in [Format::Cifar10, Format::Cifar100, Format::Svhn, Format::Idx] {
        for part in [Part::Train, Part::Test] {
            // A folder with an incomplete set is still of that format; reading it says what is missing.
            if !matches!(find(format, folder, part), Ok(None)) {
                return Ok(format);
            }
        }
    }
    if folder::looks_like_classes(folder)? {
        return Ok(Format::Folder);
    }
    Err(Fault::file(folder, "format")
        .got("a folder without files of a known data set and without subfolders of images")
        .wanted("CIFAR batches, IDX or MAT files, or one subfolder of png or jpeg files a class")
        .next("give the folder that holds them, or the path of a single file")
        .unsupported())
}

fn find(format: Format, folder: &Path, part: Part) -> Result<Option<Vec<PathBuf>>, DataError> {
    match format {
        Format::Cifar10 => cifar10(folder, part),
        Format::Cifar100 => Ok(cifar100(folder, part)),
        Format::Svhn => single(folder, part, &[""], |name| {
            name.ends_with(".mat") || name.ends_with(".mat.gz")
        }),
        Format::Idx => single(
            folder,
            part,
            &["", "raw", "FashionMNIST/raw", "MNIST/raw", "KMNIST/raw"],
            |name| name.contains("images") && name.contains("idx3"),
        ),
        Format::Folder | Format::Npy | Format::Npz => Ok(None),
    }
}

fn customary(format: Format, part: Part) -> &'static str {
    match (format, part) {
        (Format::Cifar10, Part::Train) => "data_batch_1 to data_batch_5, with .bin or without",
        (Format::Cifar10, Part::Test) => "test_batch.bin or test_batch",
        (Format::Cifar100, Part::Train) => "train.bin or train",
        (Format::Cifar100, Part::Test) => "test.bin or test",
        (Format::Svhn, Part::Train) => "train_32x32.mat",
        (Format::Svhn, Part::Test) => "test_32x32.mat",
        (Format::Idx, Part::Train) => "train-images-idx3-ubyte, .gz or not",
        (Format::Idx, Part::Test) => "t10k-images-idx3-ubyte, .gz or not",
        (Format::Folder | Format::Npy | Format::Npz, _) => "a single file",
    }
}

fn cifar10(folder: &Path, part: Part) -> Result<Option<Vec<PathBuf>>, DataError> {
    let stems: &[&str] = match part {
        Part::Train => &[
            "data_batch_1",
            "data_batch_2",
            "data_batch_3",
            "data_batch_4",
            "data_batch_5",
        ],
        Part::Test => &["test_batch"],
    };
    for base in ["", "cifar-10-batches-bin", "cifar-10-batches-py"] {
        let base = folder.join(base);
        let found: Vec<_> = stems.iter().map(|stem| batch(&base, stem)).collect();
        if found.iter().all(Option::is_none) {
            continue;
        }
        if let Some(missing) = found.iter().position(Option::is_none) {
            return Err(Fault::file(&base, stems[missing])
                .got("no such file, but others of the set")
                .wanted(customary(Format::Cifar10, part))
                .next("fetch the missing file, or give the path of a single one")
                .damaged());
        }
        return Ok(Some(found.into_iter().flatten().collect()));
    }
    Ok(None)
}

fn cifar100(folder: &Path, part: Part) -> Option<Vec<PathBuf>> {
    let stem = match part {
        Part::Train => "train",
        Part::Test => "test",
    };
    ["", "cifar-100-binary", "cifar-100-python"]
        .iter()
        .find_map(|base| batch(&folder.join(base), stem))
        .map(|file| vec![file])
}

/// `stem` in the binary or python version, compressed or not.
fn batch(folder: &Path, stem: &str) -> Option<PathBuf> {
    ["bin", "", "bin.gz", "gz"]
        .iter()
        .map(|ending| match *ending {
            "" => folder.join(stem),
            ending => folder.join(format!("{stem}.{ending}")),
        })
        .find(|path| path.is_file())
}

/// The one file of `part` among those whose name fits.
fn single(
    folder: &Path,
    part: Part,
    bases: &[&str],
    fits: impl Fn(&str) -> bool,
) -> Result<Option<Vec<PathBuf>>, DataError> {
    let of_part = |name: &str| match part {
        Part::Train => name.contains("train"),
        Part::Test => name.contains("t10k") || name.contains("test"),
    };
    for base in bases {
        let base = folder.join(base);
        if !base.is_dir() {
            continue;
        }
        let mut names = names(&base)?;
        names.retain(|name| fits(name) && of_part(name));
        // The same file plain and compressed is one file.
        let plain = names.clone();
        names.retain(|name| {
            name.strip_suffix(".gz")
                .is_none_or(|stem| !plain.iter().any(|other| other == stem))
        });
        match names.as_slice() {
            [] => {}
            [name] => return Ok(Some(vec![base.join(name)])),
            several => {
                return Err(Fault::file(&base, format!("{} files", part.word()))
                    .got(several.join(", "))
                    .wanted("one file")
                    .next("give the path of the file that is meant")
                    .request());
            }
        }
    }
    Ok(None)
}

/// Names of the entries of a folder, sorted by their bytes; hidden ones are left out.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, DataError> {
    let failed = |error| DataError::reading(folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.into_string().map_err(|name| {
            Fault::file(folder, "file name")
                .got(format!("{name:?}"))
                .wanted("a name in UTF-8")
                .next("rename the file")
                .unsupported()
        })?;
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
