//! MNIST's IDX: big-endian magic `00 00 08 dims`, one u32 a dimension, then unsigned bytes.
//!
//! Source: the format's description at the MNIST database, LeCun, Cortes and Burges.

use super::source::Source;
use crate::error::{DataError, Fault};
use std::path::{Path, PathBuf};

const IMAGES: [u8; 4] = [0, 0, 8, 3];
const LABELS: [u8; 4] = [0, 0, 8, 1];

/// The grey images of one file.
#[derive(Debug)]
pub(crate) struct Images {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// `[N, H, W]`
    pub(crate) pixels: Vec<u8>,
}

pub(crate) fn images(mut source: Source<'_>) -> Result<Images, DataError> {
    magic(&mut source, IMAGES, "images")?;
    let count = size(&mut source, "number of images")?;
    let height = size(&mut source, "height")?;
    let width = size(&mut source, "width")?;
    // Three factors below 2³² overflow u64, so the product is checked.
    let bytes = u64::from(count)
        .checked_mul(u64::from(height))
        .and_then(|bytes| bytes.checked_mul(u64::from(width)))
        .unwrap_or(u64::MAX);
    let declared = format!("{count} images of {height} × {width}");
    let pixels = source.exactly(&declared, bytes)?;
    source.end(&declared)?;
    Ok(Images {
        height: height as usize,
        width: width as usize,
        pixels,
    })
}

pub(crate) fn labels(mut source: Source<'_>) -> Result<Vec<u8>, DataError> {
    magic(&mut source, LABELS, "labels")?;
    let count = size(&mut source, "number of labels")?;
    let declared = format!("{count} labels");
    let labels = source.exactly(&declared, u64::from(count))?;
    source.end(&declared)?;
    Ok(labels)
}

/// Where the labels of `images` lie: `train-images-idx3-ubyte.gz` → `train-labels-idx1-ubyte.gz`,
/// plain or compressed like the images or not.
pub(crate) fn labels_path(images: &Path) -> Result<PathBuf, DataError> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let derived = name.replace("images", "labels").replace("idx3", "idx1");
    if derived == name {
        return Err(Fault::file(images, "labels")
            .got("no path, and a name without 'images' to derive one from")
            .wanted("the path of the labels")
            .next("give the labels' path, or name the files …-images-idx3-ubyte and …-labels-idx1-ubyte")
            .request());
    }
    let same = images.with_file_name(&derived);
    let other = match derived.strip_suffix(".gz") {
        Some(plain) => images.with_file_name(plain),
        None => images.with_file_name(format!("{derived}.gz")),
    };
    Ok(if !same.exists() && other.exists() {
        other
    } else {
        same
    })
}

fn magic(source: &mut Source<'_>, wanted: [u8; 4], what: &str) -> Result<(), DataError> {
    let got: [u8; 4] = source.array("magic number")?;
    if got == wanted {
        return Ok(());
    }
    let fault = Fault::file(source.path(), "magic number").wanted(format!(
        "{wanted:02x?}, unsigned bytes in {} dimensions: {what}",
        wanted[3]
    ));
    Err(match got {
        IMAGES => fault
            .got("that of images")
            .next("give the file of labels here")
            .damaged(),
        LABELS => fault
            .got("that of labels")
            .next("give the file of images here")
            .damaged(),
        [0, 0, 8..=14, 1..=8] => fault
            .got(format!("{got:02x?}"))
            .next("convert the array to unsigned bytes [N, H, W] with labels [N]")
            .unsupported(),
        _ => fault
            .got(format!("{got:02x?}"))
            .next("check that this is an IDX file and that it is whole")
            .damaged(),
    })
}

fn size(source: &mut Source<'_>, field: &str) -> Result<u32, DataError> {
    let size = u32::from_be_bytes(source.array(field)?);
    if size == 0 {
        return Err(Fault::file(source.path(), field)
            .got("0")
            .wanted("at least 1")
            .next("check how the file was written")
            .damaged());
    }
    Ok(size)
}
