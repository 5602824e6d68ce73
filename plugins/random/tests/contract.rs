//! What every oversampler keeps, and the golden edge cases.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use contract::{check, edges, sets};
use eos_plugin_random::ENTRY;
use proptest::prelude::*;

#[test]
fn edge_cases_are_balanced_wherever_the_peer_balances_finite_rows() {
    let outcome = edges(&ENTRY, "RandomOverSampler", "");
    assert!(outcome.both > 12, "{outcome:?}");
    // The peer makes 33 rows with 32 labels of them.
    assert_eq!(outcome.stricter, ["length_mismatch"]);
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets()) {
        check(&ENTRY, &case, "", |_, r| r.from == r.base && r.to == r.base && r.ratio == 0.0);
    }
}
