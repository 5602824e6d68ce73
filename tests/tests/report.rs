//! The report and the summary of a real run: what they hold, and what a browser makes of the page.

mod browser;
mod common;
mod scene;
mod schema;

use common::ok;
use scene::scene;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A finished run of one epoch, made once for all tests.
fn finished() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
        let _ = std::fs::remove_dir_all(&run);
        let out = run.display().to_string();
        ok(scene().path(), &["run", "c.toml", "--out", &out]);
        run
    })
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
    let page = page();
    let mut files = 0;
    for entry in std::fs::read_dir(finished().join("plots")).unwrap() {
        let svg = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
        assert!(page.contains(&svg));
        files += 1;
    }
    assert_eq!((files, page.matches("<svg ").count()), (10, 10));
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
    let rings: usize = browser::root(&dom, "data-origins").parse().unwrap();
    assert!(
        rings > 100,
        "{rings} synthetic rows with origins on the map"
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
    let summary: Value =
        serde_json::from_slice(&std::fs::read(finished().join("summary.json")).unwrap()).unwrap();
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
