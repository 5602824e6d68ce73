//! `cargo xtask gpu-check`: one folder that checks and times the CUDA backend on a machine with an NVIDIA GPU, where there
//! need be no cargo and no network.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("gpu_check.sh");

/// Makes the folder, and runs it where there is a driver and a GPU that the backend takes.
pub fn run(workspace: &Workspace) -> Result<()> {
    let built = cargo::build(&[
        "--release".into(),
        "--package".into(),
        "eos-cuda".into(),
        "--example".into(),
        "gpu_check".into(),
    ])?;
    let program = built.program("gpu_check")?;
    let folder = workspace.target.join("gpu-check");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let copy = folder.join("gpu_check");
    fs::copy(&program, &copy).with_context(|| copy.display().to_string())?;
    // Debug information is most of it. It works with it too.
    let _ = Command::new("strip").arg(&copy).status();
    let peer = "time_gpu.py";
    fs::copy(
        workspace.root.join("xtask/peers").join(peer),
        folder.join(peer),
    )?;
    fs::write(folder.join("run.sh"), SCRIPT)?;
    println!(
        "{} holds gpu_check, {peer} and run.sh: `bash run.sh` there on any x86-64 Linux machine with an NVIDIA GPU",
        folder.display()
    );
    let opened = Command::new(&copy).arg("device").output();
    let opened = opened.with_context(|| copy.display().to_string())?;
    let said = String::from_utf8_lossy(&opened.stdout);
    if opened.status.success() && said.starts_with("skipped:") {
        print!("{said}");
        return Ok(());
    }
    cargo::run(Command::new("bash").arg("run.sh").current_dir(&folder))
}
