//! `cargo xtask test`: every test of the workspace, with the plugins and the command that some of them start.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::cargo;
use crate::plugins::Source;
use crate::product::{self, Product};
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
#[derive(Args)]
pub struct Options {
    /// Further arguments of `cargo test` (a filter, `--package NAME`, `-- --nocapture`); without a package all run
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What the tests start.
pub struct Built {
    /// In the profile of the tests: overflow and debug assertions are checked in it.
    pub product: Product,
    /// Folder of the plugins that misbehave on purpose, and their registry.
    misbehaving: PathBuf,
}

impl Built {
    /// Builds it alone.
    pub fn product(workspace: &Workspace) -> Result<Self> {
        let sources = [Source::product(workspace), Source::misbehaving(workspace)];
        Self::by(workspace, &product::packages(workspace, &sources)?)
    }

    /// Builds it with every test, in one call of cargo: what all of them share is compiled once.
    pub fn everything(workspace: &Workspace) -> Result<Self> {
        let all = ["--workspace", "--lib", "--bins", "--examples", "--tests"];
        Self::by(workspace, &all.map(String::from))
    }

    fn by(workspace: &Workspace, arguments: &[String]) -> Result<Self> {
        let built = cargo::build(arguments)?;
        let folder = workspace.target.join("test-plugins");
        let misbehaving = folder.join("misbehaving");
        Source::misbehaving(workspace).lay(&built, &misbehaving)?;
        Ok(Self {
            product: Product::of(workspace, &built, folder.join("product"))?,
            misbehaving,
        })
    }

    /// `cargo test` that knows where all of it is.
    fn tests(&self, workspace: &Workspace) -> Command {
        let mut command = cargo::command();
        command
            .arg("test")
            .current_dir(&workspace.root)
            .env(PLUGINS, &self.product.plugins)
            .env(PROGRAM, &self.product.program)
            .env(HOST, &self.product.host)
            .env(MISBEHAVING, &self.misbehaving);
        command
    }
}

/// Builds what the tests start, then runs them.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !names_a_package(&options.arguments) {
        let mut command = Built::everything(workspace)?.tests(workspace);
        return cargo::run(command.arg("--workspace").args(&options.arguments));
    }
    let mut command = Built::product(workspace)?.tests(workspace);
    cargo::run(command.args(&options.arguments))
}

/// Runs every test.
pub fn all(workspace: &Workspace, built: &Built) -> Result<()> {
    cargo::run(built.tests(workspace).arg("--workspace"))
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
