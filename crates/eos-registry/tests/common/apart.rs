//! Plugins in C, in a process of their own.
#![allow(dead_code)]

use crate::common::{Folder, manifest};
use eos_registry::{Plugin, Registry};

pub const HOST: &str = env!("CARGO_BIN_EXE_eos-plugin-host");

/// A registry of one C plugin, with these keys, whose isolated calls run in this build's program.
pub fn registry(folder: &Folder, name: &str, keys: &str) -> Registry {
    let listed = format!("[[plugin]]\nid = '{name}'\nlibrary = '{name}'\n{keys}");
    folder.open(&listed).host(HOST.into())
}

pub fn compiled(name: &str, flags: &[&str]) -> Folder {
    let folder = Folder::new();
    folder.compile(name, &manifest().join(format!("tests/c/{name}.c")), flags);
    folder
}

pub const APART: &str = "isolate = 'process'\n";

pub fn villain(folder: &Folder, timeout: &str) -> Plugin {
    registry(folder, "villain", &format!("{APART}timeout = {timeout}\n"))
        .load("villain")
        .unwrap()
}
