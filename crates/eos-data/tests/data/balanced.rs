//! The balanced set: what another reader finds in it, and what a failure leaves.

use crate::support::{folder, refused};
use eos_data::{BalancedWriter, Embeddings, Labels, SyntheticColumns, read_embeddings_npz};
use npyz::NpyFile;
use std::path::Path;

fn original() -> Embeddings {
    let names = ["common", "rare"].map(str::to_owned);
    Embeddings::new(
        vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        2,
        vec![0, 0, 1],
        Labels::text(&names),
    )
    .unwrap()
}

const COLUMNS: SyntheticColumns<'_> = SyntheticColumns {
    labels: &[1, 0],
    base: &[2, -1],
    from: &[2, -1],
    neighbour: &[0, -1],
    ratio: &[0.5, f32::NAN],
};

/// The stored entry `name`, found as a reader of plain zip archives finds it: by its local header.
fn entry(archive: &[u8], name: &str) -> Vec<u8> {
    let at = archive
        .windows(name.len())
        .position(|w| w == name.as_bytes())
        .expect("it is there");
    let number = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap()) as usize;
    let header = at - 30;
    let (size, extra) = (number(header + 18), number(header + 26) >> 16);
    let data = &archive[at + name.len() + extra..][..size];
    assert_eq!(
        crc32fast::hash(data) as usize,
        number(header + 14),
        "check sum of {name}"
    );
    data.to_vec()
}

fn read<T: npyz::Deserialize>(archive: &[u8], name: &str) -> (String, Vec<u64>, Vec<T>) {
    let entry = entry(archive, name);
    let file = NpyFile::new(entry.as_slice()).unwrap();
    let (dtype, shape) = (file.dtype().descr(), file.shape().to_vec());
    (dtype, shape, file.into_vec().unwrap())
}

#[test]
fn an_independent_reader_finds_every_column() {
    let folder = folder();
    let path = folder.path().join("out.npz");
    let original = original();
    let mut writer = BalancedWriter::create(&path, &original, 2).unwrap();
    writer.push_rows(&[2.0, 3.0]).unwrap();
    writer.push_rows(&[9.0, 8.0]).unwrap();
    assert!(!path.exists(), "the file appears when it is finished");
    writer.finish(&COLUMNS).unwrap();
    let archive = std::fs::read(&path).unwrap();
    let (_, shape, x) = read::<f32>(&archive, "x.npy");
    assert_eq!(shape, [5, 2]);
    assert_eq!(x, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 2.0, 3.0, 9.0, 8.0]);
    assert_eq!(read::<i64>(&archive, "base.npy").2, [2, -1]);
    assert_eq!(read::<i64>(&archive, "from.npy").2, [2, -1]);
    assert_eq!(read::<i64>(&archive, "neighbour.npy").2, [0, -1]);
    let (_, shape, ratio) = read::<f32>(&archive, "ratio.npy");
    assert_eq!(shape, [2]);
    assert!(ratio[0] == 0.5 && ratio[1].is_nan());
    let back = read_embeddings_npz(&path).unwrap();
    assert_eq!(back.labels(), [0, 0, 1, 1, 0]);
    assert_eq!(back.label_values(), original.label_values());
}

#[test]
fn nothing_wanted_is_a_set_of_the_original_rows() {
    let folder = folder();
    let path = folder.path().join("out.npz");
    let original = original();
    let empty = SyntheticColumns {
        labels: &[],
        base: &[],
        from: &[],
        neighbour: &[],
        ratio: &[],
    };
    BalancedWriter::create(&path, &original, 0)
        .unwrap()
        .finish(&empty)
        .unwrap();
    assert_eq!(read_embeddings_npz(&path).unwrap(), original);
    let (_, shape, base) = read::<i64>(&std::fs::read(&path).unwrap(), "base.npy");
    assert_eq!((shape, base), (vec![0], vec![]));
}

#[test]
fn the_same_content_is_the_same_bytes() {
    let folder = folder();
    let original = original();
    let write = |name: &str, pieces: &[&[f32]]| {
        let path = folder.path().join(name);
        let mut writer = BalancedWriter::create(&path, &original, 2).unwrap();
        pieces
            .iter()
            .for_each(|rows| writer.push_rows(rows).unwrap());
        writer.finish(&COLUMNS).unwrap();
        std::fs::read(path).unwrap()
    };
    let at_once = write("a.npz", &[&[2.0, 3.0, 9.0, 8.0]]);
    assert_eq!(write("b.npz", &[&[2.0, 3.0], &[], &[9.0, 8.0]]), at_once);
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_refusal_leaves_what_was_there() {
    let folder = folder();
    let path = folder.path().join("out.npz");
    std::fs::write(&path, b"earlier").unwrap();
    let original = original();
    let started = || BalancedWriter::create(&path, &original, 2).unwrap();
    let mut writer = started();
    refused(
        writer.push_rows(&[1.0]),
        "Shape",
        &["1 values", "rows of 2"],
    );
    refused(
        writer.push_rows(&[0.0; 6]),
        "Shape",
        &["6 values", "at most 2 more"],
    );
    refused(
        writer.finish(&COLUMNS),
        "Shape",
        &["2 fewer than announced"],
    );
    let full = || {
        let mut writer = started();
        writer.push_rows(&[0.0; 4]).unwrap();
        writer
    };
    let short = SyntheticColumns {
        from: &[1],
        ..COLUMNS
    };
    refused(
        full().finish(&short),
        "Shape",
        &["from", "1 values", "wanted 2"],
    );
    let label = SyntheticColumns {
        labels: &[0, 2],
        ..COLUMNS
    };
    refused(full().finish(&label), "Value", &["labels", "below 2"]);
    drop(full());
    assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    assert_eq!(files(folder.path()), 1, "a temporary file was left");
    let nowhere = folder.path().join("no/such/folder/out.npz");
    refused(
        BalancedWriter::create(&nowhere, &original, 0),
        "Io",
        &["cannot write", "no/such/folder"],
    );
}
