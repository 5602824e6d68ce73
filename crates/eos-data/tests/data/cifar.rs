//! CIFAR: the published subset, the python version, folders as they are distributed, damage.

use crate::support::{fixture, folder, put, refused, shared, unzip, zip};
use eos_data::{DataError, Format, ImageSet, Normalization, Part, ReadOptions, read_images};
use std::path::Path;

const PIXELS: usize = 3072;

fn read(path: &Path) -> Result<ImageSet, DataError> {
    read_images(path, &ReadOptions::default())
}

fn read_as(path: &Path, format: Format) -> Result<ImageSet, DataError> {
    let options = ReadOptions {
        format: Some(format),
        ..ReadOptions::default()
    };
    read_images(path, &options)
}

/// A record as in the binary files: labels, then pixel j of image i as in the fixtures.
fn record(labels: &[u8], i: usize) -> Vec<u8> {
    let pixels = (0..PIXELS).map(|j| ((7 * i + 13 * j) % 251) as u8);
    labels.iter().copied().chain(pixels).collect()
}

fn batch(labels: &[u8]) -> Vec<u8> {
    labels
        .iter()
        .enumerate()
        .flat_map(|(i, label)| record(&[*label], i))
        .collect()
}

#[test]
fn the_published_subset_has_the_papers_counts() {
    let Some(path) = shared("cifar10/lt_ir100_seed0_train.bin.gz") else {
        return;
    };
    assert_eq!(Format::guess(&path).unwrap(), Format::Cifar10);
    let set = read(&path).unwrap();
    assert_eq!(
        set.class_counts(),
        [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    );
    assert_eq!(set.classes()[..2], ["airplane", "automobile"]);
    assert_eq!(set.shape().to_string(), "3 × 32 × 32");
    // The subset is mostly bright sky: close to the constants of the whole set, not equal.
    let measured = Normalization::measure(&set);
    let constants = Normalization::for_format(Format::Cifar10).unwrap();
    for (a, b) in measured.mean.iter().zip(&constants.mean) {
        assert!((a - b).abs() < 0.08, "{measured:?}");
    }
}

#[test]
fn a_published_file_that_is_cut_short_is_refused() {
    let Some(path) = shared("cifar10/test_dev5000.bin.gz") else {
        return;
    };
    let folder = folder();
    let packed = std::fs::read(path).unwrap();
    let half = put(&folder, "half.bin.gz", &packed[..packed.len() / 2]);
    refused(
        read_as(&half, Format::Cifar10),
        "Damaged",
        &["half.bin.gz", "gzip stream", "cut short"],
    );
    refused(read(&half), "Damaged", &["half.bin.gz", "gzip stream"]);
}

#[test]
fn both_versions_of_a_batch_are_the_same_images() {
    let folder = folder();
    let binary = read(&put(&folder, "data.bin", &batch(&[3, 0, 9, 3]))).unwrap();
    assert_eq!(binary.labels(), [3, 0, 9, 3]);
    assert_eq!(binary.image(2)[5], 14 + 65);
    for name in ["python2", "protocol2", "protocol4", "protocol5"] {
        let packed = fixture(&format!("cifar10_{name}.pickle.gz"));
        assert_eq!(read(&packed).unwrap(), binary, "{name}");
        let plain = put(&folder, name, &unzip(&packed));
        assert_eq!(Format::guess(&plain).unwrap(), Format::Cifar10);
        assert_eq!(read(&plain).unwrap(), binary, "{name}");
    }
}

#[test]
fn cifar100_is_read_by_its_fine_labels() {
    let folder = folder();
    let records = [(13, 99), (4, 0), (10, 49)];
    let bytes: Vec<u8> = (0..)
        .zip(records)
        .flat_map(|(i, (c, f))| record(&[c, f], i))
        .collect();
    let path = put(&folder, "binary/train.bin", &bytes);
    assert_eq!(Format::guess(&path).unwrap(), Format::Cifar100);
    let binary = read(&path).unwrap();
    assert_eq!(binary.labels(), [99, 0, 49]);
    assert_eq!(
        (&*binary.classes()[0], &*binary.classes()[99]),
        ("apple", "worm")
    );
    let pickled = unzip(&fixture("cifar100_protocol2.pickle.gz"));
    put(&folder, "cifar-100-python/train", &pickled);
    assert_eq!(read(folder.path()).unwrap(), binary);
    put(
        &folder,
        "cifar-100-python/meta",
        &unzip(&fixture("cifar100_meta.pickle.gz")),
    );
    let named = read(&folder.path().join("cifar-100-python")).unwrap();
    assert_eq!(named.pixels(), binary.pixels());
    assert_eq!(named.classes()[99], "fine 99");
}

#[test]
fn folders_are_read_as_they_are_distributed() {
    let folder = folder();
    for number in 1..=5 {
        put(
            &folder,
            &format!("cifar-10-batches-bin/data_batch_{number}.bin"),
            &batch(&[number, 0]),
        );
    }
    put(&folder, "cifar-10-batches-bin/test_batch.bin", &batch(&[7]));
    let names = "plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    put(
        &folder,
        "cifar-10-batches-bin/batches.meta.txt",
        names.as_bytes(),
    );
    let train = read(folder.path()).unwrap();
    assert_eq!(train.labels(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    assert_eq!(train.classes()[0], "plane");
    let test = ReadOptions {
        part: Part::Test,
        classes: Some(train.classes().to_vec()),
        ..ReadOptions::default()
    };
    assert_eq!(read_images(folder.path(), &test).unwrap().labels(), [7]);
    std::fs::remove_file(folder.path().join("cifar-10-batches-bin/data_batch_4.bin")).unwrap();
    refused(
        read(folder.path()),
        "Damaged",
        &["data_batch_4", "fetch the missing file"],
    );
    put(&folder, "cifar-10-batches-bin/batches.meta.txt", b"plane\n");
    refused(
        read_images(folder.path(), &test),
        "Damaged",
        &["class names", "1 names", "wanted 10"],
    );
}

#[test]
fn python_folders_are_read_as_torchvision_leaves_them() {
    let folder = folder();
    let pickled = unzip(&fixture("cifar10_python2.pickle.gz"));
    for number in 1..=5 {
        put(
            &folder,
            &format!("cifar-10-batches-py/data_batch_{number}"),
            &pickled,
        );
    }
    let set = read(folder.path()).unwrap();
    assert_eq!(set.labels(), [3, 0, 9, 3].repeat(5));
    assert_eq!(set.classes()[9], "truck");
}

#[test]
fn damaged_records_are_refused() {
    let folder = folder();
    let mut bytes = batch(&[3, 0, 9]);
    let read = |bytes: &[u8]| read_as(&put(&folder, "b.bin", bytes), Format::Cifar10);
    refused(
        read(&bytes[..5000]),
        "Damaged",
        &["b.bin", "record 1", "1927 bytes", "3073"],
    );
    refused(read(b""), "Damaged", &["an empty file"]);
    bytes[3073] = 10;
    refused(
        read(&bytes),
        "Value",
        &["b.bin", "label of image 1", "got 10", "0 to 9"],
    );
    refused(read(&zip(&bytes)), "Value", &["label of image 1"]);
    let other = put(&folder, "c.bin", &record(&[20, 0], 0));
    refused(
        read_as(&other, Format::Cifar100),
        "Value",
        &["got 20", "0 to 19"],
    );
    refused(
        read_as(&put(&folder, "d.bin", &batch(&[1])), Format::Cifar100),
        "Damaged",
        &["record 0", "3074", "not of format cifar100"],
    );
}

#[test]
fn a_test_set_of_other_classes_is_refused() {
    let folder = folder();
    let options = ReadOptions {
        classes: Some(vec!["only".to_owned()]),
        ..ReadOptions::default()
    };
    refused(
        read_images(&put(&folder, "b.bin", &batch(&[0])), &options),
        "Request",
        &["number of classes", "got 10", "the 1 of the training set"],
    );
}
