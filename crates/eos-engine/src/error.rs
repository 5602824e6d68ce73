//! What can go wrong, with what to do about it.

use crate::SimdPath;

/// Why the engine refused its input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The depth is not of the form 6n + 2.
    #[error(
        "no residual network has depth {depth}: want 6n + 2 with n at least 1 (20, 32, 44, 56, 110)"
    )]
    Depth {
        /// The depth asked for.
        depth: usize,
    },
    /// The factor of the width is 0 or too large.
    #[error("no residual network is {factor} times as wide: want a factor from 1 to {most}")]
    Width {
        /// The factor asked for.
        factor: usize,
        /// The largest there is.
        most: usize,
    },
    /// The image has no channels, or a side is zero or no multiple of four.
    #[error(
        "images of {channels} x {height} x {width} do not fit: want at least one channel, and a \
         height and width that are positive multiples of 4; crop, pad or resize them"
    )]
    Input {
        /// Channels of the image.
        channels: usize,
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// This machine cannot run the instruction path asked for.
    #[error(
        "this machine cannot run the {path} path; it can run {}: set EOS_SIMD to one of these, or \
         unset it to have the fastest chosen", names(.available)
    )]
    UnsupportedPath {
        /// The path asked for.
        path: SimdPath,
        /// The paths this machine can run.
        available: Vec<SimdPath>,
    },
    /// The name is none of an instruction path's.
    #[error("EOS_SIMD is '{name}': want avx512vnni, avx512, avx2 or portable, or unset it")]
    UnknownPath {
        /// The name that was given.
        name: String,
    },
    /// A batch without images.
    #[error("the batch holds no images: want at least one")]
    EmptyBatch,
    /// Batch statistics over a single value have no variance.
    #[error(
        "{norm} would see one value per channel, which has no variance: train with at least two \
         images a batch, or larger ones"
    )]
    OneValue {
        /// The first normalization that would see one value only.
        norm: String,
    },
    /// A slice is not as long as its shape says.
    #[error("{what} has {got} values, want {want} ({shape})")]
    Length {
        /// Which slice, by name.
        what: String,
        /// Its length.
        got: usize,
        /// The length that its shape asks for.
        want: usize,
        /// The shape, written out.
        shape: String,
    },
    /// One entry a layer is wanted, in the order of [`ResNet::layers`](crate::ResNet::layers).
    #[error("{what} were given for {got} layers, this network has {want}")]
    LayerCount {
        /// What was given by layer.
        what: &'static str,
        /// How many were given.
        got: usize,
        /// How many layers the network has.
        want: usize,
    },
    /// A batch's images have no channel, row or column, or too many values to be counted.
    #[error(
        "images of {channels} x {height} x {width} make no batch: want at least one channel, row and \
         column, and at most 2^32 values an image"
    )]
    BatchShape {
        /// Channels of an image.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// A sequence without blocks.
    #[error("the sequence has no blocks: want at least one")]
    NoBlocks,
    /// A block of a sequence that cannot be, or cannot stand where it does.
    #[error("block {index} ({block}) {got}: want {want}")]
    Block {
        /// Its place in the sequence, from 0.
        index: usize,
        /// Which block it is.
        block: &'static str,
        /// What it has or gets.
        got: String,
        /// What would do.
        want: String,
    },
    /// A batch of other images, or of another number of them, than a sequence takes.
    #[error("{what} is {got}, want {want}")]
    Batch {
        /// Which batch.
        what: &'static str,
        /// Its size.
        got: String,
        /// The size that would fit.
        want: String,
    },
    /// One slice a name is wanted, in the order of
    /// [`Sequence::parameters`](crate::blocks::Sequence::parameters) or
    /// [`Sequence::running`](crate::blocks::Sequence::running).
    #[error("{got} {what} were given, this sequence has {want}")]
    Count {
        /// What was given.
        what: &'static str,
        /// How many were given.
        got: usize,
        /// How many the sequence has.
        want: usize,
    },
    /// The saved activations belong to a network of another shape.
    #[error(
        "the saved activations come from another network: pass those that this network's forward \
         returned"
    )]
    ForeignSaved,
}

fn names(paths: &[SimdPath]) -> String {
    let names: Vec<_> = paths.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Checks a slice's length against the product of its shape.
pub(crate) fn check_length(
    what: impl FnOnce() -> String,
    got: usize,
    shape: &[usize],
) -> Result<(), Error> {
    // A product that overflows is no length a slice can have, so it saturates and is refused below.
    let want = shape.iter().fold(1usize, |a, &b| a.saturating_mul(b));
    if got == want {
        return Ok(());
    }
    let sides: Vec<_> = shape.iter().map(ToString::to_string).collect();
    Err(Error::Length {
        what: what(),
        got,
        want,
        shape: sides.join(" x "),
    })
}
