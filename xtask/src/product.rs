//! What users run: the command, the program that isolated plugins run in, and the plugins with their registry. One call of
//! cargo builds all of it: what its parts share is compiled once.

use std::path::PathBuf;

use anyhow::Result;

use crate::cargo::{self, Built};
use crate::plugins::Source;
use crate::workspace::Workspace;

/// The program that isolated plugins run in.
const HOST: &str = "eos-plugin-host";
/// The packages of the programs.
const PROGRAMS: [&str; 2] = ["eos-cli", "eos-registry"];

/// Where it was built.
pub struct Product {
    /// The command.
    pub program: PathBuf,
    /// The program that isolated plugins run in; cargo puts it beside the command, which looks for it there.
    pub host: PathBuf,
    /// Folder of the plugins' copies and their registry.
    pub plugins: PathBuf,
}

impl Product {
    /// Builds it in release, the plugins where the command looks for them.
    pub fn release(workspace: &Workspace) -> Result<Self> {
        let mut arguments = vec!["--release".to_owned()];
        arguments.extend(packages(workspace, &[Source::product(workspace)])?);
        let built = cargo::build(&arguments)?;
        Self::of(workspace, &built, workspace.release().join("plugins"))
    }

    /// Lays what cargo has built side by side.
    pub fn of(workspace: &Workspace, built: &Built, plugins: PathBuf) -> Result<Self> {
        Source::product(workspace).lay(built, &plugins)?;
        Ok(Self {
            program: built.program("eos")?,
            host: built.program(HOST)?,
            plugins,
        })
    }
}

/// Cargo's arguments for the programs and the plugins of `sources`.
pub fn packages(workspace: &Workspace, sources: &[Source]) -> Result<Vec<String>> {
    let mut packages: Vec<String> = PROGRAMS.map(String::from).to_vec();
    for source in sources {
        packages.extend(source.packages(workspace)?);
    }
    let named = packages.into_iter();
    Ok(named
        .flat_map(|package| ["--package".to_owned(), package])
        .collect())
}
