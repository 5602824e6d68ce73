//! The sets that are measured on: made up by the example `make_embeddings`, or given.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::{Bench, example};
use crate::cargo;

/// A made-up set.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Name {
    A,
    B,
    C,
    D,
    E,
}

impl Name {
    fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::A => "A, 12,406 x 64 in 10 classes",
            Self::B => "B, 124,060 x 64 in 10 classes",
            Self::C => "C, 10,847 x 64 in 100 classes",
            Self::D => "D, 100,000 x 512 in 10 classes",
            Self::E => "E, 1,000,000 x 64 in 10 classes",
        }
    }
}

/// A set in files.
pub struct Set {
    /// Its letter, or the file's stem.
    pub name: String,
    /// For people.
    pub about: String,
    /// Rows; labels lie beside them with y for x.
    pub x: PathBuf,
    /// Every how manyth row the search is asked about.
    pub every: usize,
    /// Do some programs take minutes on it?
    pub large: bool,
}

impl Set {
    fn made(name: Name, folder: &std::path::Path) -> Self {
        Self {
            name: name.letter().to_owned(),
            about: name.about().to_owned(),
            x: folder.join(format!("{}_x.npy", name.letter())),
            every: match name {
                Name::A | Name::B | Name::C => 1,
                Name::D => 4,
                Name::E => 16,
            },
            large: matches!(name, Name::B | Name::D | Name::E),
        }
    }
}

/// The sets that the options ask for, written to files.
pub fn all(bench: &Bench<'_>) -> Result<Vec<Set>> {
    if let Some(x) = &bench.options.x {
        ensure!(
            x.is_file(),
            "--x {}: no such file; give an npy file of f32 rows, or leave --x out for a made-up set",
            x.display()
        );
        let x = fs::canonicalize(x).with_context(|| x.display().to_string())?;
        let name = x
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let about = name.clone();
        return Ok(vec![Set {
            name,
            about,
            x,
            every: 1,
            large: false,
        }]);
    }
    let folder = bench.folder.join("sets");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let names = &bench.options.set;
    let mut command = Command::new(example("make_embeddings")?);
    command
        .arg(&folder)
        .args(names.iter().map(|name| name.letter()));
    cargo::run(&mut command)?;
    Ok(names.iter().map(|name| Set::made(*name, &folder)).collect())
}
