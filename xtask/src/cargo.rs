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
struct Artifact {
    /// What it was built from.
    target: Target,
    profile: Profile,
    /// Every file of it.
    filenames: Vec<PathBuf>,
    /// The program, where it is one.
    executable: Option<PathBuf>,
}

/// What an artifact was built from.
#[derive(Debug, Deserialize)]
struct Target {
    /// The library's or program's name.
    name: String,
}

#[derive(Debug, Deserialize)]
struct Profile {
    /// Whether it is the tests of its target.
    test: bool,
}

/// What a build left.
///
/// The paths come from cargo itself, so they hold with any target folder and any build target.
#[derive(Debug)]
pub struct Built(Vec<Artifact>);

impl Built {
    /// The program of a name.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        self.find(name, |artifact| artifact.executable.clone())
            .with_context(|| format!("cargo built no program named '{name}'"))
    }

    /// The dynamic library of a name, in which `_` stands for `-`.
    pub fn library(&self, name: &str) -> Result<PathBuf> {
        let suffix = std::env::consts::DLL_SUFFIX;
        let is_dynamic = |file: &&PathBuf| file.to_string_lossy().ends_with(suffix);
        self.find(name, |artifact| {
            artifact.filenames.iter().find(is_dynamic).cloned()
        })
        .with_context(|| format!("cargo built no dynamic library named '{name}'"))
    }

    fn find(&self, name: &str, file: impl Fn(&Artifact) -> Option<PathBuf>) -> Option<PathBuf> {
        let named = |artifact: &&Artifact| {
            !artifact.profile.test
                && artifact.target.name.replace('-', "_") == name.replace('-', "_")
        };
        self.0.iter().filter(named).find_map(file)
    }
}

/// Runs `cargo build` with further arguments, its progress shown.
pub fn build(arguments: &[String]) -> Result<Built> {
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
    artifacts(&String::from_utf8_lossy(&output.stdout)).map(Built)
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
            r#"{"reason":"compiler-artifact","target":{"name":"a_b","kind":["cdylib","rlib"]},"#,
            r#""profile":{"test":false},"filenames":["t/liba-b.rlib","t/liba-b.SUFFIX"],"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"a-b"},"profile":{"test":true},"#,
            r#""filenames":["t/tests"],"executable":"t/tests"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"a-b"},"profile":{"test":false},"#,
            r#""filenames":["t/a-b"],"executable":"t/a-b"}"#,
        );
        let messages = messages.replace(".SUFFIX", std::env::consts::DLL_SUFFIX);
        let built = Built(artifacts(&messages).expect("the lines are cargo's"));
        let program = built.program("a-b").expect("it is there");
        assert_eq!(program, PathBuf::from("t/a-b"));
        let library = built.library("a_b").expect("it is there too");
        assert!(library.starts_with("t") && library.extension() != Some("rlib".as_ref()));
        assert!(built.program("a").is_err());
    }

    #[test]
    fn a_command_is_shown_without_its_folder() {
        let mut command = Command::new("bin/cargo");
        command.args(["test", "--workspace"]);
        assert_eq!(shown(&command), "cargo test --workspace");
    }
}
