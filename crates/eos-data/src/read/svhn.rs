//! SVHN's cropped digits: X, unsigned bytes [H, W, C, N], and y, where 10 stands for the digit 0.
//!
//! Source: the data set's page, Netzer et al. 2011.

use super::{
    Raw,
    mat5::{self, Array, Storage},
};
use crate::{
    ImageShape,
    error::{DataError, Fault},
    npy::bytes::Bytes,
};
use std::path::Path;

pub(crate) fn read(path: &Path) -> Result<Raw, DataError> {
    let arrays = mat5::arrays(path, &Bytes::load(path)?)?;
    let find = |name: &str| {
        arrays
            .iter()
            .find(|array| array.name == name)
            .ok_or_else(|| {
                let there: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
                Fault::file(path, "arrays")
                    .got(there.join(", "))
                    .wanted("X and y")
                    .next("give one of SVHN's cropped-digit files, such as train_32x32.mat")
                    .damaged()
            })
    };
    let (shape, pixels) = images(path, find("X")?)?;
    Ok(Raw {
        shape,
        pixels,
        labels: labels(path, find("y")?)?,
        classes: Some((0..10).map(|digit| digit.to_string()).collect()),
        labels_path: None,
    })
}

/// `[N, C, H, W]` from MATLAB's order, in which the row of the image varies fastest.
fn images(path: &Path, x: &Array) -> Result<(ImageShape, Vec<u8>), DataError> {
    // MATLAB drops a last dimension of one.
    let (height, width, channels) = match (x.storage, &x.dims[..]) {
        (Storage::U8, [h, w, c, n]) if h * w * c * n > 0 => (*h, *w, *c),
        (Storage::U8, [h, w, c]) if h * w * c > 0 => (*h, *w, *c),
        _ => {
            return Err(Fault::file(path, "array 'X'")
                .got(format!("dimensions {:?} of {:?}", x.dims, x.storage))
                .wanted("unsigned bytes [H, W, C, N] with at least one image")
                .next("give one of SVHN's cropped-digit files")
                .shape());
        }
    };
    // Their product is the length of a slice.
    let (height, width) = (height as usize, width as usize);
    let mut pixels = Vec::with_capacity(x.bytes.len());
    for plane in x.bytes.chunks_exact(height * width) {
        for y in 0..height {
            pixels.extend(plane.iter().skip(y).step_by(height));
        }
    }
    let shape = ImageShape {
        channels: channels as usize,
        height,
        width,
    };
    Ok((shape, pixels))
}

fn labels(path: &Path, y: &Array) -> Result<Vec<u32>, DataError> {
    let wrong = |image: usize, got: String| {
        Fault::file(path, format!("label of image {image}"))
            .got(got)
            .wanted("1 to 9, or 10 for the digit 0")
            .next("give one of SVHN's cropped-digit files")
            .value()
    };
    let values = y
        .integers()
        .map_err(|(at, value)| wrong(at, value.to_string()))?;
    let digits = values
        .into_iter()
        .enumerate()
        .map(|(image, value)| match value {
            0..=9 => Ok(value as u32),
            10 => Ok(0),
            _ => Err(wrong(image, value.to_string())),
        });
    digits.collect()
}
