//! The report and the summary of a real run: what they hold, and what a browser makes of the page.

mod browser;
mod common;
mod scene;
mod schema;

use common::{eos, ok, told};
use scene::scene;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A finished run of one epoch, drawn again with a map by t-SNE; made once for all tests.
struct Finished {
    run: PathBuf,
    /// What was there at first.
    summary: Value,
    plots: usize,
    /// What the command that drew it again said.
    told: String,
}

fn made() -> &'static Finished {
    static RUN: OnceLock<Finished> = OnceLock::new();
    RUN.get_or_init(|| {
        let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
        let _ = std::fs::remove_dir_all(&run);
        let (scene, out) = (scene(), run.display().to_string());
        let words = ["run", "c.toml", "--out", &out];
        ok(scene.path(), &words);
        let (summary, plots) = (summary(&run), plots(&run).len());
        let more = [&words[..], &["--set", "report.tsne=true"]].concat();
        let told = ok(scene.path(), &more);
        Finished {
            run,
            summary,
            plots,
            told,
        }
    })
}

fn finished() -> &'static Path {
    &made().run
}

fn summary(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("summary.json")).unwrap()).unwrap()
}

fn plots(run: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(run.join("plots")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

fn page() -> String {
    std::fs::read_to_string(finished().join("report.html")).unwrap()
}

#[test]
fn the_page_holds_every_section_and_loads_nothing() {
    let page = page();
    for id in [
        "recall",
        "confusion",
        "gap",
        "training",
        "map",
        "mistakes",
        "origins",
        "cost",
        "again",
    ] {
        assert!(
            page.contains(&format!("<h2 id=\"{id}\">")),
            "no section {id}"
        );
    }
    assert!(page.contains("<img src=\"data:image/png;base64,"));
    assert!(page.contains("enemy: "), "no synthetic row by its enemy");
    browser::loads_nothing(&page);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn each_plot_in_the_page_is_a_file_too() {
    let (page, files) = (page(), plots(finished()));
    for file in &files {
        let svg = std::fs::read_to_string(file).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
        assert!(page.contains(&svg), "{}", file.display());
    }
    assert_eq!((files.len(), page.matches("<svg ").count()), (11, 11));
}

#[test]
fn a_finished_run_is_drawn_again_with_the_same_figures() {
    let made = made();
    assert!(made.told.contains("phase 1 is taken from its checkpoint"));
    assert_eq!(made.plots, 10);
    assert!(page().contains("The same rows by t-SNE"));
    let figures = |summary: &Value| -> Vec<[Value; 4]> {
        let methods = summary["methods"].as_array().unwrap().iter();
        let of = |m: &Value| ["name", "confusion", "gap", "head_norms"].map(|key| m[key].clone());
        methods.map(of).collect()
    };
    assert_eq!(figures(&summary(&made.run)), figures(&made.summary));
    let out = made.run.display().to_string();
    let again = ["run", "c.toml", "--out", &out, "--set", "report.tsne=true"];
    let refused = eos(scene().path(), &again).output().unwrap();
    assert!(told(&refused).contains("it holds this run, finished"));
}

#[test]
fn a_browser_runs_the_page_s_script_and_a_phone_shows_it_whole() {
    let Some(browser) = browser::browser() else {
        println!("skipped: no chromium, chromium-browser or google-chrome on PATH");
        return;
    };
    let page = finished().join("report.html");
    let dom = browser::dom(&browser, &page);
    assert_eq!(browser::root(&dom, "data-script"), "ran");
    assert_eq!(browser::root(&dom, "data-overflow"), "0");
    let rings = browser::root(&dom, "data-origins");
    let rings: Vec<usize> = rings
        .split(' ')
        .map(|count| count.parse().unwrap())
        .collect();
    assert!(
        rings.len() == 2 && rings[0] > 100 && rings[1] == rings[0],
        "{rings:?} synthetic rows with origins on the maps"
    );
    assert!(dom.contains("Point at, tap or focus a ring"));
    assert_eq!(browser::overflow_on_a_phone(&browser, &page), 0);

    let shot = finished().join("report.png");
    let shown = [format!("--screenshot={}", shot.display())];
    browser::open(&browser, &page, 1200, &shown);
    assert!(std::fs::read(&shot).unwrap().starts_with(b"\x89PNG"));
}

fn summary_schema() -> Value {
    let path = "../crates/eos-pipeline/schema/summary.schema.json";
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_summary_is_what_its_schema_says_and_all_of_it() {
    let summary = summary(finished());
    let schema = summary_schema();
    // No field of a summary is unknown to the schema, and none of the schema is missing in a summary.
    assert_eq!(schema::faults(&schema, &summary), Vec::<String>::new());
    let mut optional = Vec::new();
    schema::optional(&schema, "$", &mut optional);
    assert_eq!(optional, Vec::<String>::new());

    let broken = |pointer: &str, value: Value, wanted: &str| {
        let mut summary = summary.clone();
        *summary.pointer_mut(pointer).unwrap() = value;
        let faults = schema::faults(&schema, &summary);
        assert_eq!(faults, [wanted]);
    };
    broken(
        "/methods/0/bac",
        json!(1.5),
        "$.methods[0].bac: 1.5 is more than 1",
    );
    broken(
        "/epochs/0/epoch",
        json!(0),
        "$.epochs[0].epoch: 0 is less than 1",
    );
    broken(
        "/measured_on",
        json!("train"),
        "$.measured_on: \"train\" is none of [\"test\",\"validation\"]",
    );
    broken(
        "/test_rows",
        json!(2.5),
        "$.test_rows: 2.5 is no \"integer\"",
    );
    let with_more = |mut summary: Value| {
        summary["more"] = json!(1);
        schema::faults(&schema, &summary)
    };
    assert_eq!(with_more(summary.clone()), ["$: 'more' is not known"]);
    let mut less = summary;
    less.as_object_mut().unwrap().remove("seed");
    assert_eq!(schema::faults(&schema, &less), ["$: no 'seed'"]);
}
