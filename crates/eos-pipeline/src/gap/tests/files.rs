//! What an analysis looks like: tables, CSV, files.

use super::{Options, Scene};
use crate::gap::{Dimensions, EqualRows, render, write_csv, write_files};

#[test]
fn the_tables_read_as_they_do() {
    let found = Scene::new().analyse(Options {
        quantile: 0.0,
        equal_rows: Some(EqualRows { draws: 10, seed: 0 }),
    });
    insta::assert_snapshot!(render(&found));
}

#[test]
fn csv_has_a_line_for_each_set_outcome_class_and_dimension() {
    let csv = Scene::new().with(Options::default(), |request| {
        let mut csv = Vec::new();
        Dimensions::new(request).unwrap().write(&mut csv).unwrap();
        String::from_utf8(csv).unwrap()
    });
    let lines: Vec<&str> = csv.lines().collect();
    // Four outcomes of the set with a head, one of the other.
    assert_eq!(lines.len(), 1 + 3 * (4 + 1), "{csv}");
    for line in [
        "set,outcome,class,dimension,train_lower,train_upper,test_lower,test_upper,gap",
        "training rows,all,\"common, kin\",0,0,3,1,6,3",
        "training rows,all,absent,0,,,4,4,",
        "training rows,false negatives,rare,0,10,11,,,",
        "training rows,false positives,rare,0,10,11,6,6,4",
        "smote,all,rare,0,9,12,8,13,2",
    ] {
        assert!(lines.contains(&line), "no {line} in {csv}");
    }
}

#[test]
fn files_are_written_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new();
    let equal_rows = Some(EqualRows { draws: 2, seed: 0 });
    let options = Options {
        quantile: 0.0,
        equal_rows,
    };
    let analysis = scene.analyse(options);
    let out = folder.path().join("new/gap");
    scene.with(options, |request| {
        write_files(&out, request, &analysis).unwrap()
    });
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("gap.json")).unwrap();
    assert_eq!(
        json["sets"][0]["gap"]["per_class"],
        serde_json::json!([3.0, 4.0, null])
    );
    assert_eq!(
        json["geometry"]["spread_ratio"]["per_class"][2],
        serde_json::Value::Null
    );
    let csv = folder.path().join("gap.csv");
    scene.with(options, |request| write_csv(&csv, request).unwrap());
    assert_eq!(std::fs::read_to_string(csv).unwrap(), read("gap.csv"));
    for plot in ["gap", "gap-equal-rows", "shift", "spread", "norms"] {
        let svg = read(&format!("{plot}.svg"));
        assert!(
            svg.starts_with("<svg") && svg.contains("common, kin (4)"),
            "{plot}"
        );
    }

    // A folder in the place of one of the files: none of the others is written.
    let blocked = folder.path().join("blocked");
    std::fs::create_dir_all(blocked.join("norms.svg")).unwrap();
    let refused = scene.with(options, |request| write_files(&blocked, request, &analysis));
    let told = refused.unwrap_err().to_string();
    assert!(
        told.contains("norms.svg") && told.contains("it is a folder"),
        "{told}"
    );
    assert_eq!(std::fs::read_dir(&blocked).unwrap().count(), 1);
}
