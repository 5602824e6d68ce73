//! `eos compare`: what it makes, what it leaves alone, what it refuses.

mod browser;
mod common;
mod scene;
mod schema;
mod small;

use common::{eos, ok, told};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder with the configuration of a short run on few images.
fn scene() -> tempfile::TempDir {
    let folder = scene::scene();
    small::use_in(folder.path());
    folder
}

/// A small comparison, made once for all tests; copied before a test changes it.
fn compared() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
        let _ = std::fs::remove_dir_all(&out);
        let folder = scene();
        let out_text = out.display().to_string();
        let methods = "as-trained,tau-norm,ncm,smote,eos:k=[5,10,50],pixel/smote";
        let arguments = [
            "compare",
            "c.toml",
            "--methods",
            methods,
            "--losses",
            "ce",
            "ldam",
            "--seeds",
            "0,1",
            "--out",
            &out_text,
            "--set",
            SMALL,
        ];
        ok(folder.path(), &arguments);
        out
    })
}

/// No class grows beyond so many rows.
const SMALL: &str = "oversample.wanted={cap=40}";

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(std::fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

/// Names of the lines of a summary.
fn lines(summary: &Value) -> Vec<String> {
    let line = |line: &Value| {
        format!(
            "{}/{}",
            line["loss"].as_str().unwrap(),
            line["method"].as_str().unwrap()
        )
    };
    summary["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

#[test]
fn every_loss_method_and_seed_has_its_result_and_a_line() {
    let out = compared();
    let summary = read(&out.join("summary.json"));
    let of = |loss: &str, all: &[&str]| -> Vec<String> {
        all.iter().map(|m| format!("{loss}/{m}")).collect()
    };
    let mut wanted = of(
        "ce",
        &[
            "as-trained",
            "tau-norm",
            "ncm",
            "smote",
            "eos:k=5",
            "eos:k=10",
            "eos:k=50",
            "pixel/smote",
        ],
    );
    // A normalised head has no norms.
    wanted.extend(of(
        "ldam",
        &[
            "as-trained",
            "ncm",
            "smote",
            "eos:k=5",
            "eos:k=10",
            "eos:k=50",
            "pixel/smote",
        ],
    ));
    assert_eq!(lines(&summary), wanted);
    assert_eq!(summary["skipped"][0]["method"], "tau-norm");
    assert_eq!(summary["baseline"], "ce/as-trained");
    let files = std::fs::read_dir(out.join("results")).unwrap().count();
    assert_eq!(
        (
            files,
            std::fs::read_dir(out.join("backbones")).unwrap().count()
        ),
        (30, 8)
    );

    let by_name = |name: &str| {
        let at = lines(&summary)
            .iter()
            .position(|line| line == name)
            .unwrap();
        summary["lines"][at].clone()
    };
    // Heads on embeddings stand on one network, whose cost is theirs; pixel/smote has trained one of its own on more.
    let steps = |name: &str| by_name(name)["cost"]["network_steps"].as_u64().unwrap();
    assert_eq!((steps("ce/smote"), steps("ce/as-trained")), (4, 4));
    assert_eq!(
        by_name("ce/smote")["added"],
        by_name("ce/pixel/smote")["added"]
    );
    let added = by_name("ce/pixel/smote")["added"].as_u64().unwrap();
    assert_eq!(added, (40 - 27) + (40 - 16) + (40 - 10));
    assert_eq!(steps("ce/pixel/smote"), (459 + added).div_ceil(128));
    // SMOTE leaves the gap between least and greatest values as it is, EOS does not.
    let gap = |name: &str| by_name(name)["gap"]["mean"].as_f64().unwrap();
    assert!((gap("ce/smote") - gap("ce/as-trained")).abs() < 1e-6);
    assert!(gap("ce/eos:k=50") < gap("ce/as-trained"));
    let words = by_name("ce/pixel/smote")["notes"].to_string();
    assert!(words.contains("0 of 67 are copies"), "{words}");
    assert!(out.join("images/ce-s0-pixel-smote.png").exists());
    assert!(out.join("heads/ldam-s1-eos(k=10).safetensors").exists());

    let csv = std::fs::read_to_string(out.join("table.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + wanted.len());
    let markdown = std::fs::read_to_string(out.join("table.md")).unwrap();
    assert!(markdown.contains("| ce | as-trained | ") && markdown.contains("**"));
}

#[test]
fn the_summary_is_what_its_schema_says_and_all_of_it() {
    let path = "../crates/eos-pipeline/schema/compare.schema.json";
    let schema = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let summary = read(&compared().join("summary.json"));
    assert_eq!(schema::faults(&schema, &summary), Vec::<String>::new());
    let mut optional = Vec::new();
    schema::optional(&schema, "$", &mut optional);
    assert_eq!(optional, Vec::<String>::new());
}

#[test]
fn only_what_is_missing_is_made_and_has_the_same_figures() {
    let folder = scene();
    let out = folder.path().join("out");
    copy(compared(), &out);
    let result = out.join("results/ce-s1-eos(k=10).json");
    let before = read(&result);
    std::fs::remove_file(&result).unwrap();
    let kept = out.join("results/ce-s1-smote.json");
    let untouched = std::fs::metadata(&kept).unwrap().modified().unwrap();
    let told = ok(
        folder.path(),
        &[
            "compare",
            "c.toml",
            "--methods",
            "smote,eos:k=10,random",
            "--seeds",
            "0,1",
            "--out",
            "out",
            "--set",
            SMALL,
        ],
    );
    assert!(
        told.contains("phase 1 is taken from its checkpoint") && !told.contains("epoch 1 of 1"),
        "{told}"
    );
    let after = read(&result);
    for key in ["predicted", "labels", "loss", "method", "setting"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!(
        std::fs::metadata(&kept).unwrap().modified().unwrap(),
        untouched
    );
    let summary = read(&out.join("summary.json"));
    assert_eq!(lines(&summary), ["ce/smote", "ce/eos:k=10", "ce/random"]);
    assert_eq!(summary["baseline"], "ce/smote");
}

#[test]
fn results_of_another_configuration_or_version_are_not_mixed() {
    let folder = scene();
    let out = folder.path().join("out");
    copy(compared(), &out);
    let refused = |more: &[&str]| {
        let arguments = [
            &["compare", "c.toml", "--methods", "smote", "--out", "out"][..],
            more,
        ]
        .concat();
        let output = eos(folder.path(), &arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        told(&output)
    };
    let other = refused(&["--set", SMALL, "--set", "head.epochs=2"]);
    assert!(
        other.contains("another configuration (differing: config.head.epochs)"),
        "{other}"
    );
    let config = out.join("compare.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("layout = 1", "layout = 0")
            .replace("version = \"", "version = \"0.0."),
    )
    .unwrap();
    let older = refused(&["--set", SMALL]);
    assert!(
        older.contains("it holds a comparison of version 0.0.") && older.contains("--fresh"),
        "{older}"
    );
    assert!(out.join("results/ce-s0-smote.json").exists());
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_trained() {
    let folder = scene();
    let refused = |arguments: &[&str]| {
        let output = eos(folder.path(), &[&["compare"], arguments].concat())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        told(&output)
    };
    for (arguments, word) in [
        (
            &["c.toml", "--methods", "smoet"][..],
            "there is no method 'smoet'; did you mean 'smote'?",
        ),
        (
            &["c.toml", "--losses", "focl"],
            "there is no loss 'focl'; did you mean 'focal'?",
        ),
        (&["c.toml", "--losses", "ce+drw"], "write +effective+drw"),
        (&["c.toml", "--methods", "eos:kk=3"], "kk"),
        (
            &["c.toml", "--methods", "eos:k=5|10"],
            "there are no validation rows",
        ),
        (&["c.toml", "--methods", "pixel/ncm"], "it adds no rows"),
        (
            &["c.toml", "--methods", "pixel/eos:k=5|10"],
            "would train a network for each",
        ),
        (
            &["c.toml", "--methods", "tau-norm:tau=much"],
            "tau cannot be much",
        ),
        (&["c.toml", "--where", "pixels"], "no place 'pixels'"),
        (
            &["c.toml", "--losses", "ldam", "--set", "model.head=linear"],
            "loss 'ldam'",
        ),
    ] {
        let told = refused(arguments);
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn embeddings_from_elsewhere_are_compared_too_and_validation_chooses() {
    let folder = scene();
    let at = |name: &str| {
        compared()
            .join("backbones")
            .join(name)
            .display()
            .to_string()
    };
    let (x, test, other) = (
        at("ce-s0-backbone/phase2/train.npz"),
        at("ce-s0-backbone/phase2/test.npz"),
        at("ce-s1-backbone/phase2/train.npz"),
    );
    let head = at("ce-s0-backbone/phase1/network.safetensors");
    let given = [
        "compare",
        "--x",
        &x,
        "--test-x",
        &test,
        "--set",
        SMALL,
        "--set",
        "head.epochs=1",
        "--out",
        "e",
    ];
    let json = ok(
        folder.path(),
        &[
            &given[..],
            &["--head", &head, "--methods", "as-trained,smote", "--json"],
        ]
        .concat(),
    );
    let summary: Value = serde_json::from_str(&json).unwrap();
    let whole = read(&compared().join("results/ce-s0-as-trained.json"));
    assert_eq!(
        summary["lines"][0]["bac"]["values"][0],
        whole["measured"]["bac"]
    );
    assert_eq!(summary["simd_path"], Value::Null);

    let refuse = |more: &[&str], word: &str| {
        let output = eos(folder.path(), &[&given[..], more].concat())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(told(&output).contains(word), "{}", told(&output));
    };
    // The same folder with other embeddings: the head is among them.
    refuse(&["--methods", "smote"], "differing: embeddings");
    refuse(&["--methods", "as-trained"], "give it with --head");
    refuse(
        &["--methods", "smote", "--losses", "ce"],
        "--losses trains networks",
    );
    refuse(
        &["--methods", "pixel/smote"],
        "adds images, and embeddings are given",
    );

    let chosen = [
        "--fresh",
        "--validation-x",
        &other,
        "--methods",
        "retrained,eos:k=5|50",
        "--json",
    ];
    let json = ok(folder.path(), &[&given[..], &chosen].concat());
    let summary: Value = serde_json::from_str(&json).unwrap();
    let choice = &summary["lines"][1]["chosen"][0];
    let candidates = choice["candidates"].as_array().unwrap();
    let bac = |at: usize| candidates[at]["bac"].as_f64().unwrap();
    let best = usize::from(bac(1) > bac(0));
    assert_eq!(choice["method"], candidates[best]["method"]);
    assert_eq!(
        (candidates.len(), &summary["lines"][1]["method"]),
        (2, &Value::from("eos:k=5|50"))
    );
    assert!(folder.path().join("e.old-1").exists());
}

#[test]
fn the_page_holds_every_section_loads_nothing_and_fits_a_phone() {
    let path = compared().join("compare.html");
    let page = std::fs::read_to_string(&path).unwrap();
    for id in [
        "table",
        "difference",
        "classes",
        "gap",
        "sweeps",
        "images",
        "cost",
        "again",
    ] {
        assert!(
            page.contains(&format!("<h2 id=\"{id}\">")),
            "no section {id}"
        );
    }
    browser::loads_nothing(&page);
    for entry in std::fs::read_dir(compared().join("plots")).unwrap() {
        assert!(page.contains(&std::fs::read_to_string(entry.unwrap().path()).unwrap()));
    }
    let Some(browser) = browser::browser() else {
        println!("skipped: no chromium, chromium-browser or google-chrome on PATH");
        return;
    };
    assert_eq!(browser::overflow_on_a_phone(&browser, &path), 0);
}
