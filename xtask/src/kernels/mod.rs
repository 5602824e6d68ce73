//! `cargo xtask kernels`: the CUDA backend's kernels compiled to the PTX that is checked in, and what they take of a card.

mod nvrtc;
mod report;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::steps::Outcome;
use crate::workspace::Workspace;
use nvrtc::Nvrtc;

/// Virtual architectures, and the files of their PTX.
const PTX: &[(&str, &str)] = &[("compute_75", "eos_75.ptx"), ("compute_80", "eos_80.ptx")];
/// Architectures whose machine code is reported on.
const MACHINES: &[&str] = &["sm_75", "sm_80", "sm_86", "sm_90"];

/// What to do with the PTX.
#[derive(Args, Default)]
pub struct Options {
    /// Change nothing; fail where the PTX is not what the kernels compile to
    #[arg(long)]
    pub check: bool,
    /// NVRTC 12.0's library; EOS_NVRTC, or one that the system finds, where this is not given
    #[arg(long, value_name = "FILE")]
    pub nvrtc: Option<PathBuf>,
}

/// Compiles the kernels and prints what they take.
pub fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let Some(nvrtc) = Nvrtc::load(options.nvrtc.as_deref())? else {
        return Ok(Outcome::Skipped(format!("no NVRTC: {}", nvrtc::HOW)));
    };
    let folder = workspace.root.join("crates/eos-cuda");
    let source = folder.join("kernels/eos.cu");
    for (architecture, name) in PTX {
        let path = folder.join("ptx").join(name);
        let made = nvrtc.compile(&source, architecture)?.code;
        let there = std::fs::read(&path).unwrap_or_default();
        match (made == there, options.check) {
            (true, _) => println!("{name}: {} bytes, as the kernels compile", made.len()),
            (false, true) => bail!(
                "{} is not what the kernels compile to; run cargo xtask kernels",
                path.display()
            ),
            (false, false) => {
                std::fs::write(&path, &made).with_context(|| path.display().to_string())?;
                println!("{name}: {} bytes, written", made.len());
            }
        }
    }
    let mut reports = Vec::new();
    let mut faults = Vec::new();
    for architecture in MACHINES {
        let kernels = report::parse(&nvrtc.compile(&source, architecture)?.log);
        faults.extend(report::faults(architecture, &kernels));
        reports.push((*architecture, kernels));
    }
    println!("{}", report::table(&reports));
    match faults.is_empty() {
        true => Ok(Outcome::Done),
        false => bail!("{}", faults.join("\n")),
    }
}
