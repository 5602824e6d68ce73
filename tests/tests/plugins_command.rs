//! `eos plugins` as a user runs it. Needs what `cargo xtask test` builds.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set; run cargo xtask test"))
        .into()
}

/// Runs the command with the registry of built plugins in `folder`.
fn eos(registry: &Path, arguments: &[&str]) -> Output {
    Command::new(variable("EOS_TEST_BIN"))
        .env("EOS_REGISTRY", registry)
        .args(arguments)
        .output()
        .unwrap()
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout, &output.stderr].map(|t| String::from_utf8_lossy(t).into_owned());
    (output.status.code(), text.concat())
}

fn library(folder: &Path, name: &str) -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.join(format!("{prefix}{name}{suffix}"))
}

#[cfg(unix)]
#[test]
fn a_listed_plugin_and_a_bare_library_are_checked() {
    let plugins = variable("EOS_TEST_PLUGINS");
    let registry = plugins.join("registry.toml");
    let library = library(&plugins, "eos_plugin_smote");
    for plugin in ["eos", &library.to_string_lossy()] {
        let (code, text) = told(&eos(&registry, &["plugins", "check", plugin]));
        assert_eq!(code, Some(0), "{text}");
        for line in [
            "descriptor",
            "1 against 8 threads",
            "cancel within a second",
            "fuzz",
        ] {
            let line = format!("\n  {line:24} ok");
            assert!(text.contains(&line), "{line:?} in {text}");
        }
        assert!(text.contains("\n14 ok, 0 failed, 0 skipped in "), "{text}");
    }
    let again = &["plugins", "check", "smote", "--reproduce", "3"];
    let (code, text) = told(&eos(&registry, again));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("  fuzz                     ok       seed 3: "),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_plugin_that_fails_the_check_is_an_error() {
    let folder = variable("EOS_TEST_MISBEHAVING");
    let registry = folder.join("registry.toml");
    let (code, text) = told(&eos(&registry, &["plugins", "check", "misbehaving"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("FAILED   seed ")
            && text.ends_with("error: plugin 'misbehaving' does not keep the contract\n"),
        "{text}"
    );
    let (code, text) = told(&eos(&registry, &["plugins", "check", "./libnone.so"]));
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("error: plugin 'libnone': './libnone.so' does not load: "),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn an_isolated_plugin_is_listed_as_one_and_a_crash_is_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().join("registry.toml");
    let library = library(&variable("EOS_TEST_MISBEHAVING"), "eos_plugin_misbehaving");
    let text = format!(
        "registry-version = 1\n[[plugin]]\nid = 'misbehaving'\nlibrary = '{}'\n\
         allow-outside = true\nisolate = 'process'\nparams = {{ how = 'segfault' }}\n",
        library.display()
    );
    std::fs::write(&registry, text).unwrap();
    let (code, text) = told(&eos(&registry, &["plugins", "list"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("breaks its contract on request (isolated)\n"),
        "{text}"
    );
    let (code, text) = told(&eos(
        &registry,
        &["plugins", "check", "misbehaving", "--cases", "0"],
    ));
    assert_eq!(code, Some(1), "{text}");
    let crash = "plugin 'misbehaving' ended its process while it made rows: signal 11 (SIGSEGV)";
    assert!(text.contains(crash), "{text}");
}

#[test]
fn locked_plugins_need_their_hash_and_the_right_one() {
    let plugins = variable("EOS_TEST_PLUGINS");
    let library = library(&plugins, "eos_plugin_eos");
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().canonicalize().unwrap().join("registry.toml");
    let show = |keys: &str| {
        let text = format!(
            "registry-version = 1\n[[plugin]]\nid = 'eos'\nlibrary = '{}'\n\
             allow-outside = true\n{keys}",
            library.display()
        );
        std::fs::write(&registry, text).unwrap();
        let path = registry.to_string_lossy();
        told(&eos(
            &registry,
            &["plugins", "show", "eos", "--locked", "--registry", &path],
        ))
    };
    let (code, text) = show("");
    assert_eq!(
        (code, text),
        (
            Some(1),
            format!(
                "error: plugin 'eos': '{}' has no sha256 for it, and locked plugins were asked \
                 for; write the hashes with cargo xtask plugins lock\n",
                registry.display()
            )
        )
    );
    let wrong = "0".repeat(64);
    let (code, text) = show(&format!("sha256 = '{wrong}'\n"));
    assert_eq!(code, Some(1), "{text}");
    let (_, after) = text.split_once("has SHA-256 ").unwrap();
    let right = &after[..64];
    assert!(
        after[64..].starts_with(", '") && text.contains(&format!("says {wrong}; ")),
        "{text}"
    );
    let (code, text) = show(&format!("sha256 = '{right}'\n"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("eos 0."), "{text}");
}
