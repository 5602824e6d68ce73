//! What may stand in a source file, and where.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, slashed};

/// Folders of ours that may hold `unsafe`.
const UNSAFE: &[&str] = &[
    "crates/eos-engine/",
    "crates/eos-tensor/src/cpu",
    // The floor that a search is compared with is measured in intrinsics.
    "crates/eos-tensor/benches/",
    "crates/eos-cuda",
    "crates/eos-plugin/",
    "crates/eos-registry/",
    "crates/eos-data/src/",
    "tests/misbehaving/",
    // NVRTC has a C interface.
    "xtask/src/kernels/",
];

/// Left-overs that no file may hold; written in halves, so that this file does not hold them.
const LEFT_OVERS: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("#[igno", "re"),
    ("target-cpu=na", "tive"),
    ("allow(missing", "_docs)"),
];

/// Every violation in the workspace's Rust files and manifests.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for top in ["crates", "plugins", "examples", "tests", "xtask"] {
        visit(&workspace.root.join(top), &mut |path, text| {
            let name = slashed(path.strip_prefix(&workspace.root).unwrap_or(path));
            faults.extend(of_file(&name, text));
        })?;
    }
    for package in &workspace.packages {
        let manifest = fs::read_to_string(&package.manifest_path)?;
        if !manifest.contains("[lints]\nworkspace = true") {
            faults.push(format!(
                "{}: its manifest does not take the workspace's lints",
                package.name
            ));
        }
    }
    Ok(faults)
}

fn visit(folder: &Path, file: &mut dyn FnMut(&Path, &str)) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            visit(&path, file)?;
        } else if path.extension().is_some_and(|e| e == "rs" || e == "toml") {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            file(&path, &text);
        }
    }
    Ok(())
}

fn of_file(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // Unit tests stand at the end of a file, and may unwrap.
    let tests =
        name.contains("/tests/") || name.contains("/examples/") || name.starts_with("tests/");
    let mut in_tests = tests;
    for (number, line) in text.lines().enumerate() {
        let mut fault = |what: &str| faults.push(format!("{name}:{}: {what}", number + 1));
        in_tests |= line.trim_start().starts_with("#[cfg(test)]");
        let code = code_of(line);
        for (a, b) in LEFT_OVERS {
            if code.contains(&format!("{a}{b}")) {
                fault(&format!("'{a}{b}' may not stand here"));
            }
        }
        if has_word(code, "unsafe")
            && !UNSAFE.iter().any(|allowed| name.starts_with(allowed))
            && !name.starts_with("xtask/src/tidy/")
        {
            fault("unsafe may not stand here");
        }
        if code.contains(".unwrap()") && !in_tests && !name.starts_with("xtask/src/tidy/") {
            fault("unwrap outside tests; use expect(\"why it holds\") or an error");
        }
    }
    faults
}

/// A line without its comment, as far as a line can tell.
fn code_of(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return "";
    }
    line.split(" // ").next().unwrap_or(line)
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_violations_are_found_and_comments_are_not() {
        let told = |name: &str, text: &str| of_file(name, text).len();
        let bad = format!("fn f() {{ {}{}) }}", "todo", "!(");
        assert_eq!(told("crates/eos-data/src/a.rs", &bad), 1);
        assert_eq!(told("crates/eos-model/src/a.rs", "unsafe { f() }"), 1);
        assert_eq!(told("crates/eos-engine/src/a.rs", "unsafe { f() }"), 0);
        assert_eq!(told("xtask/src/a.rs", "unsafe { f() }"), 1);
        assert_eq!(told("xtask/src/kernels/a.rs", "unsafe { f() }"), 0);
        assert_eq!(
            told("crates/eos-model/src/a.rs", "// unsafe\nunsafe_op();"),
            0
        );
        assert_eq!(told("crates/eos-model/src/a.rs", "x.unwrap();"), 1);
        assert_eq!(
            told("crates/eos-model/src/a.rs", "#[cfg(test)]\nx.unwrap();"),
            0
        );
        assert_eq!(told("crates/eos-model/tests/a.rs", "x.unwrap();"), 0);
    }
}
