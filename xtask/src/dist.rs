//! `cargo xtask dist`: a folder that runs on any machine of this kind, without cargo.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::plugins;
use crate::workspace::Workspace;

/// Builds release and lays the command, the program of isolated plugins, and the plugins with their
/// locked registry side by side, as the command looks for them.
pub fn run(workspace: &Workspace) -> Result<()> {
    let product = plugins::lock(workspace)?;
    let folder = workspace.target.join("dist").join("eos");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins).with_context(|| plugins.display().to_string())?;
    for file in [&product.program, &product.host] {
        copy(file, &folder)?;
    }
    for file in ["README.md", "LICENSE"] {
        copy(&workspace.root.join(file), &folder)?;
    }
    for file in plugins::shipped(workspace)? {
        copy(&product.plugins.join(file), &plugins)?;
    }
    println!("distribution: {}", folder.display());
    println!("try it: {} doctor", folder.join("eos").display());
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, folder.join(name)).with_context(|| file.display().to_string())?;
    Ok(())
}
