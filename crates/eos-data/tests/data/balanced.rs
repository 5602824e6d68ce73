//! The balanced set: what another reader finds in it, and what a failure leaves.

use crate::support::{folder, refused};
use eos_data::{
    BalancedFiles, BalancedWriter, Embeddings, Labels, Provenance, read_embeddings_npy,
    read_embeddings_npz,
};
use eos_tensor::Recipe;
use npyz::NpyFile;
use std::path::{Path, PathBuf};

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

const fn recipe(label: u32, base: u32, from: u32, to: u32, ratio: f32) -> Recipe {
    Recipe {
        label,
        base,
        from,
        to,
        ratio,
    }
}

const RECIPES: [Recipe; 2] = [recipe(1, 2, 1, 0, 0.5), recipe(0, 0, 0, 1, 0.25)];
const PROVENANCE: Provenance<'_> = Provenance::Recipes(&RECIPES);

fn npz(path: &Path) -> BalancedFiles {
    BalancedFiles::Npz(path.to_owned())
}

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
    let mut writer = BalancedWriter::create(&npz(&path), &original, 2).unwrap();
    writer.push_rows(&[2.0, 3.0]).unwrap();
    writer.push_rows(&[9.0, 8.0]).unwrap();
    assert!(!path.exists(), "the file appears when it is finished");
    writer.finish(&PROVENANCE).unwrap();
    let archive = std::fs::read(&path).unwrap();
    let (_, shape, x) = read::<f32>(&archive, "x.npy");
    assert_eq!(shape, [5, 2]);
    assert_eq!(x, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 2.0, 3.0, 9.0, 8.0]);
    assert_eq!(read::<i64>(&archive, "base.npy").2, [2, 0]);
    assert_eq!(read::<i64>(&archive, "from.npy").2, [1, 0]);
    assert_eq!(read::<i64>(&archive, "neighbour.npy").2, [0, 1]);
    let (_, shape, ratio) = read::<f32>(&archive, "ratio.npy");
    assert_eq!((&shape[..], &ratio[..]), (&[2][..], &[0.5, 0.25][..]));
    let back = read_embeddings_npz(&path).unwrap();
    assert_eq!(back.labels(), [0, 0, 1, 1, 0]);
    assert_eq!(back.label_values(), original.label_values());
}

#[test]
fn nothing_wanted_is_a_set_of_the_original_rows() {
    let folder = folder();
    let path = folder.path().join("out.npz");
    let original = original();
    BalancedWriter::create(&npz(&path), &original, 0)
        .unwrap()
        .finish(&Provenance::Recipes(&[]))
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
        let mut writer = BalancedWriter::create(&npz(&path), &original, 2).unwrap();
        pieces
            .iter()
            .for_each(|rows| writer.push_rows(rows).unwrap());
        writer.finish(&PROVENANCE).unwrap();
        std::fs::read(path).unwrap()
    };
    let at_once = write("a.npz", &[&[2.0, 3.0, 9.0, 8.0]]);
    assert_eq!(write("b.npz", &[&[2.0, 3.0], &[], &[9.0, 8.0]]), at_once);
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_refusal_leaves_what_was_there() {
    let folder = folder();
    let path = folder.path().join("out.npz");
    std::fs::write(&path, b"earlier").unwrap();
    let original = original();
    let started = || BalancedWriter::create(&npz(&path), &original, 2).unwrap();
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
        writer.finish(&PROVENANCE),
        "Shape",
        &["2 fewer than announced"],
    );
    let full = || {
        let mut writer = started();
        writer.push_rows(&[0.0; 4]).unwrap();
        writer
    };
    let short = Provenance::Labels(&[1]);
    refused(
        full().finish(&short),
        "Shape",
        &["provenance", "1 rows", "wanted 2"],
    );
    let label = Provenance::Labels(&[0, 2]);
    refused(full().finish(&label), "Value", &["labels", "below 2"]);
    drop(full());
    assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    assert_eq!(files_in(folder.path()), 1, "a temporary file was left");
    let nowhere = folder.path().join("no/such/folder/out.npz");
    refused(
        BalancedWriter::create(&npz(&nowhere), &original, 0),
        "Io",
        &["cannot write", "no/such/folder"],
    );
}

/// Writes two synthetic rows to `files`, and finds as many bytes as were told before.
fn write(files: &BalancedFiles, provenance: &Provenance<'_>) {
    let original = original();
    let told = files.bytes(&original, 2).unwrap();
    let mut writer = BalancedWriter::create(files, &original, 2).unwrap();
    writer.push_rows(&[2.0, 3.0, 9.0, 8.0]).unwrap();
    writer.finish(provenance).unwrap();
    let paths: Vec<&PathBuf> = match files {
        BalancedFiles::Npz(path) => vec![path],
        BalancedFiles::Npy { x, y, provenance } => [x, y].into_iter().chain(provenance).collect(),
    };
    let there = paths.iter().map(|path| path.metadata().unwrap().len());
    assert_eq!(there.sum::<u64>(), told);
}

#[test]
fn rows_that_a_method_made_itself_have_no_provenance() {
    let folder = folder();
    let path = folder.path().join("out.npz");
    write(&npz(&path), &Provenance::Labels(&[1, 0]));
    let archive = std::fs::read(&path).unwrap();
    for column in ["base.npy", "from.npy", "neighbour.npy"] {
        assert_eq!(read::<i64>(&archive, column).2, [-1, -1]);
    }
    let (_, _, ratio) = read::<f32>(&archive, "ratio.npy");
    assert!(ratio.iter().all(|ratio| ratio.is_nan()));
}

#[test]
fn npy_files_hold_what_the_npz_holds() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    write(&npz(&path("all.npz")), &PROVENANCE);
    let files = |provenance| BalancedFiles::Npy {
        x: path("x.npy"),
        y: path("y.npy"),
        provenance,
    };
    write(&files(None), &PROVENANCE);
    assert_eq!(files_in(folder.path()), 3);
    write(&files(Some(path("p.npz"))), &PROVENANCE);
    let pair = read_embeddings_npy(&path("x.npy"), &path("y.npy")).unwrap();
    assert_eq!(pair, read_embeddings_npz(&path("all.npz")).unwrap());
    let [all, apart] = ["all.npz", "p.npz"].map(|name| std::fs::read(path(name)).unwrap());
    for column in ["base.npy", "from.npy", "neighbour.npy", "ratio.npy"] {
        assert_eq!(entry(&apart, column), entry(&all, column));
    }
}

#[test]
fn none_of_several_files_changes_where_one_cannot_be_begun() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("x.npy"), b"earlier").unwrap();
    let files = BalancedFiles::Npy {
        x: path("x.npy"),
        y: path("no/such/folder/y.npy"),
        provenance: None,
    };
    let original = original();
    let begun = BalancedWriter::create(&files, &original, 0);
    refused(begun, "Io", &["no/such/folder"]);
    assert_eq!(std::fs::read(path("x.npy")).unwrap(), b"earlier");
    assert_eq!(files_in(folder.path()), 1);
}
