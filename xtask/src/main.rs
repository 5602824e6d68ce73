//! Workflows of the workspace, run as `cargo xtask …`.
//!
//! This package links none of the workspace's crates, so that it builds in seconds and still runs while one
//! of them does not compile. It needs cargo and rustc, and says "skipped: …" where a step wants more.

mod bench;
mod cargo;
mod ci;
mod demo;
mod dist;
mod gpu_check;
mod kernels;
mod new_plugin;
mod plugins;
mod product;
mod reproduce;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use workspace::Workspace;

/// Workflows of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    workflow: Workflow,
}

#[derive(Subcommand)]
enum Workflow {
    /// Build everything, run the whole method on the embedded images and print what it did, class by class
    Demo(demo::Options),
    /// Build the plugins and the command, then run every test of the workspace
    Test(test::Options),
    /// What must hold before a change goes in: fmt, tidy, kernels, deny, clippy, doc, test, a quick demo
    Ci,
    /// Seconds of each oversampler, beside imbalanced-learn's in the same run
    Bench(bench::Options),
    /// Compile the CUDA kernels to the PTX that is checked in, and tell what they take of a card
    Kernels(kernels::Options),
    /// A published experiment whole, with its table beside the published figures
    Reproduce(reproduce::Options),
    /// A folder that checks and times the CUDA backend where there is an NVIDIA GPU; runs it here if there is one
    GpuCheck,
    /// A folder with the command, its plugins and their locked registry, that runs without cargo
    Dist,
    /// Rules of the tree that no compiler checks: arrows between crates, unsafe, docs, left-overs
    Tidy,
    /// The oversampler plugins
    #[command(subcommand)]
    Plugins(PluginsWorkflow),
}

#[derive(Subcommand)]
enum PluginsWorkflow {
    /// Build the release `eos`, and beside it the plugins that plugins/registry.toml lists
    Build,
    /// Write the built libraries' SHA-256 into the registry beside the release `eos`
    Lock,
    /// Write a complete plugin folder with tests, and register it
    New {
        /// Lower-case words joined by hyphens, such as nearest-mean
        name: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.workflow) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(workflow: Workflow) -> anyhow::Result<()> {
    let workspace = Workspace::open()?;
    match workflow {
        Workflow::Demo(options) => demo::run(&workspace, &options),
        Workflow::Test(options) => test::run(&workspace, &options),
        Workflow::Ci => ci::run(&workspace),
        Workflow::Bench(options) => bench::run(&workspace, &options),
        Workflow::Kernels(options) => match kernels::run(&workspace, &options)? {
            steps::Outcome::Skipped(why) => {
                println!("skipped: {why}");
                Ok(())
            }
            steps::Outcome::Done => Ok(()),
        },
        Workflow::Reproduce(options) => reproduce::run(&workspace, &options),
        Workflow::GpuCheck => gpu_check::run(&workspace),
        Workflow::Dist => dist::run(&workspace),
        Workflow::Tidy => tidy::run(&workspace),
        Workflow::Plugins(PluginsWorkflow::Build) => plugins::build(&workspace).map(drop),
        Workflow::Plugins(PluginsWorkflow::Lock) => plugins::lock(&workspace).map(drop),
        Workflow::Plugins(PluginsWorkflow::New { name }) => new_plugin::run(&workspace, &name),
    }
}
