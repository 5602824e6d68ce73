//! `cargo xtask ci`: what must hold before a change goes in, cheapest first.

use anyhow::Result;

use crate::cargo;
use crate::demo;
use crate::steps::{Outcome, Steps};
use crate::test::{self, Built};
use crate::workspace::Workspace;
use crate::{kernels, tidy};

/// Runs every check and ends with each one's seconds.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    let root = &workspace.root;
    let cargo = |arguments: &[&str]| {
        cargo::run(cargo::command().args(arguments).current_dir(root))?;
        Ok(Outcome::Done)
    };
    steps.run("fmt", || cargo(&["fmt", "--all", "--check"]))?;
    steps.run("tidy", || tidy::run(workspace).map(|()| Outcome::Done))?;
    steps.run("kernels --check", || {
        let options = kernels::Options {
            check: true,
            nvrtc: None,
        };
        kernels::run(workspace, &options)
    })?;
    steps.run("deny", || {
        if cargo::has("deny") {
            cargo(&["deny", "--workspace", "check"])
        } else {
            Ok(Outcome::Skipped("cargo-deny is not installed".into()))
        }
    })?;
    steps.run("clippy", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    steps.run("doc", || {
        cargo::run(
            cargo::command()
                .args([
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--document-private-items",
                ])
                .env("RUSTDOCFLAGS", "-D warnings")
                .current_dir(root),
        )?;
        Ok(Outcome::Done)
    })?;
    let mut built = None;
    steps.run("build", || {
        built = Some(Built::everything(workspace)?);
        Ok(Outcome::Done)
    })?;
    let built = built.expect("a step that fails ends this");
    steps.run("test", || {
        test::all(workspace, &built).map(|()| Outcome::Done)
    })?;
    steps.run("demo --quick", || {
        demo::run_quickly(workspace, 0, &built).map(|()| Outcome::Done)
    })?;
    print!("\n{}", steps.summary());
    Ok(())
}
