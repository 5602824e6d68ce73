//! Folders of images: classes, parts, sizes, colours, and files that are no images.

use crate::support::{folder, put, refused};
use eos_data::{DataError, Format, ImageSet, Part, ReadOptions, read_images};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;
use tempfile::TempDir;

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn colour(width: u32, height: u32, pixel: [u8; 3]) -> Vec<u8> {
    let image = RgbImage::from_pixel(width, height, Rgb(pixel));
    encoded(&image.into(), ImageFormat::Png)
}

fn grey(value: u8) -> Vec<u8> {
    encoded(
        &GrayImage::from_pixel(2, 3, image::Luma([value])).into(),
        ImageFormat::Png,
    )
}

fn read(folder: &TempDir) -> Result<ImageSet, DataError> {
    read_images(folder.path(), &ReadOptions::default())
}

#[test]
fn classes_and_files_come_in_the_order_of_their_names() {
    let folder = folder();
    put(&folder, "b/2.png", &colour(2, 1, [4, 5, 6]));
    put(&folder, "b/10.png", &colour(2, 1, [1, 2, 3]));
    put(&folder, "a/deep/er/x.png", &colour(2, 1, [7, 8, 9]));
    put(&folder, "a/.hidden", b"not looked at");
    assert_eq!(Format::guess(folder.path()).unwrap(), Format::Folder);
    let set = read(&folder).unwrap();
    assert_eq!(set.classes(), ["a", "b"]);
    assert_eq!(set.labels(), [0, 1, 1]);
    assert_eq!(set.image(0), [7, 7, 8, 8, 9, 9]);
    assert_eq!(set.image(1), [1, 1, 2, 2, 3, 3]);
}

#[test]
fn parts_are_subfolders_and_classes_match_by_name() {
    let folder = folder();
    for class in ["ant", "bee", "cat"] {
        put(&folder, &format!("train/{class}/1.png"), &grey(1));
    }
    put(&folder, "test/cat/1.png", &grey(2));
    let train = read(&folder).unwrap();
    let test = ReadOptions {
        part: Part::Test,
        classes: Some(train.classes().to_vec()),
        ..ReadOptions::default()
    };
    let set = read_images(folder.path(), &test).unwrap();
    assert_eq!((set.labels(), set.classes()), (&[2][..], train.classes()));
    put(&folder, "test/dog/1.png", &grey(3));
    refused(
        read_images(folder.path(), &test),
        "Value",
        &["test/dog", "'dog'", "ant, bee, cat"],
    );
    std::fs::remove_dir_all(folder.path().join("test")).unwrap();
    refused(
        read_images(folder.path(), &test),
        "Request",
        &["test images", "'train' alone"],
    );
}

#[test]
fn colour_is_kept_unless_all_is_grey() {
    let folder = folder();
    put(&folder, "a/1.png", &grey(50));
    let set = read(&folder).unwrap();
    assert_eq!((set.shape().channels, set.image(0)), (1, &[50; 6][..]));
    put(&folder, "a/2.png", &colour(2, 3, [1, 2, 3]));
    let set = read(&folder).unwrap();
    assert_eq!(set.image(0), [50; 18]);
    assert_eq!(set.image(1)[..7], [1, 1, 1, 1, 1, 1, 2]);
    let as_grey = ReadOptions {
        channels: Some(1),
        ..ReadOptions::default()
    };
    assert_eq!(
        read_images(folder.path(), &as_grey)
            .unwrap()
            .shape()
            .channels,
        1
    );
    let four = ReadOptions {
        channels: Some(4),
        ..ReadOptions::default()
    };
    refused(
        read_images(folder.path(), &four),
        "Request",
        &["channels", "got 4"],
    );
}

#[test]
fn transparency_is_dropped_and_jpeg_is_read() {
    let folder = folder();
    let clear = RgbaImage::from_pixel(8, 8, Rgba([200, 100, 50, 0]));
    put(
        &folder,
        "a/1.png",
        &encoded(&clear.into(), ImageFormat::Png),
    );
    let flat = RgbImage::from_pixel(8, 8, Rgb([200, 100, 50]));
    // The ending does not matter, the content does.
    put(
        &folder,
        "a/2.png",
        &encoded(&flat.into(), ImageFormat::Jpeg),
    );
    let set = read(&folder).unwrap();
    for (exact, lossy) in set.image(0).iter().zip(set.image(1)) {
        assert!(exact.abs_diff(*lossy) <= 3, "{exact} {lossy}");
    }
}

#[test]
fn differing_sizes_need_a_size() {
    let folder = folder();
    put(&folder, "a/1.png", &colour(2, 3, [9, 9, 9]));
    put(&folder, "a/2.png", &colour(4, 3, [7, 7, 7]));
    refused(
        read(&folder),
        "Shape",
        &["2.png", "3 × 4", "3 × 2", "1.png", "size = [height, width]"],
    );
    let sized = |size| {
        let options = ReadOptions {
            size: Some(size),
            ..ReadOptions::default()
        };
        read_images(folder.path(), &options)
    };
    let set = sized([6, 4]).unwrap();
    assert_eq!((set.shape().height, set.shape().width), (6, 4));
    assert!(set.image(1).iter().all(|pixel| *pixel == 7));
    refused(sized([0, 4]), "Request", &["size", "[0, 4]"]);
    refused(sized([1 << 20, 4]), "Request", &["size", "16384"]);
}

#[test]
fn what_is_no_image_is_named() {
    let folder = folder();
    let image = colour(2, 3, [9, 9, 9]);
    put(&folder, "a/1.png", &image);
    put(&folder, "a/notes.txt", b"these are my favourite ants");
    refused(
        read(&folder),
        "Unsupported",
        &["a/notes.txt", "png or jpeg", "move the file away"],
    );
    put(&folder, "a/notes.txt", b"");
    refused(read(&folder), "Unsupported", &["a/notes.txt"]);
    put(&folder, "a/notes.txt", &image[..image.len() - 20]);
    refused(
        read(&folder),
        "Damaged",
        &["a/notes.txt", "a whole png or jpeg"],
    );
    std::fs::remove_file(folder.path().join("a/notes.txt")).unwrap();
    put(&folder, "labels.csv", b"1.png,a");
    refused(
        read(&folder),
        "Request",
        &["labels.csv", "among the folders of classes"],
    );
}

#[test]
fn an_image_that_declares_absurd_sides_is_refused() {
    let folder = folder();
    let mut bomb = colour(2, 3, [9, 9, 9]);
    // The width stands at byte 16, the check sum of the header at 29.
    bomb[16..20].copy_from_slice(&0x7fff_0000_u32.to_be_bytes());
    let crc = crc32fast::hash(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    put(&folder, "a/bomb.png", &bomb);
    refused(read(&folder), "TooLarge", &["a/bomb.png", "16384"]);
}

#[test]
fn a_class_without_images_is_refused() {
    let folder = folder();
    put(&folder, "a/1.png", &grey(1));
    std::fs::create_dir(folder.path().join("b")).unwrap();
    refused(
        read(&folder),
        "Value",
        &["images: got none", "remove the empty folder"],
    );
    let empty = crate::support::folder();
    let named = ReadOptions {
        format: Some(Format::Folder),
        ..ReadOptions::default()
    };
    refused(
        read_images(empty.path(), &named),
        "Request",
        &["no subfolders"],
    );
}
