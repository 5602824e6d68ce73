//! The workspace as cargo sees it: where it stands, what its packages are and what they depend on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo;

/// One checkout of the workspace.
pub struct Workspace {
    /// Folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo puts what it builds (`CARGO_TARGET_DIR` and cargo's configuration respected).
    pub target: PathBuf,
    /// The member packages.
    pub packages: Vec<Package>,
}

/// A member package.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its `Cargo.toml`; absolute.
    pub manifest_path: PathBuf,
    /// What it depends on directly, of any kind.
    pub dependencies: Vec<Dependency>,
}

/// A direct dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    /// The package depended on.
    pub name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// Asks cargo for the workspace that this command was started in.
    pub fn open() -> Result<Self> {
        let output = cargo::command()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo metadata")?;
        anyhow::ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("cargo metadata wrote something unexpected")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages,
        })
    }

    /// The folder of the release `eos` command.
    pub fn release(&self) -> PathBuf {
        self.target.join("release")
    }

    /// A member package's folder relative to the root, with `/` between its parts.
    pub fn folder_of(&self, package: &Package) -> String {
        let folder = package.manifest_path.parent().unwrap_or(Path::new(""));
        slashed(folder.strip_prefix(&self.root).unwrap_or(folder))
    }
}

/// A path's text with `/` between its parts on every system.
pub fn slashed(path: &Path) -> String {
    path.components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}
