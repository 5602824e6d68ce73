//! A trained network's file, with what its images must go through before it understands them, and a
//! head's own file.

use crate::Error;
use eos_data::{Format, ImageShape, Labels, Normalization};
use eos_model::{Arch, Head, Loss, Network, NetworkSpec};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What stands in the note of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The network.
    pub spec: NetworkSpec,
    /// Class names, `[C]`.
    pub classes: Vec<String>,
    /// Mean and deviation of each channel.
    pub normalization: Normalization,
    /// What it was trained by.
    pub loss: Loss,
}

impl About {
    /// The checkpoint of a network: safetensors with PyTorch's names and this note.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn checkpoint(&self, network: &Network) -> Result<Vec<u8>, Error> {
        let note = serde_json::to_string(self).expect("names and numbers are JSON");
        Ok(network.to_safetensors_with_note(&note)?)
    }
}

/// What stands in the note of a head's own file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutHead {
    /// Labels of its classes, `[C]`.
    classes: Vec<String>,
}

/// A head's own file: `linear.weight`, `linear.bias`, and a note with the labels of its classes.
///
/// # Errors
/// [`Error::Model`].
pub fn head_checkpoint(head: &Head, classes: &[String]) -> Result<Vec<u8>, Error> {
    let about = AboutHead {
        classes: classes.to_vec(),
    };
    let note = serde_json::to_string(&about).expect("names are JSON");
    Ok(head.to_safetensors_with_note(&note)?)
}

/// A head from its own file or a network's, and the labels of its classes: 0 to C − 1 where the file
/// does not tell them.
///
/// # Errors
/// [`Error::Io`], and [`Error::Request`] where the file holds no head.
pub fn read_head(path: &Path) -> Result<(Head, Labels), Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::reading(path, e))?;
    let named = |e| Error::Request(format!("{}: {e}", path.display()));
    let head = Head::from_safetensors(&bytes).map_err(named)?;
    let note = eos_model::note(&bytes).map_err(named)?;
    // A network's note, or one of another program, is none of a head's.
    let about: Option<AboutHead> = note.and_then(|note| serde_json::from_str(&note).ok());
    let about = about.filter(|about| about.classes.len() == head.classes);
    let labels = match about {
        Some(about) => Labels::text(&about.classes),
        None => Labels::indices(head.classes),
    };
    Ok((head, labels))
}

/// A checkpoint that was opened: one of ours, or one trained elsewhere.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    bytes: Vec<u8>,
    about: Option<About>,
}

impl Checkpoint {
    /// Opens a file of safetensors with PyTorch's names.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Model`] where it is no such file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let note = eos_model::note(&bytes)
            .map_err(|e| Error::Request(format!("{}: {e}", path.display())))?;
        // Another program may use the same key: a note that is none of ours is no fault.
        let about = note.and_then(|note| serde_json::from_str(&note).ok());
        Ok(Self {
            path: path.to_owned(),
            bytes,
            about,
        })
    }

    /// Class names, where the file tells them.
    pub fn classes(&self) -> Option<&[String]> {
        self.about.as_ref().map(|about| about.classes.as_slice())
    }

    /// The network, for images of `shape`; `arch` is checked where it is given.
    ///
    /// # Errors
    /// [`Error::Request`] where the network is another or takes other images; [`Error::Model`].
    pub fn network(&self, arch: Option<Arch>, shape: ImageShape) -> Result<Network, Error> {
        let place = self.path.display();
        let named = |error| Error::Request(format!("{place}: {error}"));
        let spec = match &self.about {
            Some(about) => about.spec,
            None => NetworkSpec::infer(&self.bytes, shape.height, shape.width).map_err(named)?,
        };
        if let Some(arch) = arch.filter(|arch| *arch != spec.arch) {
            return Err(Error::Request(format!(
                "{place} holds a {}, wanted {arch}; give --arch {} or another checkpoint",
                spec.arch, spec.arch
            )));
        }
        let takes = ImageShape {
            channels: spec.channels,
            height: spec.height,
            width: spec.width,
        };
        if takes != shape {
            return Err(Error::Request(format!(
                "{place} takes images of {takes}, these are {shape}; give images like those that \
                 it was trained on"
            )));
        }
        Network::from_safetensors(&self.bytes, spec).map_err(named)
    }

    /// The normalization: `given`, else the file's, else the constants of the data's format.
    ///
    /// # Errors
    /// [`Error::Request`] where nothing tells it.
    pub fn normalization(
        &self,
        given: Option<Normalization>,
        format: Format,
    ) -> Result<Normalization, Error> {
        let own = || self.about.as_ref().map(|about| about.normalization.clone());
        given
            .or_else(own)
            .or_else(|| Normalization::for_format(format))
            .ok_or_else(|| {
                Error::Request(format!(
                    "{} does not say how its images were normalized, and format {format} has no \
                     usual constants; give --mean and --deviation, one value a channel",
                    self.path.display()
                ))
            })
    }
}
