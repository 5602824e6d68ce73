//! Embeddings: what NumPy writes, what we write, every kind of label, and damage.

use crate::support::{fixture, folder, put, refused, shared, zip};
use eos_data::{
    DataError, Embeddings, Labels, read_embeddings, read_embeddings_npy, read_embeddings_npz,
    write_embeddings_npy, write_embeddings_npz,
};
use proptest::prelude::*;
use std::path::Path;
use tempfile::TempDir;

/// The rows of the fixtures: (k − 7) / 4 for k from 0, three in a row.
fn rows() -> Vec<f32> {
    (0..15).map(|k| (k as f32 - 7.0) / 4.0).collect()
}

fn pair(name: &str) -> Embeddings {
    let file = |axis| fixture(&format!("{name}_{axis}.npy"));
    read_embeddings_npy(&file("x"), &file("y")).unwrap()
}

/// An npy file of version 1 with the given header and bytes.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let len = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), data].concat()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn matrix(values: &[f32], dims: usize) -> Vec<u8> {
    npy(
        "<f4",
        &format!("({}, {dims})", values.len() / dims),
        &floats(values),
    )
}

fn bytes(labels: &[u8]) -> Vec<u8> {
    npy("|u1", &format!("({},)", labels.len()), labels)
}

fn read_pair(folder: &TempDir, x: &[u8], y: &[u8]) -> Result<Embeddings, DataError> {
    read_embeddings_npy(&put(folder, "x.npy", x), &put(folder, "y.npy", y))
}

#[test]
fn numpys_files_are_read_in_every_order_and_type() {
    for (name, narrowed, dtype, names, labels) in [
        (
            "fortran_f64",
            true,
            "|b1",
            vec!["False", "True"],
            [1, 0, 1, 1, 0],
        ),
        (
            "big_endian",
            false,
            ">u8",
            vec!["7", "9223372036854775808", "18446744073709551615"],
            [0, 1, 0, 2, 0],
        ),
        (
            "version2",
            false,
            ">U3",
            vec!["a", "b", "c"],
            [1, 0, 1, 0, 2],
        ),
    ] {
        let read = pair(name);
        assert_eq!((read.rows(), read.dims()), (&rows()[..], 3), "{name}");
        assert_eq!(read.narrowed(), narrowed, "{name}");
        assert_eq!(read.label_values().names(), names, "{name}");
        assert_eq!(read.label_values().dtype(), dtype, "{name}");
        assert_eq!(read.labels(), labels, "{name}");
    }
}

#[test]
fn numpys_archives_are_read_stored_and_deflated() {
    let stored = read_embeddings_npz(&fixture("stored.npz")).unwrap();
    assert_eq!((stored.rows(), stored.narrowed()), (&rows()[..], false));
    assert_eq!(stored.label_values().names(), ["lily", "rose", "Äpfel"]);
    assert_eq!(stored.labels(), [1, 2, 1, 0, 1]);
    let deflated = read_embeddings(&fixture("deflated.npz"), None).unwrap();
    assert_eq!((deflated.rows(), deflated.narrowed()), (&rows()[..], true));
    assert_eq!(deflated.label_values().names(), ["-5", "2", "300"]);
    assert_eq!(deflated.labels(), [1, 0, 1, 2, 1]);
    let y = fixture("version2_y.npy");
    refused(
        read_embeddings(&fixture("stored.npz"), Some(&y)),
        "Request",
        &["within the npz"],
    );
}

#[test]
fn the_authors_embeddings_are_read() {
    let Some(x) = shared("embeddings/cifar10_lt_train_x.npy") else {
        return;
    };
    let read = read_embeddings(&x, None).unwrap();
    assert_eq!((read.len(), read.dims()), (12_406, 64));
    assert_eq!(
        read.class_counts(),
        [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    );
    let file = npyz::NpyFile::new(std::fs::File::open(&x).unwrap()).unwrap();
    assert_eq!(read.rows(), file.into_vec::<f32>().unwrap());
}

#[test]
fn gzip_and_names_are_no_obstacle() {
    let folder = folder();
    put(&folder, "Train_X.npy.gz", &zip(&matrix(&rows(), 3)));
    put(&folder, "Train_y.npy.gz", &zip(&bytes(&[1, 0, 0, 0, 1])));
    let x = folder.path().join("Train_X.npy.gz");
    assert_eq!(read_embeddings(&x, None).unwrap().rows(), rows());
    let alone = put(&folder, "alone_x.npy", &matrix(&rows(), 3));
    refused(
        read_embeddings(&alone, None),
        "Request",
        &["alone_x.npy", "--y"],
    );
}

#[test]
fn matrices_that_are_none_are_refused() {
    let folder = folder();
    let y = bytes(&[0, 1]);
    let read = |x: &[u8]| read_pair(&folder, x, &y);
    let whole = matrix(&[1.0, 2.0, 3.0, 4.0], 2);
    assert!(read(&whole).is_ok());
    refused(
        read(&whole[..whole.len() - 3]),
        "Damaged",
        &["x.npy", "13 bytes", "16", "cut short"],
    );
    refused(
        read(&whole[..20]),
        "Damaged",
        &["header", "20 bytes in all"],
    );
    refused(read(b""), "Damaged", &["magic number", "'NUMPY'"]);
    refused(
        read(&[&whole[..], b"+"].concat()),
        "Damaged",
        &["17 bytes", "bytes after the array"],
    );
    refused(
        read(&[b"\x93NUMPY\x09", &whole[7..]].concat()),
        "Unsupported",
        &["version", "got 9"],
    );
    refused(read(&whole[1..]), "Damaged", &["magic number"]);
    let of = |descr, shape, data: &[u8]| read(&npy(descr, shape, data));
    refused(
        of("<f4", "(4,)", &[0; 16]),
        "Shape",
        &["[4]", "[N, D]", "reshape"],
    );
    refused(of("<f4", "(1, 2, 2)", &[0; 16]), "Shape", &["[1, 2, 2]"]);
    refused(of("<f4", "(0, 2)", &[]), "Shape", &["[0, 2]"]);
    refused(of("<f4", "(2, 0)", &[]), "Shape", &["[2, 0]"]);
    refused(
        of("<i4", "(2, 2)", &[0; 16]),
        "Unsupported",
        &["<i4", "float32 or float64"],
    );
    refused(
        of("<f2", "(2, 2)", &[0; 8]),
        "Unsupported",
        &["<f2", "astype(numpy.float32)"],
    );
    refused(of("|O", "(2, 2)", &[]), "Unsupported", &["|O"]);
    let absurd = "(4611686018427387904, 4611686018427387904)";
    refused(
        of("<f4", absurd, &[0; 16]),
        "Damaged",
        &["16 bytes", "18446744073709551615"],
    );
    let fields = b"\x93NUMPY\x01\x00\x10\x00{'descr': [('a'\n";
    refused(read(fields), "Unsupported", &["[('a'", "without fields"]);
}

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    let folder = folder();
    let y = bytes(&[0, 1]);
    for (value, shown) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        let x = matrix(&[1.0, 2.0, 3.0, 4.0, value, 6.0], 3);
        refused(
            read_pair(&folder, &x, &y),
            "Value",
            &["x.npy", "row 1, column 1", shown],
        );
    }
    let wide: Vec<u8> = [1.0, 1e300]
        .iter()
        .flat_map(|v: &f64| v.to_le_bytes())
        .collect();
    let x = npy("<f8", "(2, 1)", &wide);
    refused(
        read_pair(&folder, &x, &y),
        "Value",
        &["row 1, column 0", "range of float32"],
    );
}

#[test]
fn labels_that_are_none_are_refused() {
    let folder = folder();
    let x = matrix(&[1.0, 2.0], 1);
    let read = |y: &[u8]| read_pair(&folder, &x, y);
    assert_eq!(
        read(&npy("|i1", "(2, 1)", &[0xff, 1]))
            .unwrap()
            .label_values()
            .names(),
        ["-1", "1"]
    );
    refused(
        read(&bytes(&[0, 1, 2])),
        "Shape",
        &["y.npy", "got 3", "wanted 2"],
    );
    refused(
        read(&npy("<f4", "(2,)", &[0; 8])),
        "Unsupported",
        &["<f4", "astype(numpy.int64)"],
    );
    refused(
        read(&npy("|O", "(2,)", &[])),
        "Unsupported",
        &["|O", "astype(str)"],
    );
    refused(read(&npy("|S2", "(2,)", &[0; 4])), "Unsupported", &["|S2"]);
    refused(read(&npy("<U0", "(2,)", &[])), "Unsupported", &["<U0"]);
    refused(
        read(&npy("|u1", "(2, 3)", &[0; 6])),
        "Shape",
        &["[2, 3]", "reshape(-1)"],
    );
    refused(read(&npy("|u1", "()", &[0])), "Shape", &["[]"]);
    refused(read(&npy("|u1", "(0,)", &[])), "Shape", &["[0]"]);
    refused(
        read(&npy("|b1", "(2,)", &[1, 2])),
        "Value",
        &["label 1", "[02]", "|b1"],
    );
    let beyond = [0x61, 0, 0, 0, 0, 0, 0x11, 0];
    refused(
        read(&npy("<U1", "(2,)", &beyond)),
        "Value",
        &["label 1", "<U1"],
    );
    refused(
        read_embeddings_npy(&folder.path().join("x.npy"), Path::new("none")),
        "Io",
        &["none"],
    );
}

#[test]
fn damaged_archives_are_refused() {
    let folder = folder();
    let read = |bytes: &[u8]| read_embeddings_npz(&put(&folder, "a.npz", bytes));
    for name in ["stored.npz", "deflated.npz"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        assert!(read(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(
                read(&whole[..end]).is_err(),
                "{name} cut to {end} bytes was accepted"
            );
        }
        let good = read(&whole).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0xff;
            // Dates and unused fields may change; values may not, the check sum sees to it.
            if let Ok(read) = read(&flipped) {
                assert_eq!(read, good, "{name}, byte {at}");
            }
        }
    }
    let whole = std::fs::read(fixture("stored.npz")).unwrap();
    refused(read(&whole[..100]), "Damaged", &["a.npz", "zip directory"]);
    let at = whole
        .windows(4)
        .position(|w| w == 1.75_f32.to_le_bytes())
        .unwrap();
    let mut flipped = whole.clone();
    flipped[at] ^= 1;
    refused(read(&flipped), "Damaged", &["entry 'x.npy': check sum"]);
    let mut renamed = whole.clone();
    for at in 0..whole.len() - 5 {
        if &whole[at..at + 5] == b"x.npy" {
            renamed[at] = b'q';
        }
    }
    refused(
        read(&renamed),
        "Damaged",
        &["arrays", "q.npy, y.npy", "one named x or X"],
    );
}

#[test]
fn an_entry_that_declares_absurd_sizes_is_refused() {
    let folder = folder();
    let mut bomb = std::fs::read(fixture("deflated.npz")).unwrap();
    let central = bomb.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bomb[central + 24..central + 28].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let result = read_embeddings_npz(&put(&folder, "bomb.npz", &bomb));
    refused(
        result,
        "Damaged",
        &["bomb.npz", "packed bytes, which cannot hold as many"],
    );
}

#[test]
fn a_test_set_takes_the_classes_of_its_training_set() {
    let folder = folder();
    let x = matrix(&[1.0, 2.0], 1);
    let train = read_pair(&folder, &x, &npy("<i2", "(2,)", &[5, 0, 9, 0])).unwrap();
    let test = read_pair(&folder, &x, &npy("|u1", "(2,)", &[9, 9])).unwrap();
    assert_eq!(test.labels(), [0, 0]);
    let test = test.relabel(train.label_values()).unwrap();
    assert_eq!(
        (test.labels(), test.label_values().dtype()),
        (&[1, 1][..], "<i2")
    );
    assert_eq!(test.class_counts(), [0, 2]);
    let other = read_pair(&folder, &x, &npy("|u1", "(2,)", &[9, 7])).unwrap();
    refused(
        other.relabel(train.label_values()),
        "Value",
        &["'7' (|u1)", "5, 9 (<i2)"],
    );
}

#[test]
fn rows_and_labels_are_checked_where_they_are_made() {
    let new = |rows: Vec<f32>, dims, labels: Vec<u32>| {
        Embeddings::new(rows, dims, labels, Labels::indices(2))
    };
    assert!(new(vec![1.0, 2.0], 1, vec![0, 1]).is_ok());
    refused(
        new(vec![1.0, 2.0], 1, vec![0]),
        "Shape",
        &["2 values", "1 rows of 1"],
    );
    refused(new(vec![1.0, 2.0, 3.0], 2, vec![0]), "Shape", &["3 values"]);
    refused(new(vec![], 1, vec![]), "Shape", &["0 rows"]);
    refused(new(vec![], 0, vec![0]), "Shape", &["of 0 values"]);
    refused(
        new(vec![1.0, 2.0], 1, vec![0, 2]),
        "Value",
        &["label of row 1", "below 2"],
    );
    refused(
        new(vec![1.0, f32::NAN], 2, vec![0]),
        "Value",
        &["row 0, column 1"],
    );
}

/// An npy file whose header has `pad` spaces more than NumPy's, and then is no longer aligned.
fn padded(values: &[f32], pad: usize) -> Vec<u8> {
    let shape = format!("({}, 3), {}", values.len() / 3, " ".repeat(pad));
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
    let len = (header.len() as u16).to_le_bytes();
    let head = [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes()];
    [&head.concat(), &floats(values)[..]].concat()
}

/// The fixtures' rows from a file that is written as NumPy writes it.
fn written(folder: &TempDir) -> Embeddings {
    let [x, y] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
    let embeddings = Embeddings::new(rows(), 3, vec![1, 0, 0, 0, 1], Labels::indices(2)).unwrap();
    assert!(!embeddings.is_mapped());
    write_embeddings_npy(&x, &y, &embeddings).unwrap();
    let back = read_embeddings_npy(&x, &y).unwrap();
    assert_eq!(back, embeddings);
    back
}

#[test]
fn plain_rows_are_used_in_place_and_others_are_the_same() {
    let folder = folder();
    let read = |x: &[u8]| read_pair(&folder, x, &bytes(&[1, 0, 0, 0, 1])).unwrap();
    let mut aligned = 0;
    for pad in 0..4 {
        let embeddings = read(&padded(&rows(), pad));
        assert_eq!(embeddings.rows(), rows(), "{pad}");
        assert!(!embeddings.narrowed());
        aligned += usize::from(embeddings.is_mapped());
    }
    assert_eq!(aligned, 1, "one of four paddings makes a multiple of 4");
    let wide: Vec<u8> = rows()
        .iter()
        .flat_map(|v| f64::from(*v).to_le_bytes())
        .collect();
    let narrowed = read(&npy("<f8", "(5, 3)", &wide));
    assert!(narrowed.narrowed() && !narrowed.is_mapped() && narrowed.rows() == rows());
    let in_place = written(&folder);
    assert!(in_place.is_mapped() && in_place.rows() == rows());
    // Clones share the map, and outlive the first owner and the file's name.
    let clone = in_place.clone();
    drop(in_place);
    assert!(clone.is_mapped() && clone.rows() == rows());
}

#[test]
fn a_mapped_file_may_be_replaced_under_its_name() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let mapped = written(&folder);
    let other = Embeddings::new(vec![9.0], 1, vec![0], Labels::indices(1)).unwrap();
    write_embeddings_npy(&path("x.npy"), &path("y.npy"), &other).unwrap();
    assert!(mapped.is_mapped() && mapped.rows() == rows());
}

/// Class names for which text and back is the identity: NumPy drops zeros at the end of a text.
fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-zé-ü☃]{1,6}", 1..5)
        .prop_map(|set| set.into_iter().collect())
}

fn any_embeddings() -> impl Strategy<Value = Embeddings> {
    (1_usize..6, 1_usize..12, names(), any::<bool>()).prop_flat_map(|(dims, extra, names, text)| {
        let classes = names.len();
        let rows = classes + extra;
        let values = proptest::collection::vec(-1e6_f32..1e6, rows * dims);
        let labels = proptest::collection::vec(0..classes as u32, extra);
        (values, labels).prop_map(move |(values, mut labels)| {
            // Every class occurs, as it does in any set that was read.
            labels.extend(0..classes as u32);
            let label_values = if text {
                Labels::text(&names)
            } else {
                Labels::indices(classes)
            };
            Embeddings::new(values, dims, labels, label_values).unwrap()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_written_is_read_back(embeddings in any_embeddings()) {
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        write_embeddings_npy(&path("x.npy"), &path("y.npy"), &embeddings).unwrap();
        write_embeddings_npz(&path("both.npz"), &embeddings).unwrap();
        prop_assert_eq!(&read_embeddings(&path("x.npy"), None).unwrap(), &embeddings);
        prop_assert_eq!(&read_embeddings_npz(&path("both.npz")).unwrap(), &embeddings);
        let file = npyz::NpyFile::new(std::fs::File::open(path("x.npy")).unwrap()).unwrap();
        prop_assert_eq!(file.shape(), [embeddings.len() as u64, embeddings.dims() as u64]);
        prop_assert_eq!(file.into_vec::<f32>().unwrap(), embeddings.rows());
    }

    #[test]
    fn any_bytes_give_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = folder();
        for magic in [&b"\x93NUMPY\x01\x00"[..], b"PK\x03\x04", b"PK\x05\x06", b""] {
            let path = put(&folder, "x.npy", &[magic, &bytes].concat());
            prop_assert!(read_embeddings(&path, Some(&path)).is_err());
        }
    }
}
