//! The `eos` command as a user runs it. Needs what `cargo xtask test` builds.

mod common;
mod scene;

use common::{eos, ok, told};
use scene::scene;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn partial_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(partial_files(&path));
        } else if path.to_string_lossy().contains(".partial") {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_run_leaves_a_whole_folder_that_no_other_run_overwrites() {
    let scene = scene();
    let text = ok(scene.path(), &["run", "c.toml"]);
    for word in [
        "as trained",
        "random",
        "smote",
        "eos",
        "Ankle boot",
        "G-mean (macro)",
        "report: runs/c/report.html",
    ] {
        assert!(text.contains(word), "no '{word}' in {text}");
    }
    let run = scene.path().join("runs/c");
    for file in [
        "run.toml",
        "metrics.csv",
        "summary.json",
        "report.html",
        "plots/recall.svg",
        "phase1/network.safetensors",
        "events.jsonl",
        "phase2/train.npz",
        "phase2/test.npz",
        "phase2/eos.npz",
        "phase3/smote.safetensors",
    ] {
        assert!(run.join(file).is_file(), "no {file}");
    }
    assert!(partial_files(&run).is_empty());
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(run.join("summary.json")).unwrap()).unwrap();
    let methods = summary["methods"].as_array().unwrap();
    let gap = |m: usize| methods[m]["gap"]["mean"].as_f64().unwrap();
    assert_eq!(methods.len(), 4);
    assert!(
        (gap(1) - gap(2)).abs() < 1e-6,
        "SMOTE leaves the gap of random over-sampling"
    );
    assert!(gap(3) < gap(0), "EOS narrows the gap");

    let again = eos(scene.path(), &["run", "c.toml"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(
        told(&again).contains("it holds this run, finished"),
        "{}",
        told(&again)
    );
    let changed = eos(scene.path(), &["run", "c.toml", "--set", "head.epochs=2"])
        .output()
        .unwrap();
    assert_eq!(changed.status.code(), Some(2));
    assert!(
        told(&changed).contains("(differing: head.epochs)"),
        "{}",
        told(&changed)
    );
    let after = serde_json::from_slice::<serde_json::Value>(
        &std::fs::read(run.join("summary.json")).unwrap(),
    );
    assert_eq!(after.unwrap(), summary);
}

#[test]
fn the_same_seed_gives_the_same_network_on_one_and_on_two_threads() {
    let scene = scene();
    let weights = |threads: &str| {
        let set = format!("run.threads={threads}");
        let out = format!("t{threads}");
        let adjusted = "head.logit-adjustment=1";
        let text = ok(
            scene.path(),
            &[
                "run", "c.toml", "--set", &set, "--set", adjusted, "--out", &out,
            ],
        );
        assert!(text.contains("logit-adjusted"), "{text}");
        std::fs::read(scene.path().join(out).join("phase3/network.safetensors")).unwrap()
    };
    assert!(weights("1") == weights("2"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_ends_with_130_and_no_half_written_file() {
    let scene = scene();
    let mut child = eos(
        scene.path(),
        &["run", "c.toml", "--set", "train.epochs=500"],
    )
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let run = scene.path().join("runs/c");
    while !run.join("run.toml").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(partial_files(&run).is_empty());
    assert!(!run.join("summary.json").exists());
}

#[test]
fn what_is_wrong_is_one_message_and_an_exit_code() {
    let scene = scene();
    std::fs::write(
        scene.path().join("cut-images-idx3-ubyte"),
        [0, 0, 8, 3, 0, 0],
    )
    .unwrap();
    std::fs::write(scene.path().join("bad.toml"), "[data]\nsett = 1\n").unwrap();
    for (arguments, code, word) in [
        (&["run", "none.toml"][..], 1, "cannot read none.toml"),
        (&["run", "bad.toml"], 2, "line 2"),
        (
            &["run", "c.toml", "--set", "train.epoch=3"],
            2,
            "unknown field `epoch`",
        ),
        (
            &["run", "c.toml", "--set", "oversample.method=eoss"],
            2,
            "no plugin 'eoss'",
        ),
        (
            &["run", "c.toml", "--set", "oversample.params.kk=3"],
            2,
            "unknown parameter 'kk'",
        ),
        (
            &["data", "info", "cut-images-idx3-ubyte"],
            1,
            "cut-images-idx3-ubyte",
        ),
        (&["plugins", "show", "nothing"], 2, "no plugin 'nothing'"),
        (
            &["run", "c.toml", "--set", "oversample.wanted=most"],
            2,
            "wanted 'most' is no rule",
        ),
        (
            &["run", "c.toml", "--out", "."],
            2,
            "it is not empty and holds no run",
        ),
        (&["run"], 2, "Usage"),
    ] {
        let output = eos(scene.path(), arguments).output().unwrap();
        let text = told(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(word), "{arguments:?}: {text}");
        assert!(
            !text.contains("panicked") && !text.contains("bug in eos"),
            "{text}"
        );
    }
    assert!(
        !scene.path().join("runs").exists(),
        "a refused run leaves no folder"
    );
}

#[test]
fn plugins_are_listed_and_shown() {
    let scene = scene();
    let list = told(&eos(scene.path(), &["plugins", "list"]).output().unwrap());
    let ids = [
        "adasyn",
        "borderline-smote",
        "eos",
        "gan",
        "kmeans-smote",
        "random",
        "rbo",
        "remix",
        "smote",
        "smoothed-bootstrap",
        "svm-smote",
        "transfer",
        "transfer-spread",
    ];
    for id in ids {
        let named = |line: &str| line.split_whitespace().next() == Some(id);
        assert!(list.lines().any(named), "{id}: {list}");
    }
    assert!(!list.contains("refused"), "{list}");
    let shown = told(
        &eos(scene.path(), &["plugins", "show", "eos"])
            .output()
            .unwrap(),
    );
    assert!(
        shown.contains("k = 10, min 1") && shown.contains("no-enemies"),
        "{shown}"
    );
    let doctor = eos(scene.path(), &["doctor"]).output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", told(&doctor));
}
