//! `cargo xtask test`: every test of the workspace, with the plugins and the command that some of them start.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::cargo;
use crate::plugins::{self, Source};
use crate::workspace::Workspace;

/// Folder of the product's plugins' copies and their registry, for tests that load plugins.
const PLUGINS: &str = "EOS_TEST_PLUGINS";
/// Folder of the plugins that misbehave on purpose, and their registry.
const MISBEHAVING: &str = "EOS_TEST_MISBEHAVING";
/// The `eos` program for tests of the command line.
const PROGRAM: &str = "EOS_TEST_BIN";
/// The program that isolated plugins run in.
pub const HOST: &str = "EOS_PLUGIN_HOST";

/// What to run.
#[derive(Args, Default)]
pub struct Options {
    /// Further arguments of `cargo test` (a filter, `--package NAME`, `-- --nocapture`); without a package all run
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What the tests start.
pub struct Built {
    /// The `eos` program in the profile of the tests: overflow and debug assertions are checked in it.
    pub program: PathBuf,
    /// Folder of the product's plugins' copies and their registry.
    pub plugins: PathBuf,
    /// The program that isolated plugins run in.
    pub host: PathBuf,
}

impl Built {
    /// Builds it where it is not built yet.
    pub fn new(workspace: &Workspace) -> Result<Self> {
        Ok(Self {
            plugins: plugins::build_into(
                workspace,
                &Source::product(workspace),
                &[],
                &folder(workspace).join("product"),
            )?,
            program: cargo::build(&["--package".into(), "eos-cli".into()])?
                .into_iter()
                .filter(|artifact| artifact.target.name == "eos")
                .find_map(|artifact| artifact.executable)
                .context("cargo built no program named 'eos' from the package eos-cli")?,
            host: plugins::host_program(&[])?,
        })
    }
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("test-plugins")
}

/// Builds what the tests start, then runs them.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let built = Built::new(workspace)?;
    let mut command = cargo::command();
    command
        .arg("test")
        .current_dir(&workspace.root)
        .env(PLUGINS, built.plugins)
        .env(PROGRAM, built.program)
        .env(HOST, built.host);
    let misbehaving = Source::misbehaving(workspace);
    if misbehaving.exists() {
        let folder = folder(workspace).join("misbehaving");
        command.env(
            MISBEHAVING,
            plugins::build_into(workspace, &misbehaving, &[], &folder)?,
        );
    }
    if !names_a_package(&options.arguments) {
        command.arg("--workspace");
    }
    cargo::run(command.args(&options.arguments))
}

fn names_a_package(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_only_among_cargo_s_own_arguments() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        assert!(names_a_package(&words("-p eos-data reads")));
        assert!(names_a_package(&words("--package=eos-data")));
        assert!(!names_a_package(&words("reads -- -p")));
    }
}
