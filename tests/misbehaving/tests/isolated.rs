//! The plugin that breaks its promises, in a process of its own: refused by the same words, and
//! named where the process does not survive it.
#![cfg(unix)]

mod common;

use common::{built, sample};
use eos_registry::check::{self, Options, Subject, Verdict};
use eos_registry::{Error, Plugin, Registry};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A registry of the plugin in `library`, whose keys also are `keys`.
fn isolating(library: &Path, keys: &str) -> Registry {
    listing("misbehaving", library, keys)
}

fn listing(id: &str, library: &Path, keys: &str) -> Registry {
    assert!(
        std::env::var_os("EOS_PLUGIN_HOST").is_some(),
        "EOS_PLUGIN_HOST is not set: run cargo xtask test"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("registry.toml");
    let library = library.display();
    let text = format!(
        "registry-version = 1\n[[plugin]]\nid = '{id}'\nlibrary = '{library}'\n\
         allow-outside = true\n{keys}"
    );
    std::fs::write(&file, text).unwrap();
    let registry = Registry::open(&[file]).unwrap();
    registry.cache(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins"))
}

fn library() -> PathBuf {
    built("EOS_TEST_MISBEHAVING").list().remove(0).library
}

fn isolated(timeout: &str) -> Plugin {
    let keys = format!("isolate = 'process'\ntimeout = {timeout}\n");
    isolating(&library(), &keys).load("misbehaving").unwrap()
}

#[test]
fn promises_are_kept_or_broken_alike_in_either_place() {
    let (here, apart) = (
        built("EOS_TEST_MISBEHAVING").load("misbehaving").unwrap(),
        isolated("60"),
    );
    let parameter = &here.parameters()[0];
    let deadly = ["endless", "spin", "segfault", "overflow", "exit", "abort"];
    let mut compared = 0;
    for how in parameter
        .choices
        .iter()
        .filter(|how| !deadly.contains(&how.as_str()))
    {
        let params = format!("how = '{how}'");
        let said = |plugin: &Plugin| sample(plugin, &params, 4).map_err(|error| error.to_string());
        assert_eq!(said(&apart), said(&here), "{how}");
        compared += 1;
    }
    assert!(compared > 15, "{compared}");
}

#[test]
fn what_no_process_survives_is_named_and_the_next_call_works() {
    let plugin = isolated("60");
    for (how, said) in [
        ("segfault", "signal 11 (SIGSEGV)"),
        ("exit", "exit code 0"),
        ("abort", "signal 6 (SIGABRT)"),
    ] {
        let refused = sample(&plugin, &format!("how = '{how}'"), 2).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "plugin 'misbehaving' ended its process while it made rows: {said}; this is a \
                 fault of the plugin, and nothing else is harmed"
            )
        );
    }
    let refused = sample(&plugin, "how = 'overflow'", 2)
        .unwrap_err()
        .to_string();
    assert!(
        refused.starts_with("plugin 'misbehaving' ended its process while it made rows: signal "),
        "{refused}"
    );
    assert!(sample(&plugin, "", 2).is_ok());
}

#[test]
fn what_never_ends_is_stopped() {
    let plugin = isolated("0.4");
    for how in ["spin", "endless"] {
        let began = Instant::now();
        let refused = sample(&plugin, &format!("how = '{how}'"), 2).unwrap_err();
        assert!(
            matches!(refused, Error::TimedOut { .. }),
            "{how}: {refused}"
        );
        let said = "plugin 'misbehaving' took more than 0.4 s while it made rows, and was stopped; \
                    if it needs longer, raise timeout in '";
        assert!(refused.to_string().starts_with(said), "{refused}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

/// The same plugin, built so that a panic ends the process.
fn aborting() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-abort");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "rustc",
            "--offline",
            "--quiet",
            "--lib",
            "--crate-type",
            "cdylib",
        ])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .args(["--", "-C", "panic=abort"]);
    let done = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target.join(format!("debug/{prefix}eos_plugin_misbehaving{suffix}"))
}

#[test]
fn a_plugin_whose_panics_abort_is_isolated_or_refused_and_the_kit_finds_it() {
    let library = aborting();
    let refused = isolating(&library, "").load("misbehaving").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "plugin 'misbehaving' was built with panic = \"abort\": a panic in it would end this \
         process; rebuild it with panic = \"unwind\", or set isolate = \"process\" for it in the \
         registry"
    );
    let registry = isolating(&library, "isolate = 'process'\n");
    let plugin = registry.load("misbehaving").unwrap();
    assert_eq!(
        sample(&plugin, "", 1).unwrap(),
        sample(&isolated("60"), "", 1).unwrap()
    );
    let died = sample(&plugin, "how = 'panic'", 1).unwrap_err().to_string();
    let begin = "plugin 'misbehaving' ended its process while it made rows: signal 6 (SIGABRT); \
                 its last words: thread ";
    assert!(
        died.starts_with(begin) && died.contains("index out of luck"),
        "{died}"
    );

    let subject = Subject::listed(&registry, "misbehaving").unwrap();
    let report = check::run(
        &subject,
        &Options {
            cases: 0,
            ..Options::default()
        },
    );
    let failed: Vec<&str> = report
        .outcomes
        .iter()
        .filter(|o| matches!(o.verdict, Verdict::Failed(_)))
        .map(|o| o.name)
        .collect();
    assert_eq!(failed, ["panic contained"], "{report}");
    assert!(
        report
            .to_string()
            .contains("a panic ends its process (signal 6 (SIGABRT); its last words: "),
        "{report}"
    );
}

#[test]
fn every_plugin_of_the_registry_gives_the_same_bytes_in_either_place() {
    let registry = built("EOS_TEST_PLUGINS");
    for listed in registry.list() {
        let here = registry.load(&listed.id).unwrap();
        let keys = "isolate = 'process'\n";
        let apart = listing(&listed.id, &listed.library, keys)
            .load(&listed.id)
            .unwrap();
        assert!(apart.is_isolated() && !here.is_isolated());
        let made = sample(&here, "", 2).unwrap();
        assert_eq!(made.labels.len(), 50);
        for threads in [1, 8] {
            assert_eq!(sample(&apart, "", threads).unwrap(), made, "{}", listed.id);
        }
    }
}

#[test]
fn every_plugin_of_the_registry_passes_the_conformance_kit() {
    let registry = built("EOS_TEST_PLUGINS");
    let all = registry.list();
    assert!(all.len() >= 3, "{all:?}");
    for listing in all {
        let subject = Subject::listed(&registry, &listing.id).unwrap();
        let report = check::run(&subject, &Options::default());
        println!("{report}");
        assert!(report.passed(), "{report}");
        assert!(report.took < Duration::from_secs(60), "{report}");
    }
}
