//! Fixtures, shared data sets, damage, and the one check of a refusal.

use eos_data::DataError;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A file written by Python's tools, see xtask/peers/make_data_fixtures.py.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A file of the embedded set.
pub fn embedded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}

/// A file or folder of the data sets that lie beside the repository; where they do not, the test
/// says so and has nothing to check.
pub fn shared(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("EOS_SHARED").map_or(beside, PathBuf::from);
    let path = root.join("data").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a file into `folder` and gives its path.
pub fn put(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).unwrap();
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

pub fn unzip(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let packed = std::fs::read(path).unwrap();
    GzDecoder::new(packed.as_slice())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

pub fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The result is an error of variant `kind` whose message has all of `parts`, and a next step.
#[track_caller]
pub fn refused<T>(result: Result<T, DataError>, kind: &str, parts: &[&str]) {
    let Err(error) = result else {
        panic!("accepted, but wanted {kind}: {parts:?}");
    };
    let debug = format!("{error:?}");
    let message = error.to_string();
    assert!(debug.starts_with(kind), "wanted {kind}, got {debug}");
    for part in parts {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
    if let Some(fault) = error.fault() {
        for told in [
            &fault.place,
            &fault.field,
            &fault.got,
            &fault.wanted,
            &fault.next,
        ] {
            assert!(!told.is_empty(), "something is left out of {fault:?}");
        }
    }
}
