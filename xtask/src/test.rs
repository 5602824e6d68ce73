//! `cargo xtask test`: every test of the workspace, with the plugins and the command that some of them start.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::cargo;
use crate::plugins::{self, Source};
use crate::workspace::Workspace;

/// Folder of the released plugins' copies and their registry, for tests that load plugins.
const PLUGINS: &str = "EOS_TEST_PLUGINS";
/// Folder of the plugins that misbehave on purpose, and their registry.
const MISBEHAVING: &str = "EOS_TEST_MISBEHAVING";
/// The `eos` program for tests of the command line.
const PROGRAM: &str = "EOS_TEST_BIN";

/// The program that isolated plugins run in.
const HOST: &str = "EOS_PLUGIN_HOST";

/// What to run.
#[derive(Args, Default)]
pub struct Options {
    /// Further arguments of `cargo test` (a filter, `--package NAME`, `-- --nocapture`); without a package all run
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds what the tests start, then runs them.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.target.join("test-plugins");
    let plugins = plugins::build_into(
        workspace,
        &Source::product(workspace),
        &folder.join("product"),
    )?;
    let mut command = cargo::command();
    command
        .arg("test")
        .current_dir(&workspace.root)
        .env(PLUGINS, plugins)
        .env(PROGRAM, build_program()?)
        .env(HOST, plugins::host_program(&[])?);
    let misbehaving = Source::misbehaving(workspace);
    if misbehaving.exists() {
        command.env(
            MISBEHAVING,
            plugins::build_into(workspace, &misbehaving, &folder.join("misbehaving"))?,
        );
    }
    if !names_a_package(&options.arguments) {
        command.arg("--workspace");
    }
    cargo::run(command.args(&options.arguments))
}

/// The `eos` program in the profile of the tests: overflow and debug assertions are checked in it.
fn build_program() -> Result<PathBuf> {
    cargo::build(&["--package".into(), "eos-cli".into()])?
        .into_iter()
        .filter(|artifact| artifact.target.name == "eos")
        .find_map(|artifact| artifact.executable)
        .context("cargo built no program named 'eos' from the package eos-cli")
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
