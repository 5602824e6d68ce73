//! `cargo xtask demo`: the whole method on the embedded images, from a bare checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::cargo;
use crate::plugins;
use crate::steps::{Outcome, Steps};
use crate::test::{Built, HOST};
use crate::workspace::Workspace;

/// Seconds of the demo's three phases on two cores with AVX-512, measured.
const MEASURED_SECONDS: f64 = 60.0;
/// How much longer it takes with AVX2 and with portable code, measured on one machine.
const AVX2_FACTOR: f64 = 2.0;
const PORTABLE_FACTOR: f64 = 10.0;

/// What to run.
#[derive(Args)]
pub struct Options {
    /// One epoch only, by the program that the tests start: shows that everything works, not what the method does
    #[arg(long)]
    quick: bool,
    /// Seed of the run
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Builds the command and its plugins, says how long the run will take, and runs it.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.quick {
        let built = Built::product(workspace)?;
        return run_quickly(workspace, options.seed, &built);
    }
    let mut steps = Steps::default();
    let mut program = PathBuf::new();
    steps.run("build the command and its plugins", || {
        program = plugins::build(workspace)?.program;
        Ok(Outcome::Done)
    })?;
    steps.run("train, oversample, fine-tune", || {
        println!("{}", Machine::here().estimate());
        cargo::run(&mut command(workspace, options.seed, &program))?;
        Ok(Outcome::Done)
    })
}

/// The same in its shortest form, with what the tests start.
pub fn run_quickly(workspace: &Workspace, seed: u64, built: &Built) -> Result<()> {
    let product = &built.product;
    let mut command = command(workspace, seed, &product.program);
    command
        .args(["--out", "runs/demo-quick"])
        .args(["--set", "train.epochs=1", "--set", "head.epochs=1"])
        .env("EOS_REGISTRY", product.plugins.join("registry.toml"))
        .env(HOST, &product.host);
    cargo::run(&mut command)
}

fn command(workspace: &Workspace, seed: u64, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&workspace.root)
        .args(["run", "examples/demo/demo.toml", "--fresh"]);
    command.arg("--set").arg(format!("run.seed={seed}"));
    command
}

/// What the time of a run depends on.
struct Machine {
    cores: usize,
    simd: Simd,
}

#[derive(Clone, Copy, PartialEq)]
enum Simd {
    Avx512,
    Avx2,
    Portable,
}

impl Machine {
    fn here() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            simd: Simd::here(),
        }
    }

    fn estimate(&self) -> String {
        let (name, factor) = match self.simd {
            Simd::Avx512 => ("AVX-512", 1.0),
            Simd::Avx2 => ("AVX2", AVX2_FACTOR),
            Simd::Portable => ("no AVX2 or AVX-512", PORTABLE_FACTOR),
        };
        let seconds = MEASURED_SECONDS * factor * 2.0 / self.cores as f64;
        let time = if seconds < 90.0 {
            format!("{seconds:.0} s")
        } else {
            format!("{:.0} minutes", seconds / 60.0)
        };
        let cores = if self.cores == 1 { "core" } else { "cores" };
        format!(
            "estimate: about {time} on {} {cores} with {name} (measured: {MEASURED_SECONDS:.0} s on 2 cores with AVX-512)",
            self.cores
        )
    }
}

impl Simd {
    #[cfg(target_arch = "x86_64")]
    fn here() -> Self {
        match std::env::var("EOS_SIMD").as_deref() {
            Ok("avx2") => Self::Avx2,
            Ok("portable") => Self::Portable,
            _ if std::is_x86_feature_detected!("avx512f") => Self::Avx512,
            _ if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") => {
                Self::Avx2
            }
            _ => Self::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn here() -> Self {
        Self::Portable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_grows_with_fewer_cores_and_narrower_instructions() {
        let here = Machine {
            cores: 4,
            simd: Simd::Avx512,
        };
        assert_eq!(
            here.estimate(),
            "estimate: about 30 s on 4 cores with AVX-512 (measured: 60 s on 2 cores with AVX-512)"
        );
        let slow = Machine {
            cores: 1,
            simd: Simd::Portable,
        };
        assert!(
            slow.estimate()
                .starts_with("estimate: about 20 minutes on 1 core with no AVX2")
        );
    }
}
