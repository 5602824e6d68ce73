//! Calls of cargo.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The cargo that runs this workflow.
pub fn command() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command to its end with its output shown, and fails where it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}

/// Is a cargo subcommand such as `deny` installed?
pub fn has(subcommand: &str) -> bool {
    command()
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A file that a build left.
#[derive(Debug, Deserialize)]
pub struct Artifact {
    /// What it was built from.
    pub target: Target,
    /// Every file of it.
    pub filenames: Vec<PathBuf>,
    /// The program, where it is one.
    pub executable: Option<PathBuf>,
}

/// What an artifact was built from.
#[derive(Debug, Deserialize)]
pub struct Target {
    /// The library's or program's name.
    pub name: String,
}

/// Runs `cargo build` with further arguments, its progress shown, and lists what it built.
///
/// The paths come from cargo itself, so they hold with any target folder and any build target.
pub fn build(arguments: &[String]) -> Result<Vec<Artifact>> {
    let mut command = command();
    command
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(arguments);
    let shown = format!("cargo build {}", arguments.join(" "));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!("{shown} failed ({})", output.status);
    }
    artifacts(&String::from_utf8_lossy(&output.stdout))
}

/// The artifacts among cargo's messages, one JSON object a line.
fn artifacts(messages: &str) -> Result<Vec<Artifact>> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
    }
    let mut found = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Message =
            serde_json::from_str(line).context("cargo build wrote a message without a reason")?;
        if message.reason == "compiler-artifact" {
            found.push(
                serde_json::from_str(line).context("cargo build wrote an unexpected artifact")?,
            );
        }
    }
    Ok(found)
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program
        .file_stem()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy());
    std::iter::once(name)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_picked_from_among_other_messages() {
        let messages = concat!(
            r#"{"reason":"build-script-executed","package_id":"x"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"a","kind":["cdylib","rlib"]},"#,
            r#""filenames":["t/liba.so","t/liba.rlib"],"executable":null}"#,
            "\n",
        );
        let found = artifacts(messages).expect("both lines are cargo's");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target.name, "a");
        assert_eq!(found[0].filenames[0], PathBuf::from("t/liba.so"));
    }

    #[test]
    fn a_command_is_shown_without_its_folder() {
        let mut command = Command::new("bin/cargo");
        command.args(["test", "--workspace"]);
        assert_eq!(shown(&command), "cargo test --workspace");
    }
}
