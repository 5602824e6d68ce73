//! Files that appear whole or not at all.

use crate::support::folder;
use eos_data::atomic::{self, AtomicFile};
use std::io::{self, ErrorKind, Write};

#[test]
fn a_file_is_replaced_as_a_whole() {
    let folder = folder();
    let path = folder.path().join("file");
    atomic::write(&path, |out| out.write_all(b"one")).unwrap();
    let mut second = AtomicFile::create(&path).unwrap();
    second.write_all(b"second").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    second.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"second");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_failure_leaves_the_earlier_file_and_no_other() {
    let folder = folder();
    let path = folder.path().join("file");
    std::fs::write(&path, b"earlier").unwrap();
    let error = atomic::write(&path, |out| {
        out.write_all(b"half of i")?;
        Err(io::Error::new(ErrorKind::StorageFull, "disk full"))
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(error.to_string().contains("file: disk full"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_or_a_missing_one_is_refused_before_anything_is_written() {
    let folder = folder();
    let refused = atomic::write(folder.path(), |_| panic!("nothing is to be written"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::IsADirectory);
    let missing = folder.path().join("none/file");
    let refused = atomic::write(&missing, |_| panic!("nothing is to be written"));
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("none/file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    atomic::write(&ours, |out| out.write_all(b"x")).unwrap();
    std::fs::write(&plain, b"x").unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(ours), mode(plain));
}
