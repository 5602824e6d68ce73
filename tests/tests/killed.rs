//! A run that is killed at any moment goes on to the bits of one that is not.
#![cfg(unix)]

mod common;

use common::{eos, ok, told};
use eos_tensor::{PhiloxRng, stream};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Kills in all, and those of them that find a file half written.
const KILLS: usize = 50;
const IN_A_WRITE: usize = 8;

const CONFIG: &str = "[data]\ntrain = \"train-images-idx3-ubyte\"\ntest = \"t10k-images-idx3-ubyte\"\n\
    [model]\narch = \"resnet20\"\n[train]\nepochs = 16\nbatch = 24\nschedule = \"cosine\"\n\
    crop-padding = 1\nmixup = 0.2\n[run]\nselect = \"validation\"\n\
    [head]\nepochs = 2\n[oversample]\nmethod = \"eos\"\n";

/// Images of 8 x 8 in three classes, and a configuration that trains on them in about a second.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = PhiloxRng::new(1, stream::BATCHES, 0);
    for (part, counts) in [("train", [60, 40, 20]), ("t10k", [20, 20, 20])] {
        let (mut images, mut labels) = (vec![0, 0, 8, 3], vec![0, 0, 8, 1]);
        let n: u32 = counts.iter().sum();
        for size in [n, 8, 8] {
            images.extend(size.to_be_bytes());
        }
        labels.extend(n.to_be_bytes());
        for (label, count) in (0..).zip(counts) {
            for _ in 0..count {
                labels.push(label);
                let bright = |at: u32| if at / 22 == u32::from(label) { 100 } else { 0 };
                images.extend((0..64).map(|at| (bright(at) + rng.below(120)) as u8));
            }
        }
        let path = |kind| folder.path().join(format!("{part}-{kind}-ubyte"));
        std::fs::write(path("images-idx3"), images).unwrap();
        std::fs::write(path("labels-idx1"), labels).unwrap();
    }
    std::fs::write(folder.path().join("c.toml"), CONFIG).unwrap();
    folder
}

/// Every result of a run by its name, without the seconds that it took.
fn results(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for part in ["phase1", "phase2", "phase3"] {
        for entry in std::fs::read_dir(run.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().display().to_string();
            if !name.ends_with("history.json") {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let metrics = std::fs::read_to_string(run.join("metrics.csv")).unwrap();
    let without_seconds = metrics.lines().map(|line| line.rsplit_once(',').unwrap().0);
    let metrics = without_seconds.collect::<Vec<_>>().join("\n");
    found.insert("metrics.csv".to_owned(), metrics.into_bytes());
    found
}

fn half_written(run: &Path) -> bool {
    let parts = ["phase1", "phase2", "phase3", "."];
    let entries = parts
        .into_iter()
        .filter_map(|part| std::fs::read_dir(run.join(part)).ok());
    entries
        .flatten()
        .filter_map(Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().ends_with(".partial"))
}

fn start(scene: &Path, out: &Path) -> Child {
    let out = out.display().to_string();
    eos(scene, &["run", "c.toml", "--out", &out])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until a file is half written, or the process has ended.
fn await_write(child: &mut Child, run: &Path) {
    while child.try_wait().unwrap().is_none() && !half_written(run) {
        std::hint::spin_loop();
    }
}

#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_bits() {
    let scene = scene();
    let began = Instant::now();
    ok(scene.path(), &["run", "c.toml", "--out", "whole"]);
    let whole = began.elapsed();
    let wanted = results(&scene.path().join("whole"));
    assert!(wanted.contains_key("phase3/network.safetensors"));

    let mut random = PhiloxRng::new(7, stream::BATCHES, 1);
    let (mut kills, mut in_a_write, mut runs) = (0, 0, 0);
    while kills < KILLS || in_a_write < IN_A_WRITE {
        assert!(runs < 100, "{kills} kills, {in_a_write} of them in a write");
        let run: PathBuf = scene.path().join(format!("killed-{runs}"));
        runs += 1;
        loop {
            let mut child = start(scene.path(), &run);
            // A moment within the run, long enough on average to get on.
            std::thread::sleep(Duration::from_secs_f32(
                whole.as_secs_f32() * 0.5 * random.unit(),
            ));
            if kills % 2 == 1 {
                await_write(&mut child, &run);
            }
            // SIGKILL. A run that was finished before is refused, and no more killed.
            child.kill().unwrap();
            if child.wait().unwrap().code().is_some() {
                break;
            }
            kills += 1;
            in_a_write += usize::from(half_written(&run));
        }
        let got = results(&run);
        assert!(run.join("summary.json").exists());
        let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&got), names(&wanted), "after {kills} kills");
        for (name, bytes) in &wanted {
            assert!(got[name] == *bytes, "{name} after {kills} kills");
        }
        assert!(!half_written(&run), "what was cut off is removed");
        std::fs::remove_dir_all(&run).unwrap();
    }
    println!("{kills} kills, {in_a_write} of them in a write, over {runs} runs");
}

#[test]
fn what_cannot_go_on_says_so() {
    let scene = scene();
    let told_of = |arguments: &[&str]| {
        let output = eos(scene.path(), arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        told(&output)
    };
    let run = ["run", "c.toml", "--out", "r"];
    let none = told_of(&[&run[..], &["--resume"]].concat());
    assert!(none.contains("holds no run to go on with"), "{none}");

    // Stopped while it trains, and another one at work in its folder meanwhile.
    let folder = scene.path().join("r");
    let more = [&run[..], &["--set", "train.epochs=2000"]].concat();
    let mut child = eos(scene.path(), &more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = folder.join("phase1/training.safetensors");
    while !state.exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    let busy = told_of(&more);
    assert!(busy.contains("another eos is at work in it"), "{busy}");
    let busy = told_of(&[&more[..], &["--fresh"]].concat());
    assert!(busy.contains("another eos is at work in it"), "{busy}");
    child.kill().unwrap();
    child.wait().unwrap();

    let other = told_of(&run);
    assert!(other.contains("differing: train.epochs"), "{other}");
    std::fs::write(&state, b"{}").unwrap();
    let spoilt = told_of(&more);
    assert!(spoilt.contains("phase1/training.safetensors"), "{spoilt}");
    assert!(spoilt.contains("--fresh starts the run over"), "{spoilt}");
}
