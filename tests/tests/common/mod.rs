//! The `eos` command in a folder of its own. Needs what `cargo xtask test` builds.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, to be started in `folder`.
pub fn eos(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(variable("EOS_TEST_BIN"));
    let registry = variable("EOS_TEST_PLUGINS").join("registry.toml");
    command
        .current_dir(folder)
        .env("EOS_REGISTRY", registry)
        .args(arguments);
    command
}

/// Runs it to its good end; what it printed.
pub fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = eos(folder, arguments).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        told(&output)
    );
    match arguments.contains(&"--json") {
        true => String::from_utf8(output.stdout).unwrap(),
        false => told(&output),
    }
}

/// Both streams.
pub fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set; run cargo xtask test"))
        .into()
}
