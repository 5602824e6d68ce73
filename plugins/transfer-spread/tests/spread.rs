//! The spread beside the plain transfer.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use contract::{check, edges, sets};
use eos_plugin_transfer_spread::ENTRY;
use eos_tensor::philox::{Philox, below};
use proptest::prelude::*;

/// Points of two classes that no two draws confuse.
fn set() -> common::Set {
    common::Set {
        rows: (0..50).map(|i| (i as f32).powi(2)).collect(),
        dims: 2,
        labels: (0..25).map(|i| u32::from(i >= 20)).collect(),
    }
}

/// With η = 0 a row is x + r · (e − b) of the words that `transfer` reads, and η adds the
/// difference of the rows that words 0 and 1 of block 1 pick.
#[test]
fn eta_adds_the_difference_of_two_class_mates() {
    let (set, words) = (set(), Philox::new(42));
    let plain = set.sample(&ENTRY, &[0, 200], "eta = 0.0").unwrap();
    let spread = set.sample(&ENTRY, &[0, 200], "eta = 0.25").unwrap();
    assert!(plain.recipe.is_none());
    let rows = plain.rows.chunks(2).zip(spread.rows.chunks(2));
    for (i, (plain, spread)) in rows.enumerate() {
        let [u, v, ..] = words.block(i as u64, 1, 1);
        let [u, v] = [u, v].map(|word| set.view().row(20 + below(word, 5) as usize));
        for j in 0..2 {
            assert_eq!(spread[j], plain[j] + 0.25 * (u[j] - v[j]));
        }
    }
}

#[test]
fn edge_cases_are_balanced_wherever_the_peers_smote_balances_them() {
    let outcome = edges(&ENTRY, "SMOTE", "");
    assert!(outcome.both > 8 && outcome.neither > 2, "{outcome:?}");
    assert_eq!(outcome.stricter, [""; 0]);
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), t in 1..20, a in 0.0..3.0, eta in 0.0..2.0) {
        let params = format!("t = {t}\na = {a:?}\neta = {eta:?}");
        check(&ENTRY, &case, &params, |_, _| false);
    }
}
