//! Readers of images, one module a format, behind [`read_images`].

pub(crate) mod arrays;
pub(crate) mod cifar;
mod cifar_names;
mod cifar_python;
pub(crate) mod folder;
pub(crate) mod idx;
pub(crate) mod locate;
mod mat5;
mod pickle;
pub(crate) mod source;
mod svhn;

use crate::{
    Format, ImageSet, ImageShape, ReadOptions,
    error::{DataError, Fault},
};
use source::Source;
use std::path::{Path, PathBuf};

/// Reads labelled images from a file, or from a folder in the layout of its format.
///
/// | format | a folder | a file |
/// |---|---|---|
/// | idx | `train-images-idx3-ubyte`, `t10k-…` | the images; the labels beside them or given |
/// | cifar10 | `data_batch_1` … `5`, `test_batch`, `.bin` or python | one batch |
/// | cifar100 | `train`, `test`, `.bin` or python | the same |
/// | svhn | `train_32x32.mat`, `test_32x32.mat` | a MAT version 5 with X and y |
/// | folder | one subfolder a class, in `train/` and `test/` where these exist | – |
/// | npy | – | `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]` bytes, labels `[N]` beside them |
/// | npz | – | the same as arrays `x` and `y`, or `x_train`, `train_images` and the like |
///
/// Files may be gzipped. Where a folder holds the data set as its distribution unpacks
/// (`cifar-10-batches-py` and the like), its parent will do.
///
/// # Errors
/// See [`DataError`]; every message names the file and what to do.
pub fn read_images(path: &Path, options: &ReadOptions) -> Result<ImageSet, DataError> {
    let about = std::fs::metadata(path).map_err(|error| DataError::reading(path, error))?;
    let format = match options.format {
        Some(format) => format,
        None => Format::guess(path)?,
    };
    let files = match format {
        Format::Folder => vec![path.to_owned()],
        _ if about.is_dir() => locate::files(format, path, options.part)?,
        _ => vec![path.to_owned()],
    };
    let raw = match format {
        Format::Idx => read_idx(&files[0], options)?,
        Format::Cifar10 => cifar::read(&cifar::CIFAR10, &files)?,
        Format::Cifar100 => cifar::read(&cifar::CIFAR100, &files)?,
        Format::Svhn => svhn::read(&files[0])?,
        Format::Folder => folder::read(path, options)?,
        Format::Npy => arrays::read_npy(&files[0], options)?,
        Format::Npz => arrays::read_npz(&files[0], options)?,
    };
    raw.finish(&files, options)
}

fn read_idx(path: &Path, options: &ReadOptions) -> Result<Raw, DataError> {
    let labels_path = match &options.labels {
        Some(path) => path.clone(),
        None => idx::labels_path(path)?,
    };
    let images = idx::images(Source::open(path)?)?;
    let labels = idx::labels(Source::open(&labels_path)?)?;
    Ok(Raw {
        shape: ImageShape {
            channels: 1,
            height: images.height,
            width: images.width,
        },
        pixels: images.pixels,
        labels: labels.into_iter().map(u32::from).collect(),
        classes: None,
        labels_path: Some(labels_path),
    })
}

/// Images as a reader found them; classes are named where the format names them.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) shape: ImageShape,
    /// `[N, C, H, W]`
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<u32>,
    pub(crate) classes: Option<Vec<String>>,
    /// The file of the labels, where it is another one than that of the images.
    pub(crate) labels_path: Option<PathBuf>,
}

impl Raw {
    /// Compares images with labels and labels with classes, naming the file at fault.
    fn finish(self, files: &[PathBuf], options: &ReadOptions) -> Result<ImageSet, DataError> {
        let place = self.labels_path.as_deref().unwrap_or(&files[0]);
        let images = self.pixels.len() / self.shape.pixels().max(1);
        if images != self.labels.len() {
            return Err(Fault::file(place, "number of labels")
                .got(self.labels.len().to_string())
                .wanted(format!(
                    "{images}, one for each image of {}",
                    files[0].display()
                ))
                .next("give the labels that belong to these images")
                .shape());
        }
        let classes = classes(place, &self.labels, self.classes, options)?;
        if let Some(row) = self
            .labels
            .iter()
            .position(|l| *l as usize >= classes.len())
        {
            return Err(Fault::file(place, format!("label of image {row}"))
                .got(self.labels[row].to_string())
                .wanted(format!("0 to {}", classes.len() - 1))
                .next("correct the label, or check that the file has this format")
                .value());
        }
        ImageSet::new(self.shape, self.pixels, self.labels, classes)
    }
}

/// Class names: those of the training set where given, else the format's own, else the numbers.
fn classes(
    place: &Path,
    labels: &[u32],
    own: Option<Vec<String>>,
    options: &ReadOptions,
) -> Result<Vec<String>, DataError> {
    match (&options.classes, own) {
        (Some(given), Some(own)) if given.len() != own.len() => {
            Err(Fault::file(place, "number of classes")
                .got(own.len().to_string())
                .wanted(format!("the {} of the training set", given.len()))
                .next("use a test set with the same classes")
                .request())
        }
        (Some(given), _) => Ok(given.clone()),
        (None, Some(own)) => Ok(own),
        (None, None) => {
            let most = labels.iter().copied().max().unwrap_or(0);
            Ok((0..=most).map(|label| label.to_string()).collect())
        }
    }
}
