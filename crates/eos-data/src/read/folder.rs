//! A folder of png and jpeg files, one subfolder a class.

use super::{Raw, locate::names};
use crate::{
    ImageShape, Part, ReadOptions,
    error::{DataError, Fault},
};
use image::{DynamicImage, ImageReader, Limits, imageops::FilterType};
use rayon::prelude::*;
use std::{
    fs,
    io::{self, Cursor},
    path::{Path, PathBuf},
};

/// Longest side of an image that is decoded, and the memory one may take: beyond is taken for an attack.
const LONGEST_SIDE: u32 = 16_384;
const DECODED_LIMIT: u64 = 1 << 30;
/// Folders within a class's folder are followed so far; a cycle of links ends here.
const DEPTH: usize = 8;

/// Reads the images of `options.part` below `root`, classes and files in the order of their names.
pub(crate) fn read(root: &Path, options: &ReadOptions) -> Result<Raw, DataError> {
    let root = part(root, options.part)?;
    let own = class_folders(&root)?;
    let classes = match &options.classes {
        Some(given) => given.clone(),
        None => own.clone(),
    };
    let mut files = Vec::new();
    for name in &own {
        let folder = root.join(name);
        let class = classes.iter().position(|class| class == name);
        let class = class.ok_or_else(|| unknown_class(&folder, name, &classes))?;
        let before = files.len();
        collect(&folder, class as u32, 0, &mut files)?;
        if files.len() == before {
            return Err(Fault::file(&folder, "images")
                .got("none")
                .wanted("at least one png or jpeg file a class")
                .next("add images, or remove the empty folder")
                .value());
        }
    }
    decode_all(&files, classes, options)
}

/// `root/train` or `root/test` where the set is divided so, else `root` itself.
fn part(root: &Path, part: Part) -> Result<PathBuf, DataError> {
    let names: &[&str] = match part {
        Part::Train => &["train", "training"],
        Part::Test => &["test", "testing", "val", "valid", "validation"],
    };
    let found = names
        .iter()
        .map(|name| root.join(name))
        .find(|path| path.is_dir());
    if let Some(found) = found {
        return Ok(found);
    }
    // A folder divided into parts has no classes of its own: the part asked for is missing.
    if part == Part::Test && root.join("train").is_dir() {
        return Err(Fault::file(root, "test images")
            .got("a folder 'train' alone")
            .wanted("a folder 'test' or 'val' beside it")
            .next("add one, or leave the test set out of the configuration")
            .request());
    }
    Ok(root.to_owned())
}

/// Names of the subfolders, sorted. A file beside them is refused: it would be lost silently.
fn class_folders(root: &Path) -> Result<Vec<String>, DataError> {
    let names = names(root)?;
    if let Some(file) = names.iter().find(|name| !root.join(name).is_dir()) {
        return Err(Fault::file(&root.join(file), "place")
            .got("a file among the folders of classes")
            .wanted("one subfolder a class and nothing else")
            .next("move the file into its class's folder or away")
            .request());
    }
    if names.is_empty() {
        return Err(Fault::file(root, "classes")
            .got("no subfolders")
            .wanted("one subfolder a class")
            .next("give the folder that holds the folders of the classes")
            .request());
    }
    Ok(names)
}

/// Whether some subfolder of `root`, or of a part of it, holds an image.
pub(crate) fn looks_like_classes(root: &Path) -> Result<bool, DataError> {
    let holds_image = |folder: &Path| {
        names(folder).is_ok_and(|names| {
            names.iter().any(|name| {
                let name = name.to_ascii_lowercase();
                [".png", ".jpg", ".jpeg"]
                    .iter()
                    .any(|end| name.ends_with(end))
            })
        })
    };
    let subfolders = |folder: &Path| -> Result<Vec<PathBuf>, DataError> {
        let paths = names(folder)?.into_iter().map(|name| folder.join(name));
        Ok(paths.filter(|path| path.is_dir()).collect())
    };
    for folder in subfolders(root)? {
        if holds_image(&folder) || subfolders(&folder)?.iter().any(|f| holds_image(f)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unknown_class(folder: &Path, name: &str, classes: &[String]) -> DataError {
    Fault::file(folder, "class")
        .got(format!("'{name}', which the training set does not have"))
        .wanted(classes.join(", "))
        .next("rename the folder or remove it")
        .value()
}

struct File {
    path: PathBuf,
    class: u32,
}

/// Appends the files below `folder` in the order of their names.
fn collect(
    folder: &Path,
    class: u32,
    depth: usize,
    files: &mut Vec<File>,
) -> Result<(), DataError> {
    if depth > DEPTH {
        return Err(Fault::file(folder, "depth")
            .got(format!("more than {DEPTH} folders within each other"))
            .wanted("images in their class's folder")
            .next("look for a link that leads back to its own folder")
            .request());
    }
    for name in names(folder)? {
        let path = folder.join(name);
        let about = fs::metadata(&path).map_err(|error| DataError::reading(&path, error))?;
        if about.is_dir() {
            collect(&path, class, depth + 1, files)?;
        } else {
            files.push(File { path, class });
        }
    }
    Ok(())
}

/// One decoded image: `[H, W, C]` with 1 or 3 channels.
struct Decoded {
    height: usize,
    width: usize,
    channels: usize,
    pixels: Vec<u8>,
}

fn decode_all(
    files: &[File],
    classes: Vec<String>,
    options: &ReadOptions,
) -> Result<Raw, DataError> {
    let sides = 1..=LONGEST_SIDE as usize;
    if let Some(size) = options
        .size
        .filter(|size| !size.iter().all(|s| sides.contains(s)))
    {
        return Err(Fault::argument("size", "height and width")
            .got(format!("{size:?}"))
            .wanted(format!("1 to {LONGEST_SIDE} each"))
            .next("give the size to which images are resized, such as [32, 32]")
            .request());
    }
    if let Some(channels) = options.channels.filter(|c| ![1, 3].contains(c)) {
        return Err(Fault::argument("channels", "number")
            .got(channels.to_string())
            .wanted("1 (grey) or 3 (RGB)")
            .next("give one of these, or none to let the images decide")
            .request());
    }
    let decoded: Vec<Decoded> = files
        .par_iter()
        .map(|file| decode(&file.path, options))
        .collect::<Result<_, _>>()?;
    let shape = ImageShape {
        channels: decoded
            .iter()
            .map(|image| image.channels)
            .max()
            .unwrap_or(1),
        height: decoded[0].height,
        width: decoded[0].width,
    };
    check_sizes(files, &decoded)?;
    let mut pixels = Vec::new();
    let bytes = shape.pixels().saturating_mul(decoded.len());
    pixels.try_reserve_exact(bytes).map_err(|_| {
        Fault::argument("images", "memory")
            .got(format!("{} images of {shape}", decoded.len()))
            .wanted("a size that fits into memory")
            .next("give a smaller size to which images are resized")
            .too_large()
    })?;
    for image in decoded {
        planes(&image, shape.channels, &mut pixels);
    }
    Ok(Raw {
        shape,
        pixels,
        labels: files.iter().map(|file| file.class).collect(),
        classes: Some(classes),
        labels_path: None,
    })
}

fn check_sizes(files: &[File], decoded: &[Decoded]) -> Result<(), DataError> {
    let first = &decoded[0];
    let differs = |image: &Decoded| (image.height, image.width) != (first.height, first.width);
    match decoded.iter().position(differs) {
        None => Ok(()),
        Some(other) => Err(Fault::file(&files[other].path, "size")
            .got(format!(
                "{} × {}",
                decoded[other].height, decoded[other].width
            ))
            .wanted(format!(
                "{} × {} as in {}",
                first.height,
                first.width,
                files[0].path.display()
            ))
            .next("give size = [height, width] to resize all images")
            .shape()),
    }
}

fn decode(path: &Path, options: &ReadOptions) -> Result<Decoded, DataError> {
    let bytes = fs::read(path).map_err(|error| DataError::reading(path, error))?;
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| DataError::reading(path, error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(DECODED_LIMIT);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| not_decoded(path, error))?;
    let image = match options.size {
        Some([height, width])
            if (image.height() as usize, image.width() as usize) != (height, width) =>
        {
            // Both were checked to be at most LONGEST_SIDE.
            image.resize_exact(width as u32, height as u32, FilterType::Triangle)
        }
        _ => image,
    };
    let grey = match options.channels {
        Some(channels) => channels == 1,
        None => !image.color().has_color(),
    };
    Ok(Decoded {
        height: image.height() as usize,
        width: image.width() as usize,
        channels: if grey { 1 } else { 3 },
        pixels: if grey {
            image.into_luma8().into_raw()
        } else {
            DynamicImage::into_rgb8(image).into_raw()
        },
    })
}

fn not_decoded(path: &Path, error: image::ImageError) -> DataError {
    use image::ImageError::{IoError, Limits, Unsupported};
    let fault = Fault::file(path, "image").got(error.to_string());
    match error {
        Limits(_) => fault
            .wanted(format!("sides of at most {LONGEST_SIDE} pixels"))
            .next("shrink the image or remove it")
            .too_large(),
        Unsupported(_) => fault
            .wanted("a png or jpeg image")
            .next("move the file away, or convert it")
            .unsupported(),
        IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            DataError::reading(path, error)
        }
        _ => fault
            .wanted("a whole png or jpeg image")
            .next("fetch the file again or remove it")
            .damaged(),
    }
}

/// Appends the image as planes, grey repeated where the set is in colour.
fn planes(image: &Decoded, channels: usize, out: &mut Vec<u8>) {
    for channel in 0..channels {
        let from = channel.min(image.channels - 1);
        out.extend(image.pixels.iter().skip(from).step_by(image.channels));
    }
}
