//! `cargo xtask bench`: seconds of ours, beside the peers' in the same run.
//!
//! Each round runs ours once and then each peer once, so that whatever disturbs the machine disturbs
//! all of them; each run warms up and repeats. Raw figures stay in `target/bench/GROUP.jsonl`.

mod groups;
mod machine;
mod measured;
mod memory;
mod peers;
mod rounds;
mod scaling;
mod sets;
mod table;
mod training;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::cargo;
use crate::workspace::Workspace;
use machine::Machine;
pub use machine::processor;
use sets::Name;

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// One group only: neighbours (the search), methods (arrays in memory), sample (the whole command),
    /// training (steps of a network)
    #[arg(long, value_name = "GROUP")]
    only: Option<Group>,
    /// Sets to measure on, made up: A 12,406 x 64, B ten times as many rows, C 100 classes, D 100,000 x 512,
    /// E 1,000,000 x 64
    #[arg(long, value_name = "SET", value_delimiter = ',', default_value = "A")]
    set: Vec<Name>,
    /// Measure on these embeddings instead; labels beside them with y for x
    #[arg(long, value_name = "FILE.npy", conflicts_with = "set")]
    x: Option<PathBuf>,
    /// Run the peers too; needs Python with xtask/peers/requirements.txt
    #[arg(long)]
    peers: bool,
    /// That Python
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// On B, D and E too, run what takes minutes there
    #[arg(long)]
    slow: bool,
    /// Times that ours and each peer take turns
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Instructions that all sides are held to
    #[arg(long, value_name = "PATH", value_parser = ["avx512vnni", "avx512", "avx2", "portable"])]
    simd: Option<String>,
    /// Threads of all sides [default: the processor's]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How the search's seconds grow with rows and with their length, and nothing else
    #[arg(long)]
    scaling: bool,
    /// The peak memory of the whole command too, from one more run (Linux)
    #[arg(long)]
    memory: bool,
}

/// What is measured together.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Neighbours,
    Methods,
    Sample,
    Training,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Self::Neighbours => "neighbours",
            Self::Methods => "methods",
            Self::Sample => "sample",
            Self::Training => "training",
        }
    }
}

/// Builds what is measured, measures it group by group and set by set, and prints a table of each.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.target.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let bench = Bench {
        workspace,
        options,
        machine: Machine::measure(options)?,
        folder,
    };
    println!("{}\n", bench.machine.line());
    if options.scaling {
        return scaling::run(&bench);
    }
    let sets = sets::all(&bench)?;
    for group in Group::value_variants() {
        if options.only.is_none_or(|only| only == *group) {
            groups::run(&bench, *group, &sets)?;
        }
    }
    Ok(())
}

/// What every group needs.
struct Bench<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    machine: Machine,
    /// Raw figures, made-up sets and what the peers leave.
    folder: PathBuf,
}

impl Bench<'_> {
    fn raw(&self, group: &str) -> PathBuf {
        self.folder.join(format!("{group}.jsonl"))
    }

    /// A script among the peers.
    fn script(&self, name: &str) -> PathBuf {
        self.workspace.root.join("xtask/peers").join(name)
    }
}

/// An example of the package of workspace-level tests, in release.
fn example(name: &str) -> Result<PathBuf> {
    let arguments = ["--release", "--package", "eos-tests", "--example", name];
    cargo::build(&arguments.map(String::from))?.program(name)
}

/// A path as an argument.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
