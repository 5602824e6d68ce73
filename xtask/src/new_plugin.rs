//! `cargo xtask plugins new NAME`: a complete plugin, registered, whose tests pass at once.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Files of a new plugin, and the texts that they begin as.
const FILES: [(&str, &str); 3] = [
    (
        "Cargo.toml",
        include_str!("../templates/plugin/Cargo.toml.txt"),
    ),
    ("src/lib.rs", include_str!("../templates/plugin/lib.rs.txt")),
    (
        "tests/contract.rs",
        include_str!("../templates/plugin/tests.rs.txt"),
    ),
];

/// Writes the folder `plugins/NAME`, and lists it in the workspace and in the registry.
pub fn run(workspace: &Workspace, name: &str) -> Result<()> {
    let name = Name::new(name)?;
    let folder = workspace.root.join("plugins").join(name.0);
    ensure!(
        !folder.exists(),
        "{} is there already, and is left as it is; choose another name",
        folder.display()
    );
    let manifest = workspace.root.join("Cargo.toml");
    let registry = workspace.root.join("plugins").join("registry.toml");
    // Both are read and changed before anything is written.
    let members = name.among_members(&read(&manifest)?)?;
    let listed = name.registered(&read(&registry)?)?;
    for (file, text) in FILES {
        write(&folder.join(file), &name.fill(text))?;
    }
    write(&manifest, &members)?;
    write(&registry, &listed)?;
    let package = format!("eos-plugin-{}", name.0);
    println!("plugin: {}", folder.display());
    println!("its tests:   cargo test -p {package}");
    println!(
        "to use it:   cargo xtask plugins build && target/release/eos plugins check {}",
        name.0
    );
    Ok(())
}

/// A plugin's name: lower-case words joined by hyphens.
struct Name<'a>(&'a str);

impl<'a> Name<'a> {
    fn new(name: &'a str) -> Result<Self> {
        let word = |word: &str| {
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            word.chars().all(letter) && word.starts_with(|c: char| c.is_ascii_lowercase())
        };
        ensure!(
            name.split('-').all(word),
            "'{name}' is no name of a plugin; wanted lower-case words joined by hyphens, such as \
             nearest-mean"
        );
        Ok(Self(name))
    }

    fn fill(&self, text: &str) -> String {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let of_type: String = self.0.split('-').map(capital).collect();
        text.replace("{Type}", &of_type)
            .replace("{snake}", &self.0.replace('-', "_"))
            .replace("{name}", self.0)
    }

    /// The workspace's manifest with the plugin behind the last one that it lists.
    fn among_members(&self, manifest: &str) -> Result<String> {
        let last = manifest
            .rfind("\"plugins/")
            .context("it lists no plugins")?;
        let end = manifest[last..].find(',').context("a list goes on")? + last + 1;
        let member = format!(" \"plugins/{}\",", self.0);
        Ok(format!("{}{member}{}", &manifest[..end], &manifest[end..]))
    }

    fn registered(&self, registry: &str) -> Result<String> {
        let id = format!("id = \"{}\"", self.0);
        ensure!(
            !registry.lines().any(|line| line.trim() == id),
            "plugins/registry.toml lists a plugin '{}' already; choose another name",
            self.0
        );
        let library = self.0.replace('-', "_");
        Ok(format!(
            "{}\n\n[[plugin]]\n{id}\nlibrary = \"eos_plugin_{library}\"\n",
            registry.trim_end()
        ))
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_joined_by_hyphens() {
        for good in ["rbo", "k2", "nearest-mean"] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "Rbo", "2k", "a_b", "../x"] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_plugin_is_added_to_members_and_registry() {
        let name = Name("nearest-mean");
        let manifest = "members = [\"plugins/eos\", \"plugins/smote\", \"tests\"]\n";
        assert_eq!(
            name.among_members(manifest).expect("it lists plugins"),
            "members = [\"plugins/eos\", \"plugins/smote\", \"plugins/nearest-mean\", \"tests\"]\n"
        );
        let registry = name
            .registered("registry-version = 1\n")
            .expect("it is new");
        assert_eq!(
            registry,
            "registry-version = 1\n\n[[plugin]]\nid = \"nearest-mean\"\nlibrary = \
             \"eos_plugin_nearest_mean\"\n"
        );
        assert!(name.registered(&registry).is_err());
    }

    #[test]
    fn templates_are_filled() {
        for (file, text) in FILES {
            let filled = Name("nearest-mean").fill(text);
            for hole in ["{name}", "{snake}", "{Type}"] {
                assert!(!filled.contains(hole), "{hole} in {file}");
            }
        }
        let code = Name("nearest-mean").fill(FILES[1].1);
        assert!(code.contains("export_oversampler!(NearestMean);"), "{code}");
    }
}
