//! What a reader is told besides the path.

use crate::Format;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which part of a data set's folder is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The images to train on.
    #[default]
    Train,
    /// The images held back for the end.
    Test,
}

impl Part {
    /// "training" or "test", for messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }
}

/// How to read images. The default guesses the format and reads the training part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// The format; guessed from the content where absent.
    pub format: Option<Format>,
    /// The part of a folder; a single file is read as it is.
    pub part: Part,
    /// Height and width to which the images of a folder are resized (bilinear, antialiased). Without
    /// it, images of differing size are refused.
    pub size: Option<[usize; 2]>,
    /// 1 (grey) or 3 (RGB) to convert the images of a folder; without it, grey where all are grey.
    pub channels: Option<usize>,
    /// The file of labels, where the format keeps them apart (IDX, npy); derived from the name of the
    /// images' file where absent.
    pub labels: Option<PathBuf>,
    /// Class names of the training set, so that a test set's labels mean the same: a folder's
    /// subfolders are matched by name, other labels are checked against the number of classes.
    pub classes: Option<Vec<String>>,
}
