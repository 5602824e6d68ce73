//! ADASYN on small and odd data.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::Set;
use contract::{check, edges, sets};
use eos_plugin_adasyn::ENTRY;
use proptest::prelude::*;

#[test]
fn a_small_class_goes_by_small_class() {
    let set = Set {
        rows: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 2.5, 3.5],
        dims: 1,
        labels: vec![0, 0, 0, 0, 0, 0, 0, 1, 1],
    };
    let with = |word: &str| set.sample(&ENTRY, &[0, 9], &format!("small-class = '{word}'"));
    let copies = with("duplicate").unwrap().recipe.unwrap();
    assert!(copies.iter().all(|r| r.to == r.base && r.base >= 7));
    let shrunk = with("shrink-k").unwrap().recipe.unwrap();
    assert!(shrunk.iter().all(|r| r.to != r.base && r.to >= 7));
    let said = with("error").unwrap_err().to_string();
    assert!(
        said.contains("class 1 has 2 rows, ADASYN with k = 5 needs 6"),
        "{said}"
    );
    for params in ["k = 0", "k = 2.5", "compat = 'x'"] {
        let said = set.sample(&ENTRY, &[0, 1], params).unwrap_err().to_string();
        assert!(
            said.starts_with("plugin 'adasyn': bad parameters"),
            "{said}"
        );
    }
}

#[test]
fn edge_cases_are_balanced_wherever_the_peer_balances_them_and_where_it_does_not() {
    for compat in ["none", "imbalanced-learn"] {
        let outcome = edges(&ENTRY, "ADASYN", &format!("compat = '{compat}'"));
        println!("{outcome:?}");
        assert!(outcome.both > 6 && outcome.neither > 2, "{outcome:?}");
        assert_eq!(outcome.stricter, [""; 0]);
        for name in [
            "one_sample_minority",
            "minority_identical",
            "three_class_tie",
        ] {
            assert!(outcome.better.contains(&name.to_owned()), "{outcome:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), k in 1..15, theirs in any::<bool>()) {
        let compat = if theirs { "imbalanced-learn" } else { "none" };
        check(&ENTRY, &case, &format!("k = {k}\ncompat = '{compat}'"), |set, r| {
            let mate = set.labels[r.to as usize] == r.label;
            r.from == r.base && mate && (0.0..1.0).contains(&r.ratio)
        });
    }
}
