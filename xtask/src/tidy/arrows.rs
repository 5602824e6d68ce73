//! Arrows between crates point down, and each outside engine has one crate that knows it.

use crate::workspace::{Package, Workspace};

/// What each of our crates may depend on, of ours.
const ALLOWED: &[(&str, &[&str])] = &[
    ("eos-tensor", &[]),
    ("eos-plugin", &[]),
    ("eos-engine", &[]),
    ("eos-data", &["eos-tensor"]),
    ("eos-cuda", &["eos-tensor"]),
    ("eos-cuda-emu", &[]),
    ("eos-model", &["eos-tensor", "eos-engine"]),
    ("eos-registry", &["eos-tensor", "eos-plugin"]),
    (
        "eos-pipeline",
        &[
            "eos-tensor",
            "eos-data",
            "eos-model",
            "eos-registry",
            "eos-cuda",
        ],
    ),
    (
        "eos-cli",
        &[
            "eos-tensor",
            "eos-data",
            "eos-model",
            "eos-registry",
            "eos-pipeline",
            "eos-cuda",
        ],
    ),
];

/// Outside packages that one crate alone may know.
const KNOWN_BY: &[(&str, &str)] = &[
    ("dfdx", "eos-model"),
    ("cudarc", "eos-cuda"),
    ("libloading", "eos-registry"),
];

/// Crates of ours for the tests of one other alone.
const TESTED_BY: &[(&str, &str)] = &[("eos-cuda-emu", "eos-cuda")];

/// Every arrow that does not point down.
pub fn check(workspace: &Workspace) -> Vec<String> {
    let packages = workspace.packages.iter();
    packages
        .flat_map(|package| faults(package, &workspace.folder_of(package)))
        .collect()
}

fn faults(package: &Package, folder: &str) -> Vec<String> {
    let normal = package.dependencies.iter().filter(|d| d.kind.is_none());
    let names = normal.map(|d| d.name.as_str());
    names
        .filter_map(|name| fault(package, folder, name))
        .chain(strays(package))
        .collect()
}

/// Uses of a test's crate other than by that test.
fn strays(package: &Package) -> impl Iterator<Item = String> {
    package.dependencies.iter().filter_map(|dependency| {
        let known = TESTED_BY.iter().find(|(name, _)| *name == dependency.name);
        let (name, owner) = known?;
        let fits = package.name == *owner && dependency.kind.as_deref() == Some("dev");
        (!fits).then(|| format!("{}: {name} is for the tests of {owner} alone", package.name))
    })
}

fn fault(package: &Package, folder: &str, dependency: &str) -> Option<String> {
    let owner = KNOWN_BY.iter().find(|(outside, _)| *outside == dependency);
    if let Some((_, owner)) = owner
        && folder.starts_with("crates/")
        && package.name != *owner
    {
        return Some(format!(
            "{}: only {owner} may depend on {dependency}",
            package.name
        ));
    }
    let ours = dependency.starts_with("eos-");
    let allowed: &[&str] = if folder.starts_with("crates/") {
        let entry = ALLOWED.iter().find(|(name, _)| *name == package.name);
        match entry {
            Some((_, allowed)) => allowed,
            None => {
                return Some(format!(
                    "{}: not in the list of crates in xtask's tidy",
                    package.name
                ));
            }
        }
    } else if folder.starts_with("plugins/") {
        &["eos-plugin"]
    } else if folder == "xtask" {
        &[]
    } else {
        return None;
    };
    (ours && !allowed.contains(&dependency))
        .then(|| format!("{}: must not depend on {dependency}", package.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn told(name: &str, folder: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let dependency = Dependency {
            name: dependency.into(),
            kind: kind.map(String::from),
        };
        let package = Package {
            name: name.into(),
            manifest_path: "Cargo.toml".into(),
            dependencies: vec![dependency],
        };
        faults(&package, folder)
    }

    #[test]
    fn planted_arrows_are_found() {
        let up = told("eos-tensor", "crates/eos-tensor", "eos-data", None);
        assert_eq!(up, ["eos-tensor: must not depend on eos-data"]);
        assert!(told("eos-tensor", "crates/eos-tensor", "eos-data", Some("dev")).is_empty());
        let outside = told("eos-pipeline", "crates/eos-pipeline", "dfdx", None);
        assert_eq!(outside, ["eos-pipeline: only eos-model may depend on dfdx"]);
        assert_eq!(
            told("eos-plugin-x", "plugins/x", "eos-tensor", None).len(),
            1
        );
        assert!(told("eos-plugin-x", "plugins/x", "eos-plugin", None).is_empty());
        let emulator = |name: &str, kind| told(name, "crates/x", "eos-cuda-emu", kind);
        assert!(emulator("eos-cuda", Some("dev")).is_empty());
        assert!(!emulator("eos-cuda", None).is_empty());
        assert_eq!(emulator("eos-pipeline", Some("dev")).len(), 1);
        assert_eq!(told("eos-new", "crates/eos-new", "serde", None).len(), 1);
    }
}
