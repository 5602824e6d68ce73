//! SVHN: the official files, compressed and not, SciPy's, and damage.

use crate::support::{fixture, folder, put, refused, shared, zip};
use eos_data::{DataError, Format, ImageSet, Part, ReadOptions, read_images};
use std::path::Path;

fn read(path: &Path) -> Result<ImageSet, DataError> {
    let options = ReadOptions {
        format: Some(Format::Svhn),
        ..ReadOptions::default()
    };
    read_images(path, &options)
}

#[test]
fn compressed_and_not_are_the_same_set() {
    let Some(compressed) = shared("svhn/svhn_first1083_32x32.mat") else {
        return;
    };
    let plain = compressed.with_file_name("svhn_first1083_32x32_uncompressed.mat");
    assert_eq!(Format::guess(&plain).unwrap(), Format::Svhn);
    let set = read(&plain).unwrap();
    assert_eq!(read(&compressed).unwrap(), set);
    assert_eq!(
        (set.len(), set.shape().to_string()),
        (1083, "3 × 32 × 32".to_owned())
    );
    assert!(
        set.class_counts().iter().all(|count| *count > 40),
        "{:?}",
        set.class_counts()
    );
}

#[test]
fn a_folder_gives_its_parts() {
    let Some(folder) = shared("svhn") else {
        return;
    };
    let part = |part| {
        let options = ReadOptions {
            part,
            ..ReadOptions::default()
        };
        read_images(&folder, &options).unwrap().len()
    };
    assert_eq!((part(Part::Train), part(Part::Test)), (760, 323));
}

#[test]
fn an_independent_reader_sees_the_same_pixels() {
    // matfile does not follow small files of SciPy with int32; this one it reads.
    let path = fixture("svhn_double.mat");
    let file = matfile::MatFile::parse(std::fs::File::open(&path).unwrap()).unwrap();
    let x = file.find_by_name("X").unwrap();
    let matfile::NumericData::UInt8 { real, .. } = x.data() else {
        panic!("X is not of bytes");
    };
    let set = read(&path).unwrap();
    let (h, w, c) = (4, 4, 3);
    assert_eq!(x.size(), &[h, w, c, 2]);
    for image in 0..2 {
        for (at, pixel) in set.image(image).iter().enumerate() {
            let (channel, row, column) = (at / (h * w), at / w % h, at % w);
            let theirs = real[row + h * (column + w * (channel + c * image))];
            assert_eq!(*pixel, theirs, "image {image}, {channel} {row} {column}");
        }
    }
}

#[test]
fn labels_of_any_type_are_digits_and_ten_is_zero() {
    for name in ["svhn_int32.mat", "svhn_double.mat"] {
        let set = read(&fixture(name)).unwrap();
        assert_eq!(set.labels(), [0, 7], "{name}");
        // Pixel j of image i is (7 i + 13 j) mod 251, here of 48 pixels an image.
        let wanted: Vec<u8> = (0..48).map(|j| ((7 + 13 * j) % 251) as u8).collect();
        assert_eq!(set.image(1), wanted, "{name}");
    }
    let single = read(&fixture("svhn_single.mat")).unwrap();
    assert_eq!((single.len(), single.labels()), (1, &[0][..]));
}

#[test]
fn damaged_files_are_refused() {
    let folder = folder();
    let whole = std::fs::read(fixture("svhn_double.mat")).unwrap();
    let read = |bytes: &[u8]| read(&put(&folder, "train_32x32.mat", bytes));
    assert_eq!(read(&whole).unwrap().len(), 2);
    assert_eq!(read(&zip(&whole)).unwrap().len(), 2);
    refused(
        read(&whole[..60]),
        "Damaged",
        &["train_32x32.mat", "header", "60 bytes"],
    );
    refused(read(&whole[..300]), "Damaged", &["element", "cut short"]);
    refused(read(&whole[..128]), "Damaged", &["arrays", "X and y"]);
    let mut version = whole.clone();
    version[124] = 7;
    refused(read(&version), "Damaged", &["version and byte order"]);
    refused(
        read(b"MATLAB 7.3 MAT-file"),
        "Unsupported",
        &["7.3 (HDF5)", "-v7"],
    );
    refused(
        read(&[&whole[..], b"more"].concat()),
        "Damaged",
        &["element"],
    );
    let mut packed = std::fs::read(fixture("svhn_int32.mat")).unwrap();
    let last = packed.len() - 1;
    packed[last] ^= 0xff;
    refused(read(&packed), "Damaged", &["compressed variable"]);
    refused(read(&packed[..last]), "Damaged", &["element"]);
}

#[test]
fn any_flipped_byte_gives_an_error_or_a_set_but_no_panic() {
    let folder = folder();
    for name in ["svhn_double.mat", "svhn_int32.mat", "svhn_single.mat"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for at in 116..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0xff;
            if let Ok(set) = read(&put(&folder, "x.mat", &flipped)) {
                assert!(set.len() <= 2, "{name}, byte {at}");
            }
        }
    }
}

#[test]
fn a_label_that_is_no_digit_is_refused() {
    let folder = folder();
    let whole = std::fs::read(fixture("svhn_double.mat")).unwrap();
    let seven = 7_f64.to_le_bytes();
    let at = whole.windows(8).position(|window| window == seven);
    let replace = |value: f64| {
        let mut bytes = whole.clone();
        match at {
            Some(at) => bytes[at..at + 8].copy_from_slice(&value.to_le_bytes()),
            None => panic!("the label 7 is not stored as a double"),
        }
        read(&put(&folder, "y.mat", &bytes))
    };
    refused(
        replace(11.0),
        "Value",
        &["label of image 1", "got 11", "10 for the digit 0"],
    );
    refused(replace(1.5), "Value", &["got 1.5"]);
    refused(replace(f64::NAN), "Value", &["got NaN"]);
}
