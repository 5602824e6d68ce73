//! What `eos data info` tells.

use crate::support::{embedded, fixture, folder, put, refused, shared, unzip};
use eos_data::{Content, Format, Part, ReadOptions, describe};

#[test]
fn images_are_told_with_shape_classes_and_normalisation() {
    let told = describe(&embedded(""), &ReadOptions::default()).unwrap();
    assert_eq!(
        (told.format, told.rows, told.ratio()),
        (Format::Idx, 2478, 100.0)
    );
    let text = told.to_string();
    for line in [
        "format    idx",
        "images    2478 of 1 × 28 × 28 (channels × height × width)",
        "classes   10, largest : smallest = 100.0",
        "  0      1000",
        "  9        10",
    ] {
        assert!(text.contains(line), "'{line}' is not in\n{text}");
    }
}

#[test]
fn embeddings_are_told_with_their_types() {
    let told = describe(&fixture("fortran_f64_x.npy"), &ReadOptions::default()).unwrap();
    let Content::Embeddings {
        dims,
        ref labels,
        narrowed,
    } = told.content
    else {
        panic!("told as images: {told}");
    };
    assert_eq!((dims, labels.as_str(), narrowed), (3, "|b1", true));
    let text = told.to_string();
    assert!(
        text.contains("float64, rounded") && text.contains("  True          3"),
        "{text}"
    );
    let archive = describe(&fixture("stored.npz"), &ReadOptions::default()).unwrap();
    assert_eq!(
        (archive.format, archive.rows, archive.classes.len()),
        (Format::Npz, 5, 3)
    );
}

#[test]
fn a_class_without_rows_is_told() {
    let folder = folder();
    put(
        &folder,
        "test_batch",
        &unzip(&fixture("cifar10_python2.pickle.gz")),
    );
    let options = ReadOptions {
        part: Part::Test,
        ..ReadOptions::default()
    };
    let text = describe(folder.path(), &options).unwrap().to_string();
    assert!(text.contains("cat                2\n"), "{text}");
    assert!(text.contains("horse              0  no rows\n"), "{text}");
    refused(
        describe(folder.path(), &ReadOptions::default()),
        "Request",
        &["training files"],
    );
}

#[test]
fn the_shared_sets_are_told() {
    for (name, format, rows) in [
        ("cifar10/test_dev5000.bin.gz", Format::Cifar10, 5000),
        ("svhn/svhn_small_test_32x32.mat", Format::Svhn, 323),
        ("embeddings/cifar10_test_dev_x.npy", Format::Npy, 5000),
        ("fashion-mnist-lt", Format::Idx, 2478),
    ] {
        let Some(path) = shared(name) else {
            return;
        };
        let told = describe(&path, &ReadOptions::default()).unwrap();
        assert_eq!((told.format, told.rows), (format, rows), "{name}");
    }
}
