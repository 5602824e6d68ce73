//! Arguments that several commands share: embeddings from files, and a network with images.

use eos_data::{
    Embeddings, Format, ImageSet, Labels, Normalization, Part, ReadOptions, read_embeddings,
    read_images,
};
use eos_model::{Arch, Head, Network};
use eos_pipeline::{Checkpoint, Error};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows with labels, as a command is given them.
#[derive(clap::Args)]
pub struct Rows {
    /// Embeddings: an npy file of f32 or f64, a row each, or an npz with x and y
    // Not required by clap, which would require it of `eos eval` too; missed when it is read.
    #[arg(long, value_name = "FILE", required = false)]
    x: PathBuf,
    /// Labels of any integer type, bool or text; the file beside --x with y for x if absent
    #[arg(long, value_name = "FILE")]
    y: Option<PathBuf>,
}

impl Rows {
    /// Reads them, and says where precision was lost.
    pub fn read(&self) -> Result<Embeddings, Error> {
        read(&self.x, self.y.as_deref())
    }

    /// Reads them in the classes of a head.
    pub fn read_for(&self, head: &Head, classes: &Labels) -> Result<Embeddings, Error> {
        let rows = self.read()?.relabel(classes)?;
        same_dims(&self.x, &rows, head.dims, "the head takes")?;
        Ok(rows)
    }
}

/// Rows to measure on, in the classes of `train`.
pub fn read_test(x: &Path, y: Option<&Path>, train: &Embeddings) -> Result<Embeddings, Error> {
    let test = read(x, y)?.relabel(train.label_values())?;
    same_dims(x, &test, train.dims(), "the training rows have")?;
    Ok(test)
}

/// Refuses rows of another network than that of `dims` values, which `whose` has.
fn same_dims(x: &Path, rows: &Embeddings, dims: usize, whose: &str) -> Result<(), Error> {
    if rows.dims() == dims {
        return Ok(());
    }
    Err(Error::Request(format!(
        "{} has rows of {} values, {whose} {dims}; give embeddings of one network",
        x.display(),
        rows.dims(),
    )))
}

fn read(x: &Path, y: Option<&Path>) -> Result<Embeddings, Error> {
    let rows = read_embeddings(x, y)?;
    if rows.narrowed() {
        eprintln!("note: {} is float64, rounded to float32", x.display());
    }
    Ok(rows)
}

/// A trained network and how to read images for it.
#[derive(clap::Args)]
pub struct Trained {
    /// Safetensors with PyTorch's names, of eos or trained elsewhere
    // As `x` above.
    #[arg(long, value_name = "FILE", required = false)]
    checkpoint: PathBuf,
    /// resnet20, 32, 44, 56 or 110; found out from the checkpoint, checked where given
    #[arg(long)]
    arch: Option<Arch>,
    /// idx, cifar10, cifar100, svhn, folder, npy, npz; guessed from the content if absent
    #[arg(long)]
    format: Option<Format>,
    /// Height and width that a folder's images are resized to
    #[arg(long, num_args = 2, value_names = ["HEIGHT", "WIDTH"])]
    size: Option<Vec<usize>>,
    /// Mean of each channel, of pixels / 255; the checkpoint's, else the format's if absent
    #[arg(long, value_delimiter = ',', requires = "deviation")]
    mean: Option<Vec<f32>>,
    /// Deviation of each channel
    #[arg(long, value_delimiter = ',', requires = "mean")]
    deviation: Option<Vec<f32>>,
}

/// A network with images that it takes.
pub struct Ready {
    /// The network.
    pub network: Network,
    /// The images.
    pub images: Arc<ImageSet>,
    /// What makes values of their bytes.
    pub normalization: Normalization,
}

impl Trained {
    /// Reads the network and the images.
    pub fn read(&self, path: &Path, part: Part) -> Result<Ready, Error> {
        let checkpoint = Checkpoint::open(&self.checkpoint)?;
        let format = match self.format {
            Some(format) => format,
            None => Format::guess(path)?,
        };
        let options = ReadOptions {
            format: Some(format),
            part,
            size: self.size.as_ref().map(|size| [size[0], size[1]]),
            classes: checkpoint.classes().map(<[String]>::to_vec),
            ..ReadOptions::default()
        };
        let images = read_images(path, &options)?;
        let network = checkpoint.network(self.arch, images.shape())?;
        let given = self.mean.clone().zip(self.deviation.clone());
        let given = given.map(|(mean, deviation)| Normalization { mean, deviation });
        let normalization = checkpoint.normalization(given, format)?;
        normalization.check(images.shape().channels)?;
        let classes = network.spec().classes;
        if images.classes().len() > classes {
            return Err(Error::Request(format!(
                "{} has {} classes, the network of {} tells {classes} apart; give data of the \
                 classes that it was trained on",
                path.display(),
                images.classes().len(),
                self.checkpoint.display()
            )));
        }
        Ok(Ready {
            network,
            images: Arc::new(images),
            normalization,
        })
    }
}
