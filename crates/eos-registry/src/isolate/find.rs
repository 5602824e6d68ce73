//! Where `eos-plugin-host` is.

use std::path::{Path, PathBuf};

/// The variable that names it, over the one beside the running program.
const VARIABLE: &str = "EOS_PLUGIN_HOST";

/// The program for isolated plugins: what the caller says, else the variable, else the one beside
/// the running program. The current directory and `PATH` are not looked into.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let beside = || {
        let program = std::env::current_exe().ok()?;
        // A link in a folder of programs stands for the program in its installation.
        let program = program.canonicalize().unwrap_or(program);
        Some(program.with_file_name(format!("eos-plugin-host{}", std::env::consts::EXE_SUFFIX)))
    };
    let found = given
        .map(Path::to_owned)
        .or_else(|| variable.map(PathBuf::from))
        .or_else(beside)
        .ok_or_else(|| format!("this program does not know where it is; set {VARIABLE}"))?;
    if found.is_file() {
        return Ok(found);
    }
    Err(format!(
        "'{}' is not there; build it (cargo xtask plugins build), put it beside the running \
         program, or set {VARIABLE} to where it is",
        found.display()
    ))
}
