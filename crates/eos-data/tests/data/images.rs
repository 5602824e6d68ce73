//! Images as NumPy arrays: layouts of the channels, parts of an npz, labels by name.

use crate::support::{folder, put, refused};
use eos_data::{DataError, Format, ImageSet, Part, ReadOptions, read_images};
use std::path::Path;

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let len = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), data].concat()
}

fn read(path: &Path) -> Result<ImageSet, DataError> {
    read_images(path, &ReadOptions::default())
}

#[test]
fn layouts_of_channels_are_told_apart() {
    let folder = folder();
    put(&folder, "y.npy", &npy("|u1", "(2,)", &[4, 4]));
    let data: Vec<u8> = (0..24).collect();
    let of = |shape| read(&put(&folder, "x.npy", &npy("|u1", shape, &data)));
    let grey = of("(2, 3, 4)").unwrap();
    assert_eq!(
        (grey.shape().to_string(), grey.classes()),
        ("1 × 3 × 4".into(), &["4".to_owned()][..])
    );
    let last = of("(2, 2, 2, 3)").unwrap();
    assert_eq!(last.image(0), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    let first = of("(2, 3, 2, 2)").unwrap();
    assert_eq!(first.shape(), last.shape());
    assert_eq!(first.image(0), &data[..12]);
    assert_eq!(
        of("(2, 12, 1, 1)").unwrap().shape().to_string(),
        "1 × 12 × 1"
    );
    refused(of("(24,)"), "Shape", &["images", "[24]"]);
    refused(of("(2, 2, 2, 2, 1, 1)"), "Damaged", &["24 bytes", "16"]);
    refused(of("(2, 2, 6, 1, 1)"), "Shape", &["[2, 2, 6, 1, 1]"]);
    refused(
        read(&put(&folder, "x.npy", &npy("<f4", "(2, 3)", &data))),
        "Unsupported",
        &["<f4"],
    );
}

#[test]
fn a_test_set_that_lacks_a_class_keeps_the_others_in_place() {
    let folder = folder();
    put(&folder, "y.npy", &npy("|u1", "(2,)", &[7, 9]));
    let x = put(&folder, "x.npy", &npy("|u1", "(2, 1, 1)", &[1, 2]));
    let classes: Vec<String> = ["5", "7", "9"].map(str::to_owned).to_vec();
    let options = ReadOptions {
        classes: Some(classes.clone()),
        ..ReadOptions::default()
    };
    let set = read_images(&x, &options).unwrap();
    assert_eq!((set.labels(), set.classes()), (&[1, 2][..], &classes[..]));
    put(&folder, "y.npy", &npy("|u1", "(2,)", &[7, 8]));
    refused(read_images(&x, &options), "Value", &["'8'", "5, 7, 9"]);
    put(&folder, "y.npy", &npy("|u1", "(3,)", &[7, 8, 9]));
    refused(read(&x), "Shape", &["y.npy", "got 3", "wanted 2"]);
}

#[test]
fn an_archive_holds_both_parts() {
    // As numpy.savez(path, x_train=…, y_train=…, x_test=…, y_test=…) lays it out.
    let arrays = [
        ("x_train.npy", npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4])),
        ("y_train.npy", npy("|u1", "(2,)", &[0, 1])),
        ("x_test.npy", npy("|u1", "(1, 1, 2)", &[5, 6])),
        ("y_test.npy", npy("|u1", "(1,)", &[1])),
    ];
    let folder = folder();
    let path = put(&folder, "set.npz", &archive(&arrays));
    assert_eq!(Format::guess(&path).unwrap(), Format::Npz);
    let train = read(&path).unwrap();
    assert_eq!(
        (train.pixels(), train.labels()),
        (&[1, 2, 3, 4][..], &[0, 1][..])
    );
    let options = ReadOptions {
        part: Part::Test,
        classes: Some(train.classes().to_vec()),
        ..ReadOptions::default()
    };
    let test = read_images(&path, &options).unwrap();
    assert_eq!((test.pixels(), test.labels()), (&[5, 6][..], &[1][..]));
    let half = put(&folder, "half.npz", &archive(&arrays[..2]));
    refused(
        read_images(&half, &options),
        "Damaged",
        &["x_train.npy, y_train.npy", "x_test"],
    );
}

/// A zip archive of stored entries.
fn archive(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let at = out.len() as u32;
        let size = (data.len() as u32).to_le_bytes();
        let fields = [
            &[0; 10][..],
            &crc32fast::hash(data).to_le_bytes(),
            &size,
            &size,
            &(name.len() as u16).to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        out.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), data].concat());
        let tail = [&[0; 10][..], &at.to_le_bytes(), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\0\0", &fields[..], &tail].concat());
    }
    let (at, len, count) = (
        out.len() as u32,
        directory.len() as u32,
        entries.len() as u16,
    );
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([len.to_le_bytes(), at.to_le_bytes()].concat());
    out.extend([0; 2]);
    out
}
