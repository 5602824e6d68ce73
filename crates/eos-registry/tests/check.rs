//! The conformance kit finds each flaw that it is there to find, and no other.
#![cfg(unix)]

mod common;

use common::{Folder, manifest};
use eos_registry::check::{self, Options, Report, Subject, Verdict};
use std::path::{Path, PathBuf};
use std::time::Duration;

const HOST: &str = env!("CARGO_BIN_EXE_eos-plugin-host");

fn compiled(folder: &Folder, flags: &[&str]) -> PathBuf {
    folder.compile("flawed", &manifest().join("tests/c/flawed.c"), flags);
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.path().join(format!("{prefix}flawed{suffix}"))
}

fn report(flags: &[&str], options: &Options) -> Report {
    let folder = Folder::new();
    let library = compiled(&folder, flags);
    let subject = Subject::library(&library, Some(Path::new(HOST))).unwrap();
    check::run(&subject, options)
}

/// Tests that failed, each with what it says.
fn failed(report: &Report) -> Vec<(&'static str, String)> {
    let failed = report.outcomes.iter().filter_map(|o| match &o.verdict {
        Verdict::Failed(why) => Some((o.name, why.clone())),
        _ => None,
    });
    failed.collect()
}

#[test]
fn a_plugin_without_flaws_passes_and_what_does_not_apply_is_skipped() {
    let report = report(&[], &Options::default());
    assert!(report.passed(), "{report}");
    let skipped: Vec<&str> = report
        .outcomes
        .iter()
        .filter(|o| matches!(o.verdict, Verdict::Skipped(_)))
        .map(|o| o.name)
        .collect();
    assert_eq!(
        skipped,
        ["on-segment", "base has the label", "panic contained"]
    );
    assert_eq!(report.outcomes.len(), 14);
    let told = report.to_string();
    assert!(
        told.starts_with("plugin 'flawed' 0.1.0: has a flaw\n"),
        "{told}"
    );
    assert!(told.contains("\n11 ok, 0 failed, 3 skipped in "), "{told}");
}

#[test]
fn each_flaw_is_found_by_its_test() {
    let aborted = "plugin 'flawed' ended its process while it made rows: signal 6 (SIGABRT); this \
                   is a fault of the plugin, and nothing else is harmed";
    for (flaw, expected) in [
        (
            "-DDOC=\"\"",
            &[("descriptor", "parameter 'k' has no doc; say what it does")][..],
        ),
        (
            "-DFLAW=\"unknown\"",
            &[(
                "unknown parameter",
                "it is neither refused as a bad parameter nor passed over: plugin 'flawed' \
                 failed: what is that?",
            )],
        ),
        (
            "-DFLAW=\"counts\"",
            &[(
                "counts",
                "plugin 'flawed' broke its contract: it wrote 19999 rows of class 3, 20000 were \
                 wanted",
            )],
        ),
        (
            "-DFLAW=\"moody\"",
            &[
                (
                    "defaults",
                    "with every default given it makes other rows than with none given",
                ),
                (
                    "same seed, same bytes",
                    "two calls with one seed make different rows; draw everything from host.rng()",
                ),
                (
                    "1 against 8 threads",
                    "1 and 8 threads make different rows; key every draw by its position, and add \
                     up in one order",
                ),
            ],
        ),
        (
            "-DFLAW=\"threads\"",
            &[(
                "1 against 8 threads",
                "1 and 8 threads make different rows; key every draw by its position, and add up \
                 in one order",
            )],
        ),
        (
            "-DFLAW=\"panic\"",
            &[(
                "panic contained",
                "a panic ends its process (signal 6 (SIGABRT)); build it with panic = \"unwind\", \
                 or have every registry isolate it",
            )],
        ),
        ("-DFLAW=\"nothing\"", &[("nothing wanted", aborted)]),
    ] {
        // The random cases find some of these too; here each test is to find its own.
        let cases = 0;
        let report = report(
            &[flaw],
            &Options {
                cases,
                ..Options::default()
            },
        );
        let found = failed(&report);
        let found: Vec<_> = found.iter().map(|(n, why)| (*n, why.as_str())).collect();
        assert_eq!(found, expected, "{flaw}");
    }
    for (flaw, name) in [("empty-class", "empty class"), ("one-row", "one-row class")] {
        let cases = 0;
        let flag = format!("-DFLAW=\"{flaw}\"");
        let found = failed(&report(
            &[&flag],
            &Options {
                cases,
                ..Options::default()
            },
        ));
        assert_eq!(found, [(name, aborted.to_owned())]);
    }
}

#[test]
fn a_plugin_that_does_not_hear_that_it_is_to_stop_is_found() {
    let found = failed(&report(
        &["-DFLAW=\"deaf\""],
        &Options {
            cases: 0,
            ..Options::default()
        },
    ));
    assert_eq!(found.len(), 1, "{found:?}");
    let (name, why) = &found[0];
    assert_eq!(*name, "cancel within a second");
    assert!(
        why.ends_with(
            " s after it was told to stop; ask host.check() or host.progress() about once a second"
        ),
        "{why}"
    );
}

#[test]
fn a_random_case_that_fails_is_named_and_runs_again_alone() {
    let flags = &["-DFLAW=\"fuzz\""];
    let found = failed(&report(flags, &Options::default()));
    assert_eq!(found.len(), 1, "{found:?}");
    let why = &found[0].1;
    let seed: u64 = why["seed ".len()..why.find(':').unwrap()].parse().unwrap();
    assert!(
        why.ends_with(&format!("(again alone with --reproduce {seed})")),
        "{why}"
    );
    let again = report(
        flags,
        &Options {
            reproduce: Some(seed),
            ..Options::default()
        },
    );
    assert_eq!(again.outcomes.len(), 1);
    let why = &failed(&again)[0].1;
    assert!(
        why.starts_with(&format!("seed {seed}: ")) && why.contains(" rows of 1, wanted "),
        "{why}"
    );
    let other = (0..).find(|&other| {
        let options = Options {
            reproduce: Some(other),
            ..Options::default()
        };
        report(flags, &options).passed()
    });
    assert!(other.is_some_and(|other| other < 8));
}

#[test]
fn what_is_not_done_when_the_time_is_over_has_failed() {
    let budget = Duration::from_millis(300);
    let options = Options {
        budget,
        ..Options::default()
    };
    let report = report(&["-DFLAW=\"deaf\""], &options);
    let found = failed(&report);
    assert!(report.took < Duration::from_secs(2));
    assert_eq!(
        found.last().map(|(n, why)| (*n, why.as_str())),
        Some(("fuzz", "not begun: 0.3 s are over"))
    );
}

#[test]
fn what_is_no_plugin_is_refused_before_the_tests() {
    let folder = Folder::new();
    let refuse = |path: &Path| {
        let refused = Subject::library(path, Some(Path::new(HOST))).unwrap_err();
        folder.text(&refused)
    };
    assert_eq!(
        refuse(&folder.path().join("libnone.so")),
        "plugin 'libnone': '<folder>/libnone.so' does not load: No such file or directory (os \
         error 2)"
    );
    let junk = folder.file("libjunk.so", "junk");
    assert!(refuse(&junk).starts_with("plugin 'libjunk': '<folder>/libjunk.so' does not load: "));
    let odd = folder.file("lib junk.so", "junk");
    assert_eq!(
        refuse(&odd),
        "plugin 'lib junk': '<folder>/lib junk.so' does not load: its name holds more than \
         letters, digits, '-' and '_'"
    );
}
