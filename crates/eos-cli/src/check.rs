//! `eos plugins check`: the conformance kit as a command.

use crate::plugins::discover;
use anyhow::bail;
use eos_registry::check::{self, Options, Subject};
use std::path::{Path, PathBuf};

/// What to check.
#[derive(clap::Args)]
#[command(after_help = "Examples: eos plugins check eos\n          \
    eos plugins check target/release/libeos_plugin_mine.so --reproduce 17")]
pub struct Arguments {
    /// Its id, or the path of a library
    #[arg(value_name = "LIB|ID")]
    plugin: String,
    /// Run only the random case of this seed
    #[arg(long, value_name = "SEED")]
    reproduce: Option<u64>,
    /// Random cases
    #[arg(long, value_name = "N", default_value_t = Options::default().cases)]
    cases: u64,
    /// Registry to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// Load only plugins whose SHA-256 their registry holds
    #[arg(long)]
    locked: bool,
}

/// Checks it and prints the table; a test that fails is an error.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let plugin = &arguments.plugin;
    let subject = if is_path(plugin) {
        Subject::library(Path::new(plugin), None)
    } else {
        Subject::listed(&discover(&arguments.registry, arguments.locked)?, plugin)
    };
    let options = Options {
        cases: arguments.cases,
        reproduce: arguments.reproduce,
        ..Options::default()
    };
    let report = check::run(&subject.map_err(eos_pipeline::Error::from)?, &options);
    println!("{report}");
    if !report.passed() {
        bail!("plugin '{}' does not keep the contract", report.id);
    }
    Ok(())
}

/// Ids have neither dots nor folders.
fn is_path(plugin: &str) -> bool {
    plugin.contains(['.', '/', std::path::MAIN_SEPARATOR])
}
