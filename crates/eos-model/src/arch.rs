//! Which network: the architecture and the shapes of what goes in and comes out.

use std::fmt;
use std::str::FromStr;

use eos_engine::{InputShape, ResNet, SimdPath};
use serde::{Deserialize, Serialize};

use crate::{HeadKind, ModelError};

/// Residual networks for small images, by depth.
///
/// Three stages of (depth − 2) / 6 basic blocks with 16, 32 and 64 channels (times
/// [`NetworkSpec::width_factor`]), then global average
/// pooling: the CIFAR networks of He et al. 2016, with parameter-free ("option A") shortcuts.
///
/// ```
/// use eos_model::Arch;
/// let arch: Arch = "resnet32".parse()?;
/// assert_eq!(arch.depth(), 32);
/// assert_eq!(arch.to_string(), "resnet32");
/// # Ok::<(), eos_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Arch {
    /// 3 blocks a stage.
    ResNet20,
    /// 5 blocks a stage: the network of the paper.
    ResNet32,
    /// 7 blocks a stage.
    ResNet44,
    /// 9 blocks a stage.
    ResNet56,
    /// 18 blocks a stage.
    ResNet110,
}

impl Arch {
    /// Every architecture, shallowest first.
    pub const ALL: [Self; 5] = [
        Self::ResNet20,
        Self::ResNet32,
        Self::ResNet44,
        Self::ResNet56,
        Self::ResNet110,
    ];

    /// The name that configurations and the command use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResNet20 => "resnet20",
            Self::ResNet32 => "resnet32",
            Self::ResNet44 => "resnet44",
            Self::ResNet56 => "resnet56",
            Self::ResNet110 => "resnet110",
        }
    }

    /// Weighted layers on the longest path: 6n + 2 for n blocks a stage.
    pub fn depth(self) -> usize {
        match self {
            Self::ResNet20 => 20,
            Self::ResNet32 => 32,
            Self::ResNet44 => 44,
            Self::ResNet56 => 56,
            Self::ResNet110 => 110,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Arch {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        Self::ALL
            .into_iter()
            .find(|arch| arch.name() == name)
            .ok_or_else(|| ModelError::UnknownArch {
                got: name.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}

/// Everything that fixes the shapes of a network's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The architecture.
    pub arch: Arch,
    /// Channels of an image.
    pub channels: usize,
    /// Rows of an image; divisible by 4.
    pub height: usize,
    /// Columns of an image; divisible by 4.
    pub width: usize,
    /// Classes, the length of the logits.
    pub classes: usize,
    /// Factor of the channels of every layer: 1 is the paper's network.
    #[serde(default = "one")]
    pub width_factor: usize,
    /// The head.
    #[serde(default)]
    pub head: HeadKind,
}

fn one() -> usize {
    1
}

impl NetworkSpec {
    /// A network of usual width with a linear head, for images of `[channels, height, width]`.
    pub const fn new(arch: Arch, [channels, height, width]: [usize; 3], classes: usize) -> Self {
        Self {
            arch,
            channels,
            height,
            width,
            classes,
            width_factor: 1,
            head: HeadKind::Linear,
        }
    }

    /// Values in one image: channels × height × width.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The backbone.
    pub(crate) fn engine(&self, path: SimdPath) -> Result<ResNet, ModelError> {
        let input = InputShape {
            channels: self.channels,
            height: self.height,
            width: self.width,
        };
        let (depth, factor) = (self.arch.depth(), self.width_factor);
        Ok(ResNet::wide(depth, factor, input, path)?)
    }

    /// Refuses shapes that no network can have.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let refuse = |field, got, wanted| Err(ModelError::Spec { field, got, wanted });
        if self.channels == 0 {
            return refuse("channels", self.channels, "1 or more");
        }
        for (field, got) in [("height", self.height), ("width", self.width)] {
            if got == 0 || got % 4 != 0 {
                return refuse(field, got, "a multiple of 4; resize or pad the images");
            }
        }
        if self.classes < 2 {
            return refuse("classes", self.classes, "2 or more");
        }
        Ok(())
    }
}

impl fmt::Display for NetworkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arch,
            channels,
            height,
            width,
            classes,
            width_factor,
            head,
        } = self;
        write!(f, "{arch}")?;
        if *width_factor != 1 {
            write!(f, " of {width_factor} times the width")?;
        }
        write!(
            f,
            " for {channels}×{height}×{width} images and {classes} classes"
        )?;
        match head {
            HeadKind::Linear => Ok(()),
            HeadKind::Normalised => write!(f, " with a normalised head"),
        }
    }
}
