//! The phases one by one, as somebody uses them who brings images, embeddings or a network.

mod common;
mod scene;
mod small;

use common::{eos, ok, told};
use scene::scene;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Puts a finished run of one epoch into `runs/c`; it is run once for all tests.
fn trained(scene: &Path) {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join("phases-apart");
        let _ = std::fs::remove_dir_all(&run);
        let out = run.display().to_string();
        ok(scene, &["run", "c.toml", "--out", &out]);
        run
    });
    copy(run, &scene.join("runs/c"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }
}

/// The embedded set's test images as files, as a user has theirs.
fn images(scene: &Path) -> [String; 2] {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/eos-data/data");
    ["images-idx3", "labels-idx1"].map(|kind| {
        let name = format!("demo-test2000-{kind}-ubyte.gz");
        let to = scene.join(&name);
        std::fs::copy(source.join(&name), &to).unwrap();
        to.display().to_string()
    })
}

/// Balanced accuracy as a table prints it.
fn bac(table: &str) -> &str {
    let line = table.lines().find(|line| line.starts_with("balanced"));
    line.and_then(|line| line.split_whitespace().last())
        .unwrap_or_else(|| panic!("no balanced accuracy in {table}"))
}

#[test]
fn the_phases_apart_give_what_a_run_gives() {
    let scene = scene();
    let folder = scene.path();
    trained(folder);
    let [test, _] = images(folder);
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("runs/c/summary.json")).unwrap())
            .unwrap();
    let of_eos = |key: &str| summary["methods"][3][key].clone();

    // The checkpoint tells its architecture and normalization; the images are measured anew.
    let network = "runs/c/phase3/network.safetensors";
    let shown = ok(folder, &["eval", "--checkpoint", network, "--test", &test]);
    let in_run = format!("{:.2}", 100.0 * of_eos("bac").as_f64().unwrap());
    assert_eq!(bac(&shown), in_run, "{shown}");
    let json = ok(
        folder,
        &["eval", "--checkpoint", network, "--test", &test, "--json"],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["bac"], &json["confusion"]),
        (&of_eos("bac"), &of_eos("confusion"))
    );

    // Phase one's network with the method's head is the same network.
    let first = "runs/c/phase1/network.safetensors";
    let head = "runs/c/phase3/eos.safetensors";
    let with = ok(
        folder,
        &[
            "eval",
            "--checkpoint",
            first,
            "--head",
            head,
            "--test",
            &test,
        ],
    );
    assert_eq!(bac(&with), in_run);

    let embedded = [
        "embed",
        "--checkpoint",
        first,
        "--data",
        &test,
        "--out",
        "t.npz",
    ];
    ok(folder, &embedded);
    let run = std::fs::read(folder.join("runs/c/phase2/test.npz")).unwrap();
    assert!(std::fs::read(folder.join("t.npz")).unwrap() == run);

    // Sampled again with the run's seed, and trained on again, bit by bit the same.
    let (train, test) = ("runs/c/phase2/train.npz", "runs/c/phase2/test.npz");
    ok(folder, &["sample", "--x", train, "--out", "b.npz"]);
    let run = std::fs::read(folder.join("runs/c/phase2/eos.npz")).unwrap();
    assert!(std::fs::read(folder.join("b.npz")).unwrap() == run);
    let tuned = ok(
        folder,
        &[
            "finetune",
            "--x",
            "b.npz",
            "--test-x",
            test,
            "--epochs",
            "1",
            "--out",
            "h.safetensors",
        ],
    );
    assert_eq!(bac(&tuned), in_run, "{tuned}");
    assert!(tuned.contains("load_file(\"h.safetensors\")"), "{tuned}");
    let scored = ok(folder, &["eval", "--head", "h.safetensors", "--x", test]);
    assert_eq!(bac(&scored), in_run, "{scored}");
    let own = std::fs::read(folder.join("h.safetensors")).unwrap();
    assert!(own == std::fs::read(folder.join(head)).unwrap());

    let gap = ok(
        folder,
        &[
            "gap",
            "--x",
            "b.npz",
            "--test-x",
            test,
            "--head",
            "h.safetensors",
            "--json",
        ],
    );
    let gap: serde_json::Value = serde_json::from_str(&gap).unwrap();
    let set = &gap["sets"][0];
    for figure in ["per_class", "mean", "sum"] {
        assert_eq!(set["gap"][figure], of_eos("gap")[figure], "{figure}");
    }
    let right = set["by_outcome"]["true_positives"]["mean"].as_f64();
    assert!(right < set["gap"]["mean"].as_f64());

    // The whole folder at once: every method in the run's order, with its own head.
    let run = ok(folder, &["gap", "--run", "runs/c", "--json"]);
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    assert_eq!(run["classes"], summary["classes"]);
    assert_eq!(run["train_counts"], summary["train_counts"]);
    let (sets, methods) = (&run["sets"], summary["methods"].as_array().unwrap());
    assert_eq!(sets.as_array().unwrap().len(), methods.len());
    for (m, method) in methods.iter().enumerate() {
        assert_eq!(sets[m]["name"], method["name"]);
        assert_eq!(sets[m]["gap"]["per_class"], method["gap"]["per_class"]);
        let norm = |value: &serde_json::Value| value.as_f64().unwrap() as f32;
        let (of_set, of_run) = (&sets[m]["head_norms"]["per_class"], &method["head_norms"]);
        assert_eq!(norm(&of_set[0]), norm(&of_run[0]));
    }
    // Alone, the balanced set has classes of one size: its gaps are the same, its correlations none.
    let missed = [&sets[3], set].map(|set| &set["by_outcome"]["false_negatives"]);
    for figure in ["per_class", "mean", "rows"] {
        assert_eq!(missed[0][figure], missed[1][figure], "{figure}");
    }
    assert!(missed[1]["correlation"].is_null() && !missed[0]["correlation"].is_null());
}

/// Writes an npz of `x` [N, 1] and text labels.
fn embeddings(path: &Path, rows: &[(f32, &str)]) {
    let names = ["bird", "cat", "dog"].map(str::to_owned);
    let of = |name: &str| names.iter().position(|n| n == name).unwrap() as u32;
    let x = rows.iter().map(|row| row.0).collect();
    let y = rows.iter().map(|row| of(row.1)).collect();
    let all = eos_data::Embeddings::new(x, 1, y, eos_data::Labels::text(&names)).unwrap();
    eos_data::write_embeddings_npz(path, &all).unwrap();
}

#[test]
fn a_head_s_file_knows_its_labels() {
    let scene = scene();
    let folder = scene.path();
    let rows: Vec<(f32, &str)> = (0..30)
        .map(|i| [(-3.0, "bird"), (0.0, "cat"), (3.0, "dog")][i % 3])
        .collect();
    embeddings(&folder.join("train.npz"), &rows);
    // A test set without the first class: its numbers are others, its names are not.
    embeddings(&folder.join("test.npz"), &[(3.0, "dog"), (0.0, "cat")]);
    for loss in ["ce", "asl", "{kind='focal', gamma=1}"] {
        let tuned = [
            "finetune",
            "--x",
            "train.npz",
            "--epochs",
            "200",
            "--loss",
            loss,
            "--class-weights",
            "effective",
            "--nesterov",
            "--clip-norm",
            "5",
            "--out",
            "h.safetensors",
        ];
        ok(folder, &tuned);
        let scored = [
            "eval",
            "--head",
            "h.safetensors",
            "--x",
            "test.npz",
            "--json",
        ];
        let scored: serde_json::Value = serde_json::from_str(&ok(folder, &scored)).unwrap();
        assert_eq!(scored["counts"], serde_json::json!([0, 1, 1]), "{loss}");
        assert_eq!(
            scored["confusion"]["counts"],
            serde_json::json!([0, 0, 0, 0, 1, 0, 0, 0, 1]),
            "{loss}: {scored}"
        );
    }
}

#[test]
fn a_run_takes_every_option_of_training() {
    let scene = scene();
    let folder = scene.path();
    small::use_in(folder);
    let sets = [
        "model.loss=ldam",
        "model.width-factor=2",
        "train.epochs=2",
        "train.class-weights=effective",
        "train.drw-from=1",
        "train.sampling=square-root",
        "train.mixup=0.2",
        "train.cutout=6",
        "train.nesterov=true",
        "train.decay=weights",
        "train.clip-norm=5",
        "head.start=trained",
        "oversample.beside=[]",
    ];
    let sets = sets.iter().flat_map(|set| ["--set", *set]);
    let run = ["run", "c.toml", "--out", "r"];
    ok(folder, &run.into_iter().chain(sets).collect::<Vec<_>>());
    let resolved = std::fs::read_to_string(folder.join("r/run.toml")).unwrap();
    for word in [
        "head = \"normalised\"",
        "max-margin = 0.5",
        "label-smoothing = 0.0",
    ] {
        assert!(resolved.contains(word), "no {word} in {resolved}");
    }
    let test = small::files()[1].display().to_string();
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("r/summary.json")).unwrap()).unwrap();
    let eos = &summary["methods"][1];
    let in_run = format!("{:.2}", 100.0 * eos["bac"].as_f64().unwrap());
    let network = "r/phase3/network.safetensors";
    let shown = ok(folder, &["eval", "--checkpoint", network, "--test", &test]);
    assert_eq!(bac(&shown), in_run, "{shown}");
    assert!(
        shown.contains("of 2 times the width") && shown.contains("a normalised head"),
        "{shown}"
    );
    let test = "r/phase2/test.npz";
    let shown = ok(
        folder,
        &["eval", "--head", "r/phase3/eos.safetensors", "--x", test],
    );
    assert_eq!(bac(&shown), in_run, "{shown}");
    assert!(
        shown.contains("head of 10 classes on 128 values"),
        "{shown}"
    );
}

#[test]
fn a_written_configuration_is_one_that_runs() {
    let scene = scene();
    let folder = scene.path();
    let [data, _] = images(folder);
    let shown = ok(folder, &["init", &data, "--out", "mine.toml"]);
    assert!(shown.contains("next: eos run mine.toml"), "{shown}");
    let text = std::fs::read_to_string(folder.join("mine.toml")).unwrap();
    let again = eos(folder, &["init", &data, "--out", "mine.toml"])
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(
        told(&again).contains("is there already"),
        "{}",
        told(&again)
    );
    assert_eq!(
        std::fs::read_to_string(folder.join("mine.toml")).unwrap(),
        text
    );

    // Without a test set, rows are held out to choose the epoch and to measure on.
    let small = ["model.arch=resnet20", "train.epochs=1", "head.epochs=1"];
    let sets = small.iter().flat_map(|set| ["--set", *set]);
    let arguments: Vec<&str> = ["run", "mine.toml", "--out", "r"]
        .into_iter()
        .chain(sets)
        .collect();
    ok(folder, &arguments);
    let resolved = std::fs::read_to_string(folder.join("r/run.toml")).unwrap();
    for word in ["select = \"validation\"", "device = \"auto\"", "mean = ["] {
        assert!(resolved.contains(word), "no {word} in {resolved}");
    }
    assert!(folder.join("r/phase2/validation.npz").is_file());
}

#[test]
fn a_run_goes_on_from_phase_one() {
    let scene = scene();
    let folder = scene.path();
    small::use_in(folder);
    let shown = ok(folder, &["train", "c.toml"]);
    assert!(
        shown.contains("checkpoint: runs/c/phase1/network.safetensors"),
        "{shown}"
    );
    let network = std::fs::read(folder.join("runs/c/phase1/network.safetensors")).unwrap();
    // Another device gives the same bits, so that it may go on.
    let shown = ok(folder, &["run", "c.toml", "--set", "run.device=cpu"]);
    for words in [
        "phase 1 is taken from its checkpoint",
        "on the CPU (",
        "neighbours on cpu, seed ",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    assert!(std::fs::read(folder.join("runs/c/phase1/network.safetensors")).unwrap() == network);
    let events = std::fs::read_to_string(folder.join("runs/c/events.jsonl")).unwrap();
    let phases: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "phase")
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(phases[..2], ["train", "embed"]);
    assert_eq!(phases.iter().filter(|name| *name == "sample").count(), 3);
}

#[test]
fn a_run_on_a_device_that_is_not_there_leaves_no_folder() {
    let scene = scene();
    let folder = scene.path();
    for command in ["run", "train"] {
        for (device, code, words) in [
            ("cuda:4096", 1, "--device cpu"),
            (
                "gpu",
                2,
                "there is no device 'gpu'; give auto, cpu, cuda or cuda:N",
            ),
        ] {
            let set = format!("run.device={device}");
            let arguments = [command, "c.toml", "--set", &set];
            let output = eos(folder, &arguments).output().unwrap();
            let text = told(&output);
            assert_eq!(output.status.code(), Some(code), "{text}");
            assert!(text.contains(words), "{text}");
            assert!(!folder.join("runs").exists());
        }
    }
}

#[test]
fn what_does_not_fit_is_told_and_leaves_files_as_they_were() {
    let scene = scene();
    let folder = scene.path();
    let [test, labels] = images(folder);
    trained(folder);
    let network = "runs/c/phase1/network.safetensors";
    let (train, eos_head) = ("runs/c/phase2/train.npz", "runs/c/phase3/eos.safetensors");
    std::fs::write(folder.join("kept.npz"), "as it was").unwrap();
    for (arguments, word) in [
        (
            &[
                "sample", "--x", train, "--set", "k=none", "--out", "kept.npz",
            ][..],
            "k",
        ),
        (
            &["sample", "--x", train, "--set", "k", "--out", "kept.npz"],
            "wanted key=value",
        ),
        (
            &[
                "sample", "--x", train, "--wanted", "most", "--out", "kept.npz",
            ],
            "is no rule",
        ),
        (
            &[
                "sample", "--x", train, "--method", "eoss", "--out", "kept.npz",
            ],
            "no plugin 'eoss'",
        ),
        (&["sample", "--x", train], "--out"),
        (
            &[
                "eval",
                "--checkpoint",
                network,
                "--test",
                &test,
                "--arch",
                "resnet32",
            ],
            "--arch resnet20",
        ),
        (
            &["eval", "--checkpoint", eos_head, "--test", &test],
            "unknown architecture",
        ),
        (
            &["eval", "--checkpoint", &labels, "--test", &test],
            "labels-idx1",
        ),
        (&["gap", "--x", train, "--test-x", "kept.npz"], "kept.npz"),
        (
            &[
                "finetune", "--x", train, "--start", "kept.npz", "--out", "h",
            ],
            "kept.npz",
        ),
        (
            &["finetune", "--x", train, "--schedule", "none", "--out", "h"],
            "one-cycle",
        ),
        (
            &["finetune", "--x", train, "--loss", "focl", "--out", "h"],
            "`focal`",
        ),
        (
            &[
                "finetune",
                "--x",
                train,
                "--beta",
                "2",
                "--class-weights",
                "effective",
                "--out",
                "h",
            ],
            "beta is 2",
        ),
        (&["eval", "--head", eos_head], "--checkpoint and --test"),
        (&["eval", "--test", &test], "--checkpoint"),
        (&["init", train], "holds embeddings"),
    ] {
        let output = eos(folder, arguments).output().unwrap();
        let text = told(&output);
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{arguments:?}: {text}"
        );
        assert!(text.contains(word), "{arguments:?}: {text}");
        assert!(!text.contains("bug in eos"), "{text}");
    }
    assert_eq!(
        std::fs::read(folder.join("kept.npz")).unwrap(),
        b"as it was"
    );
    assert!(!folder.join("h").exists() && !folder.join("eos.toml").exists());
}

#[test]
fn a_dry_run_tells_rows_and_bytes_and_writes_nothing() {
    let scene = scene();
    let folder = scene.path();
    trained(folder);
    let shown = ok(
        folder,
        &[
            "sample",
            "--x",
            "runs/c/phase2/train.npz",
            "--wanted",
            "cap=300",
            "--dry-run",
        ],
    );
    assert!(
        shown.contains("1580 rows of 64 values added to 2478: 4058"),
        "{shown}"
    );
    assert!(shown.contains("9: 10 + 290"), "{shown}");
    assert!(
        shown.contains("MiB") && shown.contains("time: about"),
        "{shown}"
    );
}
