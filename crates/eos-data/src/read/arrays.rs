//! Images as NumPy arrays of bytes, in an npy with labels beside it or in an npz.

use super::Raw;
use crate::{
    ImageShape, Labels, Part, ReadOptions,
    embeddings_read::{LABELS, ROWS, entry, labels_path},
    error::DataError,
    npy::{Array, Kind, Place, bytes::Bytes},
    zip::Archive,
};
use std::path::Path;

// The npz files of Keras and of MedMNIST hold both parts, under these names.

fn images_of(part: Part) -> [&'static str; 2] {
    match part {
        Part::Train => ["x_train", "train_images"],
        Part::Test => ["x_test", "test_images"],
    }
}

fn labels_of(part: Part) -> [&'static str; 2] {
    match part {
        Part::Train => ["y_train", "train_labels"],
        Part::Test => ["y_test", "test_labels"],
    }
}

pub(crate) fn read_npy(path: &Path, options: &ReadOptions) -> Result<Raw, DataError> {
    let labels_path = match &options.labels {
        Some(path) => path.clone(),
        None => labels_path(path)?,
    };
    let (x, y) = (Bytes::load(path)?, Bytes::load(&labels_path)?);
    let images = Array::parse(Place::file(path), &x)?;
    let labels = Array::parse(Place::file(&labels_path), &y)?;
    let mut raw = join(&images, &labels, options)?;
    raw.labels_path = Some(labels_path);
    Ok(raw)
}

pub(crate) fn read_npz(path: &Path, options: &ReadOptions) -> Result<Raw, DataError> {
    let bytes = Bytes::load(path)?;
    let archive = Archive::open(path, &bytes)?;
    let (x_names, y_names) = (images_of(options.part), labels_of(options.part));
    let (x, x_bytes) = entry(&archive, path, &[&x_names[..], &ROWS].concat())?;
    let (y, y_bytes) = entry(&archive, path, &[&y_names[..], &LABELS].concat())?;
    let place = |entry| Place {
        path,
        entry: Some(entry),
    };
    let images = Array::parse(place(x), &x_bytes)?;
    let labels = Array::parse(place(y), &y_bytes)?;
    join(&images, &labels, options)
}

/// Whether an npy or npz holds bytes in three or four dimensions rather than rows of numbers.
pub(crate) fn hold_images(
    path: &Path,
    bytes: &[u8],
    options: &ReadOptions,
) -> Result<bool, DataError> {
    if !bytes.starts_with(b"PK") {
        return Ok(is_images(&Array::parse(Place::file(path), bytes)?));
    }
    let archive = Archive::open(path, bytes)?;
    let names = [&images_of(options.part)[..], &ROWS].concat();
    let (name, content) = entry(&archive, path, &names)?;
    let place = Place {
        path,
        entry: Some(name),
    };
    Ok(is_images(&Array::parse(place, &content)?))
}

fn is_images(array: &Array<'_>) -> bool {
    let dtype = &array.header.dtype;
    dtype.kind == Kind::Unsigned && dtype.size == 1 && matches!(array.header.shape.len(), 3 | 4)
}

fn join(images: &Array<'_>, labels: &Array<'_>, options: &ReadOptions) -> Result<Raw, DataError> {
    let (shape, pixels) = planes(images)?;
    let (values, mut labels) = Labels::read(labels)?;
    // A test set that lacks a class must not shift the others, so values are matched by name.
    let classes = match &options.classes {
        None => values.names().to_vec(),
        Some(given) => {
            let class = values.onto(&Labels::text(given))?;
            for label in &mut labels {
                *label = class[*label as usize];
            }
            given.clone()
        }
    };
    Ok(Raw {
        shape,
        pixels,
        labels,
        classes: Some(classes),
        labels_path: None,
    })
}

/// `[N, C, H, W]` from `[N, H, W]`, `[N, C, H, W]` or `[N, H, W, C]` with one or three channels.
fn planes(images: &Array<'_>) -> Result<(ImageShape, Vec<u8>), DataError> {
    let header = &images.header;
    let refused = || {
        images
            .place
            .fault("images")
            .got(format!("shape {:?} of {}", header.shape, header.dtype.descr))
            .wanted("unsigned bytes in C order, [N, H, W], [N, C, H, W] or [N, H, W, C] with C of 1 or 3")
            .next("save them with numpy.ascontiguousarray(x, dtype=numpy.uint8)")
    };
    let bytes = header.dtype.kind == Kind::Unsigned && header.dtype.size == 1;
    if !bytes || header.column_major {
        return Err(refused().unsupported());
    }
    let (channels, height, width, last) = match header.shape[..] {
        [_, h, w] => (1, h, w, false),
        [_, h, w, c @ (1 | 3)] => (c, h, w, true),
        [_, c @ (1 | 3), h, w] => (c, h, w, false),
        _ => return Err(refused().shape()),
    };
    if header.shape.contains(&0) {
        return Err(refused().shape());
    }
    // Their product is the length of a slice.
    let shape = ImageShape {
        channels: channels as usize,
        height: height as usize,
        width: width as usize,
    };
    if !last || shape.channels == 1 {
        return Ok((shape, images.data.to_vec()));
    }
    let mut pixels = Vec::with_capacity(images.data.len());
    for image in images.data.chunks_exact(shape.pixels()) {
        for channel in 0..shape.channels {
            pixels.extend(image.iter().skip(channel).step_by(shape.channels));
        }
    }
    Ok((shape, pixels))
}
