//! Classes with fewer rows than neighbours to draw from.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::Set;
use eos_plugin_smote::ENTRY;
use std::collections::BTreeSet;

/// Points on a line: 8 of class 0, 3 of class 1, 1 of class 2.
fn set() -> Set {
    let labels = vec![0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
    Set {
        rows: (0..12).map(|i| i as f32).collect(),
        dims: 1,
        labels,
    }
}

/// Pairs of base and target, and the notes.
fn sample(wanted: &[u64; 3], params: &str) -> (BTreeSet<(u32, u32)>, Vec<String>) {
    let made = set().sample(&ENTRY, wanted, params).unwrap();
    (
        made.recipe
            .unwrap()
            .iter()
            .map(|r| (r.base, r.to))
            .collect(),
        made.notes,
    )
}

#[test]
fn by_default_a_small_class_uses_the_class_mates_that_there_are() {
    let (pairs, notes) = sample(&[0, 100, 4], "");
    let mates = [(8, 9), (8, 10), (9, 8), (9, 10), (10, 8), (10, 9), (11, 11)];
    assert_eq!(pairs, BTreeSet::from(mates));
    assert_eq!(
        notes,
        [
            "class 1 has 3 rows: k = 2 instead of 5 for its 100 synthetic rows (small-class = \
             \"shrink-k\")",
            "class 2 has 1 row: its 4 synthetic rows are copies (small-class = \"shrink-k\")",
        ]
    );
    // A class of k + 1 rows is large enough.
    assert!(sample(&[9, 9, 0], "k = 2").1.is_empty());
}

#[test]
fn a_small_class_is_repeated_on_request() {
    let (pairs, notes) = sample(&[0, 100, 4], "small-class = 'duplicate'");
    assert_eq!(pairs, BTreeSet::from([(8, 8), (9, 9), (10, 10), (11, 11)]));
    assert_eq!(
        notes[0],
        "class 1 has 3 rows: its 100 synthetic rows are copies (small-class = \"duplicate\")"
    );
}

#[test]
fn a_small_class_is_refused_on_request() {
    let refuse = |params: &str, wanted: &[u64; 3]| {
        set()
            .sample(&ENTRY, wanted, params)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse("small-class = 'error'", &[0, 1, 0]),
        "plugin 'smote' failed: class 1 has 3 rows, SMOTE with k = 5 needs 6; lower k, or set \
         small-class to \"shrink-k\" or \"duplicate\""
    );
    assert_eq!(
        refuse("k = 9223372036854775807\nsmall-class = 'error'", &[1, 0, 0]),
        "plugin 'smote' failed: class 0 has 8 rows, SMOTE with k = 9223372036854775807 needs \
         9223372036854775808; lower k, or set small-class to \"shrink-k\" or \"duplicate\""
    );
    // A class that wants nothing may be as small as it is.
    assert!(
        set()
            .sample(&ENTRY, &[5, 0, 0], "small-class = 'error'")
            .is_ok()
    );
}

#[test]
fn rows_stay_within_the_box_of_their_class() {
    let made = set().sample(&ENTRY, &[500, 500, 5], "").unwrap();
    for (row, label) in made.rows.iter().zip(&made.labels) {
        let (low, high) = [(0.0, 7.0), (8.0, 10.0), (11.0, 11.0)][*label as usize];
        assert!((low..=high).contains(row));
    }
}
