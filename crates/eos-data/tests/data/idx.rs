//! IDX: the embedded files, and the same files damaged.

use crate::support::{embedded, folder, put, refused, unzip, zip};
use eos_data::{DataError, Format, ImageSet, Part, ReadOptions, demo, read_images};
use std::path::Path;
use tempfile::TempDir;

const IMAGES: &str = "demo-test2000-images-idx3-ubyte.gz";
const LABELS: &str = "demo-test2000-labels-idx1-ubyte.gz";

fn idx() -> ReadOptions {
    ReadOptions {
        format: Some(Format::Idx),
        ..ReadOptions::default()
    }
}

/// The embedded test set with some of its bytes changed.
struct Damaged {
    folder: TempDir,
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Damaged {
    fn new() -> Self {
        Self {
            folder: folder(),
            images: unzip(&embedded(IMAGES)),
            labels: unzip(&embedded(LABELS)),
        }
    }

    fn read(&self) -> Result<ImageSet, DataError> {
        put(&self.folder, "t10k-labels-idx1-ubyte", &self.labels);
        let images = put(&self.folder, "t10k-images-idx3-ubyte", &self.images);
        read_images(&images, &idx())
    }
}

#[test]
fn plain_and_compressed_give_the_embedded_set() {
    let compressed = read_images(&embedded(IMAGES), &ReadOptions::default()).unwrap();
    let plain = Damaged::new().read().unwrap();
    assert_eq!(plain, compressed);
    assert_eq!(plain.pixels(), demo::test().pixels());
    assert_eq!(plain.labels(), demo::test().labels());
    assert_eq!(
        plain.classes(),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
}

#[test]
fn a_folder_gives_the_part_that_is_asked_for() {
    let part = |part| {
        let options = ReadOptions {
            part,
            ..ReadOptions::default()
        };
        read_images(&embedded(""), &options).unwrap()
    };
    assert_eq!(Format::guess(&embedded("")).unwrap(), Format::Idx);
    assert_eq!(part(Part::Train).len(), 2478);
    assert_eq!(part(Part::Test).len(), 2000);
}

#[test]
fn the_embedded_set_is_whole() {
    let train = demo::train();
    assert_eq!(
        train.class_counts(),
        [1000, 599, 359, 215, 129, 77, 46, 27, 16, 10]
    );
    assert_eq!(demo::test().class_counts(), [200; 10]);
    assert_eq!(train.shape().to_string(), "1 × 28 × 28");
    assert_eq!(train.classes()[9], "Ankle boot");
    assert!(demo::LICENCE.contains("2017 Zalando SE"));
    let test = demo::test();
    let mut seen: std::collections::HashSet<&[u8]> =
        (0..train.len()).map(|i| train.image(i)).collect();
    assert!(
        (0..test.len()).all(|i| seen.insert(test.image(i))),
        "an image is in both sets"
    );
}

#[test]
fn labels_may_lie_elsewhere() {
    let folder = folder();
    let images = put(
        &folder,
        "pictures.gz",
        &std::fs::read(embedded(IMAGES)).unwrap(),
    );
    refused(
        read_images(&images, &idx()),
        "Request",
        &["pictures.gz", "give the labels' path"],
    );
    let options = ReadOptions {
        labels: Some(embedded(LABELS)),
        ..ReadOptions::default()
    };
    assert_eq!(read_images(&images, &options).unwrap().len(), 2000);
    let missing = ReadOptions {
        labels: Some("nowhere".into()),
        ..ReadOptions::default()
    };
    refused(
        read_images(&images, &missing),
        "Io",
        &["nowhere", "cannot read"],
    );
}

#[test]
fn images_cut_short_are_refused_by_bytes() {
    let mut damaged = Damaged::new();
    damaged.images.truncate(100_000);
    refused(
        damaged.read(),
        "Damaged",
        &[
            "t10k-images-idx3-ubyte",
            "2000 images of 28 × 28",
            "99984 bytes",
            "1568000 bytes",
            "cut short",
        ],
    );
    damaged.images.truncate(10);
    refused(damaged.read(), "Damaged", &["height", "cut short"]);
    damaged.images.clear();
    refused(damaged.read(), "Damaged", &["magic number", "0 bytes"]);
}

#[test]
fn bytes_after_the_last_image_or_label_are_refused() {
    let mut damaged = Damaged::new();
    damaged.images.push(0);
    refused(damaged.read(), "Damaged", &["images-idx3", "further bytes"]);
    damaged.images.pop();
    damaged.labels.push(0);
    refused(damaged.read(), "Damaged", &["labels-idx1", "further bytes"]);
}

#[test]
fn another_magic_number_is_refused() {
    let mut damaged = Damaged::new();
    damaged.images[2] ^= 0xff;
    refused(
        damaged.read(),
        "Damaged",
        &["magic number", "[00, 00, f7, 03]", "[00, 00, 08, 03]"],
    );
    damaged.images[2] = 0x0d;
    refused(
        damaged.read(),
        "Unsupported",
        &["[00, 00, 0d, 03]", "unsigned bytes"],
    );
    std::mem::swap(&mut damaged.images, &mut damaged.labels);
    refused(
        damaged.read(),
        "Damaged",
        &["that of labels", "file of images"],
    );
}

#[test]
fn declared_sizes_beyond_the_file_allocate_nothing() {
    let mut damaged = Damaged::new();
    // 2³² − 1 images of (2³² − 1)²: beyond 64 bits.
    damaged.images[4..16].fill(0xff);
    refused(
        damaged.read(),
        "Damaged",
        &["1568000 bytes before the end", "cut short"],
    );
    let packed = put(
        &damaged.folder,
        "big-images-idx3-ubyte.gz",
        &zip(&damaged.images),
    );
    put(
        &damaged.folder,
        "big-labels-idx1-ubyte.gz",
        &zip(&damaged.labels),
    );
    refused(
        read_images(&packed, &idx()),
        "TooLarge",
        &["big-images", "it can hold"],
    );
    damaged.images[4..8].fill(0);
    refused(damaged.read(), "Damaged", &["number of images: got 0"]);
}

#[test]
fn images_and_labels_must_be_as_many() {
    let mut damaged = Damaged::new();
    damaged.labels.pop();
    damaged.labels[4..8].copy_from_slice(&1999_u32.to_be_bytes());
    refused(
        damaged.read(),
        "Shape",
        &["labels-idx1", "got 1999", "wanted 2000"],
    );
}

#[test]
fn a_label_beyond_the_training_sets_classes_is_refused() {
    let mut damaged = Damaged::new();
    damaged.labels[8 + 17] = 10;
    let images = {
        let grown = damaged.read().unwrap();
        assert_eq!(grown.classes().len(), 11);
        damaged.folder.path().join("t10k-images-idx3-ubyte")
    };
    let options = ReadOptions {
        classes: Some(demo::CLASSES.map(str::to_owned).to_vec()),
        ..ReadOptions::default()
    };
    refused(
        read_images(&images, &options),
        "Value",
        &["labels-idx1", "label of image 17", "got 10", "0 to 9"],
    );
}

#[test]
fn a_class_without_images_is_named() {
    let mut damaged = Damaged::new();
    for label in &mut damaged.labels[8..] {
        *label = if *label == 4 { 5 } else { *label };
    }
    let set = damaged.read().unwrap();
    assert_eq!(set.class_counts()[4], 0);
    refused(
        set.require_every_class("train"),
        "Value",
        &["train", "class 4", "0 images"],
    );
}

#[test]
fn a_broken_gzip_stream_is_refused() {
    let folder = folder();
    let packed = std::fs::read(embedded(IMAGES)).unwrap();
    put(
        &folder,
        "a-labels-idx1-ubyte.gz",
        &std::fs::read(embedded(LABELS)).unwrap(),
    );
    let read = |bytes: &[u8]| {
        let path: &Path = &put(&folder, "a-images-idx3-ubyte.gz", bytes);
        read_images(path, &idx())
    };
    assert!(read(&packed).is_ok());
    refused(
        read(&packed[..packed.len() / 2]),
        "Damaged",
        &["gzip stream", "cut short"],
    );
    refused(
        read(&packed[..packed.len() - 4]),
        "Damaged",
        &["gzip stream"],
    );
    let mut flipped = packed.clone();
    flipped[packed.len() - 6] ^= 1;
    refused(read(&flipped), "Damaged", &["gzip stream", "check sum"]);
    refused(
        read(&[&packed[..], b"more"].concat()),
        "Damaged",
        &["gzip stream", "nothing after it"],
    );
}

#[test]
fn several_files_of_one_part_are_not_chosen_from() {
    let folder = folder();
    for name in ["a-train-images-idx3-ubyte", "b-train-images-idx3-ubyte"] {
        put(&folder, name, b"");
    }
    refused(
        read_images(folder.path(), &idx()),
        "Request",
        &[
            "a-train-images-idx3-ubyte, b-train-images-idx3-ubyte",
            "wanted one file",
        ],
    );
    let missing = ReadOptions {
        part: Part::Test,
        ..idx()
    };
    refused(
        read_images(folder.path(), &missing),
        "Request",
        &["test files of format idx", "t10k"],
    );
}

#[test]
fn what_is_no_data_is_not_guessed() {
    let folder = folder();
    let guess = |name: &str, bytes: &[u8]| Format::guess(&put(&folder, name, bytes));
    refused(
        guess("empty", b""),
        "Unsupported",
        &["empty file", "idx|cifar10"],
    );
    refused(
        guess("text", b"hello, world"),
        "Unsupported",
        &["[68, 65, 6c"],
    );
    refused(
        guess("labels", &[0, 0, 8, 1, 0]),
        "Unsupported",
        &["IDX labels", "path of the images"],
    );
    refused(
        guess("hdf", b"\x89HDF\r\n"),
        "Unsupported",
        &["HDF5", "-v7"],
    );
    refused(
        guess("x.png", b"\x89PNG\r\n\x1a\n"),
        "Unsupported",
        &["a single image"],
    );
    refused(
        guess("x.bin", &[7; 5000]),
        "Damaged",
        &["5000 bytes", "3073", "3074"],
    );
    refused(
        Format::guess(folder.path()),
        "Unsupported",
        &["without files of a known data set"],
    );
    refused(Format::guess(Path::new("nowhere")), "Io", &["nowhere"]);
    refused(
        "cifar".parse::<Format>(),
        "Request",
        &["'cifar'", "cifar10|cifar100"],
    );
    assert_eq!("cifar100".parse::<Format>().unwrap(), Format::Cifar100);
}
