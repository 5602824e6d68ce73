//! A loaded plugin that breaks its promises is named, refused and, if need be, silenced.

mod common;

use common::{built, sample, sample_while};
use eos_registry::Plugin;
use std::process::Command;
use std::time::{Duration, Instant};

fn misbehaving() -> Plugin {
    built("EOS_TEST_MISBEHAVING").load("misbehaving").unwrap()
}

fn refusal(how: &str) -> String {
    let said = sample(&misbehaving(), &format!("how = '{how}'"), 4)
        .unwrap_err()
        .to_string();
    // Where in the file is for the plugin's author; that it is told is for this test.
    match said.split_once("lib.rs:") {
        Some((before, after)) => {
            let (folder, rest) = (
                before.rfind('(').unwrap(),
                after.trim_start_matches(char::is_numeric),
            );
            format!("{}(lib.rs:{rest}", &before[..folder])
        }
        None => said,
    }
}

#[test]
fn each_broken_promise_is_refused_by_name() {
    let broken = "plugin 'misbehaving' broke its contract: ";
    for (how, said) in [
        ("too-few", "it wrote 29 rows of class 2, 30 were wanted"),
        ("other-class", "it wrote 1 rows of class 0, 0 were wanted"),
        ("label", "row 49 has label 3, there are 3 classes"),
        ("base", "row 49 names base row 119, the data has 60"),
        (
            "base-class",
            "row 49 has label 2, its base row 0 is of class 0",
        ),
        ("from", "row 49 names from row 119, the data has 60"),
        ("to", "row 49 names to row 119, the data has 60"),
        ("ratio", "row 49 has ratio NaN"),
        (
            "query",
            "it asked eos.knn/1 for the neighbours of row 60, the data has 60",
        ),
        (
            "cancelled",
            "it says it was cancelled, and nobody asked it to stop",
        ),
    ] {
        assert_eq!(refusal(how), format!("{broken}{said}"), "{how}");
    }
    for (how, said) in [
        ("too-many", "failed: pushed more than the 50 rows wanted"),
        ("fail", "failed: the stars are wrong"),
        (
            "panic-in-new",
            "panicked: no such mood (lib.rs:); this is a fault of the plugin",
        ),
        (
            "panic",
            "panicked: index out of luck (lib.rs:); this is a fault of the plugin",
        ),
        (
            "panic-in-thread",
            "panicked: item 40 (lib.rs:); this is a fault of the plugin",
        ),
    ] {
        assert_eq!(
            refusal(how),
            format!("plugin 'misbehaving' {said}"),
            "{how}"
        );
    }
    assert_eq!(
        refusal("huge-ratio"),
        "plugin 'misbehaving': synthetic row 49 (base 11, from 11, to 0, ratio 3.4028235e38) is \
         not finite: these rows are too far apart for f32; scale the embeddings down"
    );
}

#[test]
fn a_plugin_is_still_of_use_after_it_has_failed() {
    let plugin = misbehaving();
    let good = sample(&plugin, "", 1).unwrap();
    assert!(sample(&plugin, "how = 'panic'", 1).is_err());
    assert_eq!(sample(&plugin, "how = 'panic-in-drop'", 1).unwrap(), good);
    assert_eq!(sample(&plugin, "", 1).unwrap(), good);
}

#[test]
fn a_plugin_that_works_for_ever_stops_within_a_second_of_being_told() {
    let mut told = None;
    let mut calls = 0;
    let mut progress = |_, _| {
        calls += 1;
        if calls == 20 {
            told = Some(Instant::now());
        }
        calls < 20
    };
    let stopped = sample_while(&misbehaving(), "how = 'endless'", 1, &mut progress).unwrap_err();
    assert_eq!(stopped.to_string(), "cancelled");
    assert!(told.expect("it was told").elapsed() < Duration::from_secs(1));
}

/// Runs itself in a process of its own, whose output can be read.
#[test]
fn a_panic_inside_a_plugin_prints_nothing() {
    const CHILD: &str = "EOS_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        for how in ["panic", "panic-in-thread", "panic-in-new", "panic-in-drop"] {
            let _ = sample(&misbehaving(), &format!("how = '{how}'"), 4);
        }
        eprintln!("survived");
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "a_panic_inside_a_plugin_prints_nothing",
        "--nocapture",
    ]);
    let done = child.env(CHILD, "1").output().unwrap();
    let printed = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && printed.contains("survived"),
        "{printed}"
    );
    assert!(!printed.contains("panicked"), "{printed}");
}
