//! Classes without an enemy in sight, and other small and odd data.

mod common;

use common::Set;
use eos_plugin_eos::ENTRY;

/// Points on a line: 20 of class 0 from 0 to 1.9 and 12 of class 1 from 100 to 101.1.
fn apart() -> Set {
    let near = (0..20).map(|i| i as f32 / 10.0);
    let far = (0..12).map(|i| 100.0 + i as f32 / 10.0);
    let labels = (0..32).map(|i| u32::from(i >= 20)).collect();
    Set {
        rows: near.chain(far).collect(),
        dims: 1,
        labels,
    }
}

/// Base and target of each row that class 1 gets, and the notes.
fn expand(set: &Set, params: &str) -> (Vec<(u32, u32)>, Vec<String>) {
    let made = set.sample(&ENTRY, &[0, 200], params).unwrap();
    assert_eq!(made.labels, [1; 200]);
    (
        made.recipe
            .unwrap()
            .iter()
            .map(|r| (r.base, r.to))
            .collect(),
        made.notes,
    )
}

fn all(pairs: &[(u32, u32)], hold: impl Fn(u32, u32) -> bool) -> bool {
    pairs.iter().all(|&(base, to)| hold(base, to))
}

#[test]
fn widening_stops_at_the_first_k_with_an_enemy() {
    let (pairs, notes) = expand(&apart(), "k = 5");
    // Doubled twice: with 20 neighbours, each of the 12 rows has its 11 class-mates and the nine
    // nearest of class 0, rows 11 to 19.
    assert!(all(&pairs, |base, to| base >= 20 && (11..20).contains(&to)));
    assert_eq!(
        notes,
        [
            "class 1: none of its 12 rows has another class among its 5 nearest: its 200 synthetic \
          rows were made with K widened to 20 (no-enemies = \"widen\")"
        ]
    );
    let (pairs, notes) = expand(&apart(), "k = 11");
    assert!(all(&pairs, |_, to| (9..20).contains(&to)));
    assert!(notes[0].contains("widened to 22"), "{notes:?}");
    // With K = 12 each row sees the nearest of class 0, and nothing has to be widened.
    let (pairs, notes) = expand(&apart(), "k = 12");
    assert!(all(&pairs, |_, to| to == 19) && notes.is_empty());
}

#[test]
fn the_script_has_no_habit_here_to_repeat() {
    let (pairs, _) = expand(&apart(), "k = 5\ncompat = 'reference'");
    assert!(all(&pairs, |base, to| base >= 20 && (11..20).contains(&to)));
}

#[test]
fn nearest_enemies_outright() {
    let (pairs, notes) = expand(&apart(), "k = 3\nno-enemies = 'nearest'");
    assert!(all(&pairs, |base, to| base >= 20 && (17..20).contains(&to)));
    assert_eq!(
        notes,
        [
            "class 1: none of its 12 rows has another class among its 3 nearest: its 200 synthetic \
          rows go towards the nearest rows of other classes, however far (no-enemies = \
          \"nearest\")"
        ]
    );
}

#[test]
fn interpolation_within_the_class() {
    let (pairs, notes) = expand(&apart(), "k = 2\nno-enemies = 'smote'");
    assert!(all(&pairs, |base, to| base >= 20
        && to >= 20
        && base.abs_diff(to) <= 2));
    assert_eq!(
        notes,
        [
            "class 1: none of its 12 rows has another class among its 2 nearest: its 200 synthetic \
          rows were interpolated within the class (no-enemies = \"smote\")"
        ]
    );
}

#[test]
fn refusal_on_request() {
    let said = apart()
        .sample(&ENTRY, &[0, 1], "no-enemies = 'error'")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "plugin 'eos' failed: class 1: none of its 12 rows has another class among its 10 nearest \
         (no-enemies = \"error\"); raise k, or set no-enemies to \"widen\", \"nearest\" or \"smote\""
    );
}

#[test]
fn a_class_alone_has_nothing_to_go_towards() {
    let alone = Set {
        rows: vec![0.0, 1.0, 2.0],
        dims: 1,
        labels: vec![0; 3],
    };
    for fallback in ["widen", "nearest"] {
        let params = format!("no-enemies = '{fallback}'");
        let said = alone.sample(&ENTRY, &[5], &params).unwrap_err().to_string();
        assert_eq!(
            said,
            "plugin 'eos' failed: class 0 is the only class: there is nothing to expand it \
             towards; set no-enemies = \"smote\", or use another method"
        );
    }
    assert!(alone.sample(&ENTRY, &[5], "no-enemies = 'smote'").is_ok());
    let one = Set {
        rows: vec![4.0],
        dims: 1,
        labels: vec![0],
    };
    let made = one.sample(&ENTRY, &[2], "no-enemies = 'smote'").unwrap();
    assert_eq!(made.rows, [4.0, 4.0]);
    assert!(
        made.notes[0].contains("are copies of its only row"),
        "{:?}",
        made.notes
    );
}

#[test]
fn a_class_of_one_row_and_a_k_beyond_the_data_are_no_trouble() {
    let set = Set {
        rows: vec![0.0, 1.0, 2.0, 9.0],
        dims: 1,
        labels: vec![0, 0, 0, 1],
    };
    for k in ["1", "3", "4", "1000000", "9223372036854775807"] {
        let made = set.sample(&ENTRY, &[0, 50], &format!("k = {k}")).unwrap();
        assert!(
            made.recipe.unwrap().iter().all(|r| r.base == 3 && r.to < 3),
            "k = {k}"
        );
        assert!(made.notes.is_empty());
    }
    assert!(set.sample(&ENTRY, &[0, 0], "").unwrap().labels.is_empty());
}

#[test]
fn points_that_are_all_equal_give_equal_points() {
    let set = Set {
        rows: vec![1.5; 40],
        dims: 2,
        labels: (0..20).map(|i| i % 2).collect(),
    };
    let made = set.sample(&ENTRY, &[3, 4], "").unwrap();
    assert_eq!(made.rows, [1.5; 14]);
}
