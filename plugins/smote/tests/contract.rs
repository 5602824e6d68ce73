//! What every oversampler keeps, and the golden edge cases.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use contract::{check, edges, sets};
use eos_plugin_smote::ENTRY;
use proptest::prelude::*;

#[test]
fn edge_cases_are_balanced_wherever_the_peer_balances_them_and_where_it_does_not() {
    for (params, peer, better) in [
        ("", "SMOTE", "two_sample_minority"),
        ("k = 1", "SMOTE_k1", "one_sample_minority"),
    ] {
        let outcome = edges(&ENTRY, peer, params);
        assert!(outcome.both > 8 && outcome.neither > 2, "{outcome:?}");
        assert_eq!(outcome.stricter, [""; 0]);
        assert!(outcome.better.contains(&better.to_owned()), "{outcome:?}");
    }
}

#[test]
fn parameters_that_the_peer_refuses_are_refused_and_a_k_beyond_the_class_is_not() {
    let set = common::Set {
        rows: vec![0.0, 1.0, 2.0, 9.0],
        dims: 1,
        labels: vec![0, 0, 1, 1],
    };
    for params in ["k = 0", "k = -1", "k = 2.5", "k = 'x'"] {
        let said = set.sample(&ENTRY, &[0, 1], params).unwrap_err().to_string();
        assert!(said.starts_with("plugin 'smote': bad parameters"), "{said}");
    }
    assert!(set.sample(&ENTRY, &[0, 1], "k = 24").is_ok());
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), k in 1..15) {
        check(&ENTRY, &case, &format!("k = {k}"), |set, r| {
            let mate = set.labels[r.to as usize] == r.label;
            r.from == r.base && mate && (0.0..1.0).contains(&r.ratio)
        });
    }
}
