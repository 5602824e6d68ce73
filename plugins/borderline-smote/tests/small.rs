//! Borderline-SMOTE on small and odd data.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::Set;
use contract::{check, edges, sets};
use eos_plugin_borderline_smote::ENTRY;
use proptest::prelude::*;

/// Points on a line: 8 of class 0, then 3 of class 1, the last of them far away.
fn set() -> Set {
    let rows = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.5, 8.0, 30.0];
    Set {
        rows,
        dims: 1,
        labels: vec![0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    }
}

#[test]
fn an_m_beyond_the_data_is_all_rows_with_a_note() {
    let made = set().sample(&ENTRY, &[0, 9], "m = 50").unwrap();
    // Of the ten others eight are enemies: half or more, not all.
    let notes = [
        "m = 10 instead of 50: there are 11 rows",
        "class 1 has 3 rows: k = 2 instead of 5 for its 9 synthetic rows (small-class = \
         \"shrink-k\")",
    ];
    assert_eq!(made.notes, notes);
    assert!(
        made.recipe
            .unwrap()
            .iter()
            .all(|r| r.base >= 8 && r.to >= 8)
    );
}

#[test]
fn a_small_class_goes_by_small_class() {
    let with =
        |word: &str| set().sample(&ENTRY, &[0, 9], &format!("m = 4\nsmall-class = '{word}'"));
    let copies = with("duplicate").unwrap().recipe.unwrap();
    assert!(copies.iter().all(|r| r.to == r.base && r.base >= 8));
    let said = with("error").unwrap_err().to_string();
    assert_eq!(
        said,
        "plugin 'borderline-smote' failed: class 1 has 3 rows, Borderline-SMOTE with k = 5 needs \
         6; lower k, or set small-class to \"shrink-k\" or \"duplicate\""
    );
}

#[test]
fn parameters_that_the_peer_refuses_are_refused() {
    for params in ["kind = 'x'", "m = 0", "k = 0", "k = -1"] {
        let said = set()
            .sample(&ENTRY, &[0, 1], params)
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("plugin 'borderline-smote': bad parameters"),
            "{said}"
        );
    }
}

#[test]
fn edge_cases_are_balanced_wherever_the_peer_balances_them_and_where_it_does_not() {
    for (kind, peer) in [("1", "BorderlineSMOTE1"), ("2", "BorderlineSMOTE2")] {
        let outcome = edges(&ENTRY, peer, &format!("kind = '{kind}'"));
        println!("{peer}: {outcome:?}");
        assert!(outcome.both > 6 && outcome.neither > 2, "{outcome:?}");
        assert_eq!(outcome.stricter, [""; 0]);
        for name in [
            "one_sample_minority",
            "minority_identical",
            "small_total_n_lt_m",
        ] {
            assert!(outcome.better.contains(&name.to_owned()), "{outcome:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), m in 1..15, k in 1..15, two in any::<bool>()) {
        let kind = if two { "2" } else { "1" };
        check(&ENTRY, &case, &format!("kind = '{kind}'\nm = {m}\nk = {k}"), |set, r| {
            let enemy = set.labels[r.to as usize] != r.label;
            let most = if enemy { 0.5 } else { 1.0 };
            r.from == r.base && (two || !enemy) && (0.0..most).contains(&r.ratio)
        });
    }
}
