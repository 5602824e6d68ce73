//! `eos gap` on embeddings from files. On the folder of a run: phases_apart.rs.

mod common;

use common::{eos, ok, told};
use eos_data::{Embeddings, Labels, write_embeddings_npz};
use eos_model::{Head, HeadKind};
use std::path::Path;

/// Writes an npz of `x` [N, 1] with text labels.
fn embeddings(path: &Path, rows: &[(f32, &str)]) {
    let mut names: Vec<String> = rows.iter().map(|row| row.1.to_owned()).collect();
    names.sort();
    names.dedup();
    let of = |name: &str| names.iter().position(|n| n == name).unwrap() as u32;
    let x = rows.iter().map(|row| row.0).collect();
    let y = rows.iter().map(|row| of(row.1)).collect();
    let all = Embeddings::new(x, 1, y, Labels::text(&names)).unwrap();
    write_embeddings_npz(path, &all).unwrap();
}

/// A folder with train.npz, smote.npz, test.npz, and head.safetensors, which names 5 and above "dog".
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cats = [(0.0, "cat"), (1.0, "cat"), (3.0, "cat")];
    let dogs = [(10.0, "dog"), (11.0, "dog"), (12.0, "dog")];
    embeddings(&at("train.npz"), &[&cats[..], &dogs[..2]].concat());
    embeddings(&at("smote.npz"), &[&cats[..], &dogs[..]].concat());
    let unseen = [(1.0, "cat"), (6.0, "cat"), (8.0, "dog"), (13.0, "dog")];
    embeddings(&at("test.npz"), &unseen);
    let head = Head {
        kind: HeadKind::Linear,
        weight: vec![0.0, 1.0],
        bias: vec![0.0, -5.0],
        classes: 2,
        dims: 1,
    };
    std::fs::write(at("head.safetensors"), head.to_safetensors().unwrap()).unwrap();
    folder
}

const SETS: [&str; 5] = ["gap", "--x", "train.npz", "--test-x", "test.npz"];

#[test]
fn before_and_after_in_every_form() {
    let scene = scene();
    let folder = scene.path();
    let with = |more: &[&'static str]| [&SETS[..], more].concat();
    let shown = ok(folder, &with(&["--with", "smote=smote.npz"]));
    for words in ["training rows", "smote", "3.0000", "--equal-rows measures"] {
        assert!(shown.contains(words), "no {words} in {shown}");
    }
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap();
    let cells: Vec<&str> = line("dog").split_whitespace().collect();
    assert_eq!(cells, ["dog", "2", "2", "4.0000", "3.0000"]);

    let json = with(&[
        "--head",
        "head.safetensors",
        "--with",
        "smote=smote.npz",
        "--with-head",
        "smote=head.safetensors",
        "--equal-rows",
        "--draws",
        "3",
        "--csv",
        "by-dimension.csv",
        "--out",
        "out",
        "--json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&ok(folder, &json)).unwrap();
    assert_eq!(json["classes"], serde_json::json!(["cat", "dog"]));
    assert_eq!(json["subsets"]["train_rows"], 2);
    let smote = &json["sets"][1];
    assert_eq!(smote["gap"]["per_class"], serde_json::json!([3.0, 3.0]));
    let positives = &smote["by_outcome"]["true_positives"];
    assert_eq!(positives["per_class"], serde_json::json!([0.0, 3.0]));
    let written = std::fs::read_to_string(folder.join("out/gap.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&written).unwrap(),
        json
    );
    let csv = std::fs::read_to_string(folder.join("by-dimension.csv")).unwrap();
    assert_eq!(
        csv,
        std::fs::read_to_string(folder.join("out/gap.csv")).unwrap()
    );
    assert!(
        csv.contains("\nsmote,false positives,dog,0,10,12,6,6,4\n"),
        "{csv}"
    );
    assert!(folder.join("out/norms.svg").is_file());

    let halves = ok(folder, &with(&["--quantile", "0.25"]));
    assert!(
        halves.contains("from quantile 0.25 to quantile 0.75"),
        "{halves}"
    );
}

#[test]
fn what_cannot_be_compared_is_said_in_a_line() {
    let scene = scene();
    let folder = scene.path();
    let head = Head::fresh(HeadKind::Linear, 3, 1, 0);
    std::fs::write(
        folder.join("three.safetensors"),
        head.to_safetensors().unwrap(),
    )
    .unwrap();
    let names = ["cat", "dog"].map(str::to_owned);
    let wide = Embeddings::new(vec![0.0; 4], 2, vec![0, 1], Labels::text(&names)).unwrap();
    write_embeddings_npz(&folder.join("wide.npz"), &wide).unwrap();
    embeddings(&folder.join("birds.npz"), &[(0.0, "bird"), (1.0, "cat")]);
    let cases: [(&[&str], i32, &str); 12] = [
        (
            &["gap"],
            2,
            "give --run with the folder of a run, or --x and --test-x",
        ),
        (
            &["gap", "--x", "train.npz"],
            2,
            "give --run with the folder of a run",
        ),
        (&["gap", "--run", "."], 2, "it holds no run with embeddings"),
        (
            &["gap", "--run", ".", "--x", "train.npz"],
            2,
            "cannot be used with",
        ),
        (&["--quantile", "0.5"], 2, "quantile is 0.5, wanted 0"),
        (&["--draws", "5"], 2, "--equal-rows"),
        (
            &["--equal-rows", "--draws", "0"],
            2,
            "draws of equal rows are 0",
        ),
        (&["--with", "smote"], 2, "wanted NAME=FILE"),
        (&["--with", "smote=none.npz"], 1, "none.npz: cannot read"),
        (
            &["--with", "wide=wide.npz"],
            2,
            "wide.npz has rows of 2 values, the training rows have 1",
        ),
        (&["--with", "b=birds.npz"], 1, "'bird'"),
        (
            &["--head", "three.safetensors"],
            2,
            "tells 3 classes apart, the rows have 2",
        ),
    ];
    for (arguments, code, words) in cases {
        let arguments = match arguments[0] {
            "gap" => arguments.to_vec(),
            _ => [&SETS[..], arguments].concat(),
        };
        let output = eos(folder, &arguments).output().unwrap();
        let text = told(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
    let heads = [&SETS[..], &["--with-head", "x=head.safetensors"]].concat();
    let output = eos(folder, &heads).output().unwrap();
    assert!(
        told(&output).contains("--with-head x names no set"),
        "{}",
        told(&output)
    );
}
