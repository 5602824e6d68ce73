//! Through the boundary: what holds for any data, and what happens to odd data.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::{Set, edge_sets};
use contract::grids;
use eos_plugin_rbo::{Columns, ENTRY, Form, Norm, Potential, Radial, spread};
use eos_registry::Synthetic;
use eos_tensor::philox::{Philox, below};
use proptest::prelude::*;

/// The base of a class's sample number `i`: as every method draws it, under the tests' seed.
fn base(set: &Set, class: u32, i: u64) -> Vec<f32> {
    let members = set.members(class);
    let word = Philox::new(42).block(i, class, 0)[0];
    let row = members[below(word, members.len() as u32) as usize];
    set.view().row(row as usize).to_vec()
}

/// What every result has to be.
fn check(set: &Set, wanted: &[u64], params: &str) -> Synthetic {
    let made = set.sample(&ENTRY, wanted, params).unwrap();
    assert!(made.recipe.is_none());
    for (class, &wanted) in wanted.iter().enumerate() {
        let own = made.labels.iter().filter(|&&label| label as usize == class);
        assert_eq!(own.count() as u64, wanted);
    }
    made
}

/// The rows with the number each has within its class.
fn numbered(made: &Synthetic, dims: usize) -> impl Iterator<Item = (u32, u64, &[f32])> {
    let mut next = std::collections::BTreeMap::new();
    let rows = made.rows.chunks(dims).zip(&made.labels);
    rows.map(move |(row, &label)| {
        let i = next.entry(label).or_insert(0);
        *i += 1;
        (label, *i - 1, row)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn walks_never_raise_the_potential_and_reach_no_further_than_their_steps(
        (set, wanted) in grids(1..20, 1..4, 1..10), gamma in 0.05f64..2.0, step in 0.001f64..0.2, l1 in any::<bool>(),
    ) {
        let (norm, name) = if l1 { (Norm::L1, "l1") } else { (Norm::L2, "l2") };
        let params = format!(
            "gamma = {gamma:?}\nstep = {step:?}\nunit = 'data'\nnorm = '{name}'\niterations = 60"
        );
        let made = check(&set, &wanted, &params);
        for threads in [1, 8] {
            let again = set.sample_on(&ENTRY, &wanted, &params, threads, &mut |_, _| true);
            prop_assert_eq!(&again.unwrap(), &made);
        }
        let columns = Columns::new(&set.rows, set.dims);
        for (class, i, row) in numbered(&made, set.dims) {
            let radial = Radial::new(norm, Form::Divide, gamma);
            let potential = Potential::new(&columns, &set.labels, class, radial);
            let base = base(&set, class, i);
            let [start, end] = [&base[..], row].map(|p| potential.of(&potential.distances(p)));
            prop_assert!(end.abs() <= start.abs() + 1e-9, "{start} {end}");
            let way: f32 = base.iter().zip(row).map(|(a, b)| (a - b).abs()).sum();
            prop_assert!(f64::from(way) <= 60.0 * step * 1.001);
        }
    }
}

/// Two groups that overlap.
fn groups() -> Set {
    let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    Set {
        rows: (0..300)
            .map(|i| wave(i) + if i < 200 { 0.0 } else { 1.0 })
            .collect(),
        dims: 2,
        labels: (0..150).map(|i| u32::from(i >= 100)).collect(),
    }
}

#[test]
fn by_default_most_rows_move_and_the_potential_falls() {
    let set = groups();
    let made = check(&set, &[0, 200], "");
    assert!(made.notes.is_empty(), "{:?}", made.notes);
    let columns = Columns::new(&set.rows, set.dims);
    let gamma = 0.25 * spread(&set.rows, set.dims);
    let radial = Radial::new(Norm::L2, Form::Divide, gamma);
    let potential = Potential::new(&columns, &set.labels, 1, radial);
    let (mut before, mut after) = (0.0, 0.0);
    for (class, i, row) in numbered(&made, 2) {
        let phi = |p: &[f32]| potential.of(&potential.distances(p)).abs();
        before += phi(&base(&set, class, i));
        after += phi(row);
    }
    assert!(after < 0.7 * before, "{after} {before}");
}

#[test]
fn the_spread_is_a_unit_and_the_data_is_another() {
    let set = groups();
    let mut wide = set.clone();
    wide.rows.iter_mut().for_each(|v| *v *= 1024.0);
    let narrow = check(&set, &[0, 50], "");
    let scaled: Vec<f32> = narrow.rows.iter().map(|v| v * 1024.0).collect();
    for (a, b) in check(&wide, &[0, 50], "").rows.iter().zip(&scaled) {
        assert!((a - b).abs() < 0.01 * 1024.0, "{a} {b}");
    }
    let unit = spread(&set.rows, set.dims);
    let params = format!(
        "unit = 'data'\ngamma = {:?}\nstep = {:?}",
        0.25 * unit,
        0.02 * unit
    );
    assert_eq!(check(&set, &[0, 50], &params).rows, narrow.rows);
    let multiplied = check(&set, &[0, 50], "form = 'multiply'\ngamma = 4");
    assert_eq!(multiplied.rows, narrow.rows);
}

#[test]
fn a_class_that_cannot_move_is_told_of() {
    let made = check(&groups(), &[0, 30], "stop = 1");
    assert_eq!(
        made.notes,
        [
            "class 1: 30 of its 30 synthetic rows are copies, for no step that was tried lowered the \
          potential; raise gamma or iterations, or lower step or stop"
        ]
    );
    for (class, i, row) in numbered(&made, 2) {
        assert_eq!(row, base(&groups(), class, i));
    }
}

#[test]
fn odd_data_is_no_end() {
    for edge in edge_sets("SMOTE") {
        let made = check(&edge.set, &edge.wanted, "");
        assert!(made.rows.iter().all(|v| v.is_finite()), "{}", edge.name);
    }
    let equal = Set {
        rows: vec![1.5; 40],
        dims: 2,
        labels: (0..20).map(|i| i % 2).collect(),
    };
    // As many rows of one class as of the other lie there: the potential is 0, and stays.
    let made = check(&equal, &[3, 4], "");
    assert_eq!((made.rows, made.notes.len()), (vec![1.5; 14], 2));
    let alone = Set {
        rows: vec![0.0, 1.0, 2.0],
        dims: 1,
        labels: vec![0; 3],
    };
    check(&alone, &[30], "");
    let lonely = Set {
        rows: vec![0.0, 1.0, 2.0, 9.0],
        dims: 1,
        labels: vec![0, 0, 0, 1],
    };
    check(&lonely, &[0, 30], "");
    assert!(check(&lonely, &[0, 0], "").labels.is_empty());
}

#[test]
fn a_long_walk_is_stopped_within_a_second() {
    let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    let set = Set {
        rows: (0..60_000 * 8).map(wave).collect(),
        dims: 8,
        labels: (0..60_000).map(|i| u32::from(i % 3 == 0)).collect(),
    };
    for threads in [1, 2] {
        let (began, mut asked) = (std::time::Instant::now(), None);
        let go_on = &mut |_, _| {
            let go_on = began.elapsed().as_millis() < 300;
            if !go_on {
                asked.get_or_insert_with(std::time::Instant::now);
            }
            go_on
        };
        // One walk of a million steps, a minute and more.
        let stopped = set.sample_on(
            &ENTRY,
            &[0, 1],
            "stop = 0\niterations = 1000000",
            threads,
            go_on,
        );
        assert!(matches!(stopped, Err(eos_registry::Error::Cancelled)));
        assert!(asked.unwrap().elapsed().as_secs_f64() < 1.0);
    }
}
