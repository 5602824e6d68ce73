//! The peers: which there are here, and what each is told.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Bench;
use crate::cargo;

/// The Python of the options, where it can be run and has what a script needs; else prints why not.
pub fn python(bench: &Bench<'_>, peer: &str, modules: &[&str]) -> Option<Command> {
    let program = &bench.options.python;
    let wanted = ["numpy", "threadpoolctl"].iter().chain(modules);
    let imports = wanted.map(|module| format!("import {module}\n"));
    let output = Command::new(program)
        .args(["-c", &imports.collect::<String>()])
        .output();
    let why = match output {
        Ok(output) if output.status.success() => {
            let mut command = Command::new(program);
            command.envs(bench.machine.pythons());
            return Some(command);
        }
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            let last = told.lines().last().unwrap_or("its imports fail");
            let requirements = bench.script("requirements.txt");
            format!("{last}; -m pip install -r {}", requirements.display())
        }
        Err(error) => format!("{error}; name another with --python"),
    };
    println!("skipped: {peer}: {}: {why}", program.display());
    None
}

/// The program that times the crate imbalance-rs, built outside of this workspace; else prints why not.
pub fn imbalance_rs(bench: &Bench<'_>) -> Option<Command> {
    let target = bench.folder.join("imbalance-rs");
    let status = cargo::command()
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(bench.script("imbalance-rs/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!(
            "skipped: imbalance-rs: cargo cannot fetch or build it; it needs the crates.io registry"
        );
        return None;
    }
    let name = format!("time-imbalance-rs{}", std::env::consts::EXE_SUFFIX);
    let program: PathBuf = target.join("release").join(name);
    let mut command = Command::new(program);
    command.envs(bench.machine.ours());
    Some(command)
}
