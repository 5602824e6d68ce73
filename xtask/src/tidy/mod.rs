//! `cargo xtask tidy`: rules of the tree that no compiler checks.

mod arrows;
mod sources;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// Checks every rule and lists every violation.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut faults = arrows::check(workspace);
    faults.extend(sources::check(workspace)?);
    if faults.is_empty() {
        println!("tidy: {} packages", workspace.packages.len());
        return Ok(());
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    bail!("{} violations", faults.len())
}
