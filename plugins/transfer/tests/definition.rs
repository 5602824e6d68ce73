//! The graded difference transfer by its definition, through the boundary.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::Set;
use contract::{Outcome, check, edges, sets};
use eos_plugin_transfer::{ENTRY, step::reach};
use eos_tensor::philox::{Philox, below};
use proptest::prelude::*;

/// Points on a line: 20 of class 0 from 0, 5 of class 1 from 100.
fn set() -> Set {
    let line = |from: f32, n: usize| (0..n).map(move |i| from + i as f32);
    Set {
        rows: line(0.0, 20).chain(line(100.0, 5)).collect(),
        dims: 1,
        labels: (0..25).map(|i| u32::from(i >= 20)).collect(),
    }
}

/// Every draw made again by hand: words 0 and 1 pick x and b, word 2 the ratio, and the words of
/// block 2 on the entrants, the nearest of which wins.
#[test]
fn each_sample_is_what_its_words_say() {
    let (set, words) = (set(), Philox::new(42));
    for (t, a, from) in [
        (8, 0.2, "class-mate"),
        (1, 0.15, "class-mate"),
        (3, 5.0, "base"),
    ] {
        let params = format!("t = {t}\na = {a:?}\nfrom = '{from}'");
        let made = set.sample(&ENTRY, &[0, 300], &params).unwrap();
        for (i, recipe) in made.recipe.unwrap().iter().enumerate() {
            let [x, b, r, _] = words.block(i as u64, 1, 0);
            let x = 20 + below(x, 5);
            let b = if from == "base" { x } else { 20 + below(b, 5) };
            let entrants = (0..t).map(|n| {
                let word = words.block(i as u64, 1, 2 + n / 4)[n as usize % 4];
                let row = below(word, 24);
                if row >= x { row + 1 } else { row }
            });
            let distance = |row: &u32| {
                let apart = f64::from(set.rows[*row as usize] - set.rows[x as usize]);
                (apart * apart) as u64 * 100 + u64::from(*row)
            };
            let e = entrants.min_by_key(distance).unwrap();
            assert_eq!((recipe.base, recipe.from, recipe.to), (x, b, e));
            let unit = f64::from(r >> 8) / f64::from(1 << 24);
            assert_eq!(recipe.ratio, (a * 4f64.ln() * unit) as f32);
        }
    }
}

#[test]
fn a_large_tournament_finds_the_nearest_row_and_a_of_1_the_lone_entrant() {
    let nearest = |t: &str| {
        let made = set().sample(&ENTRY, &[0, 400], t).unwrap().recipe.unwrap();
        let near = made.iter().filter(|r| r.base.abs_diff(r.to) == 1).count();
        assert!(made.iter().all(|r| r.base != r.to));
        near
    };
    assert_eq!(nearest("t = 2000"), 400);
    // Of 24 other rows one or two are next to it: 400 · 1.6 / 24 = 27.
    assert!((5..80).contains(&nearest("t = 1")));
}

#[test]
fn the_ratio_grows_with_the_logarithm_of_the_imbalance() {
    assert_eq!(reach(0.2, 5000, 5000), 0.0);
    assert!((reach(0.2, 5000, 50) - 0.2 * 100f64.ln()).abs() < 1e-12);
    let made = set().sample(&ENTRY, &[0, 3000], "a = 1.0").unwrap();
    let ratios: Vec<f32> = made.recipe.unwrap().iter().map(|r| r.ratio).collect();
    let (most, mean) = (
        ratios.iter().copied().fold(0.0, f32::max),
        ratios.iter().sum::<f32>() / 3000.0,
    );
    let reach = 4f32.ln();
    assert!(most < reach && most > 0.99 * reach && (mean / reach - 0.5).abs() < 0.02);
}

#[test]
fn the_largest_class_is_repeated_and_a_note_says_so() {
    let made = set().sample(&ENTRY, &[6, 0], "").unwrap();
    assert!(made.recipe.unwrap().iter().all(|r| r.ratio == 0.0));
    assert_eq!(
        made.notes,
        ["class 0: its 6 synthetic rows are copies: a · ln(largest class / class) is 0"]
    );
    assert!(set().sample(&ENTRY, &[0, 6], "").unwrap().notes.is_empty());
    let one = Set {
        rows: vec![3.0],
        dims: 1,
        labels: vec![0],
    };
    assert_eq!(one.sample(&ENTRY, &[2], "").unwrap().rows, [3.0, 3.0]);
}

#[test]
fn parameters_out_of_range_are_refused() {
    for params in ["t = 0", "t = 65537", "a = -0.1", "from = 'x'", "eta = 0.5"] {
        let said = set()
            .sample(&ENTRY, &[0, 1], params)
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("plugin 'transfer': bad parameters"),
            "{said}"
        );
    }
}

#[test]
fn edge_cases_are_balanced_wherever_the_peers_smote_balances_them() {
    let Outcome {
        both,
        better,
        neither,
        stricter,
    } = edges(&ENTRY, "SMOTE", "");
    assert!(both > 8 && neither > 2, "{both} {neither}");
    assert_eq!(stricter, [""; 0]);
    assert!(
        better.contains(&"one_sample_minority".to_owned()),
        "{better:?}"
    );
}

proptest! {
    #[test]
    fn the_contract_holds(case in sets(), t in 1..20, a in 0.0..3.0, base in any::<bool>()) {
        let from = if base { "base" } else { "class-mate" };
        let params = format!("t = {t}\na = {a:?}\nfrom = '{from}'");
        let largest = *case.0.counts().iter().max().unwrap();
        check(&ENTRY, &case, &params, |set, r| {
            let rows = set.counts()[r.label as usize];
            let reach = reach(a, largest as usize, rows as usize) as f32;
            set.labels[r.from as usize] == r.label
                && (!base || r.from == r.base)
                && (r.to != r.base || set.labels.len() == 1)
                && (0.0..=reach).contains(&r.ratio)
        });
    }
}
