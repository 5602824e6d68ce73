//! Through the boundary: what holds for any data, and what happens to odd data.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::{Set, edge_sets};
use contract::grids;
use eos_plugin_svm_smote::ENTRY;
use eos_registry::Synthetic;
use proptest::prelude::*;
use std::time::Instant;

fn sample(set: &Set, wanted: &[u64], params: &str) -> Synthetic {
    set.sample(&ENTRY, wanted, params).unwrap()
}

/// What every result has to be.
fn check(set: &Set, wanted: &[u64], params: &str, out_step: f32) -> Synthetic {
    let made = sample(set, wanted, params);
    for (class, &wanted) in wanted.iter().enumerate() {
        let own = made.labels.iter().filter(|&&label| label as usize == class);
        assert_eq!(own.count() as u64, wanted);
    }
    for r in made.recipe.as_ref().unwrap() {
        let class_of = |row: u32| set.labels[row as usize];
        assert_eq!([class_of(r.base), class_of(r.to)], [r.label; 2]);
        assert_eq!(r.from, r.base);
        assert!((-out_step..1.0).contains(&r.ratio) || r.ratio == -out_step);
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_data_gets_exactly_what_is_wanted(
        (set, wanted) in grids(1..25, 1..5, 1..4), k in 1usize..9, m in 1usize..40, out_step in 0f32..1.0,
    ) {
        let params = format!("k = {k}\nm = {m}\nout-step = {out_step:?}");
        let made = check(&set, &wanted, &params, out_step);
        for threads in [1, 8] {
            let again = set.sample_on(&ENTRY, &wanted, &params, threads, &mut |_, _| true);
            prop_assert_eq!(&again.unwrap(), &made);
        }
    }
}

/// Two large classes, so that one machine has all threads for its kernel rows.
fn large(rows: usize, dims: usize) -> Set {
    let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    Set {
        rows: (0..rows * dims).map(wave).collect(),
        dims,
        labels: (0..rows).map(|i| u32::from(i % 3 == 0)).collect(),
    }
}

#[test]
fn kernel_rows_on_eight_threads_have_the_bits_of_one() {
    // 4096 rows of 512 values are 2²¹ operations a kernel row, worth threads.
    let set = large(4100, 512);
    let [one, eight] = [1, 8].map(|threads| {
        set.sample_on(&ENTRY, &[0, 50], "c = 0.001", threads, &mut |_, _| true)
            .unwrap()
    });
    assert_eq!(one, eight);
}

#[test]
fn a_fit_is_stopped_within_a_second() {
    let set = large(30_000, 64);
    for threads in [1, 2] {
        let began = Instant::now();
        let mut asked = None;
        let stopped = set.sample_on(&ENTRY, &[0, 9], "c = 1000", threads, &mut |_, _| {
            let go_on = began.elapsed().as_millis() < 300;
            if !go_on {
                asked.get_or_insert_with(Instant::now);
            }
            go_on
        });
        assert!(matches!(stopped, Err(eos_registry::Error::Cancelled)));
        assert!(asked.unwrap().elapsed().as_secs_f64() < 1.0);
        assert!(began.elapsed().as_secs_f64() < 2.0);
    }
}

#[test]
fn where_the_peer_misses_its_counts_or_stops_ours_are_exact() {
    let mut short = 0;
    for edge in edge_sets("SVMSMOTE") {
        let made = check(&edge.set, &edge.wanted, "", 0.5);
        if let Some(theirs) = &edge.peer_counts {
            let most = edge.set.labels.len() + made.labels.len();
            short += usize::from((theirs.iter().sum::<u64>() as usize) < most);
        } else {
            let said = !made.notes.is_empty();
            // The peer has no way with one class, nor with fewer rows than its m.
            let other = edge.name == "single_class" || edge.name == "small_total_n_lt_m";
            assert!(said || other, "{}: {:?}", edge.name, made.notes);
        }
    }
    assert!(short >= 3, "the peer fell short {short} times");
}

/// Class 1's three rows stand alone among those of class 0, far from each other.
fn noise() -> Set {
    let mut rows: Vec<f32> = (0..60).map(|i| i as f32 / 10.0).collect();
    rows.extend([0.55, 2.55, 4.55]);
    Set {
        rows,
        dims: 1,
        labels: (0..63).map(|i| u32::from(i >= 60)).collect(),
    }
}

#[test]
fn support_vectors_that_are_all_noise_are_no_end() {
    let made = check(&noise(), &[0, 40], "m = 5\nk = 2", 0.5);
    assert!(made.recipe.unwrap().iter().all(|r| r.ratio >= 0.0));
    assert_eq!(
        made.notes,
        [
            "class 1: all of its 3 support vectors are noise: its 40 synthetic rows were \
          interpolated between any of its rows (no-support = \"smote\")"
        ]
    );
    let refused = noise().sample(&ENTRY, &[0, 40], "m = 5\nk = 2\nno-support = 'error'");
    assert_eq!(
        refused.unwrap_err().to_string(),
        "plugin 'svm-smote' failed: class 1: all of its 3 support vectors are noise, none of \
         their 5 nearest rows is of the class (no-support = \"error\"); raise m, or set \
         no-support to \"smote\", or use another method"
    );
}

#[test]
fn a_class_alone_is_interpolated() {
    let set = Set {
        rows: vec![0.0, 1.0, 2.0],
        dims: 1,
        labels: vec![0; 3],
    };
    let made = check(&set, &[30], "k = 2", 0.5);
    assert!(made.rows.iter().all(|v| (0.0..=2.0).contains(v)));
    assert!(made.notes[0].starts_with("class 0 has no support vectors: its 30"));
}

#[test]
fn a_class_of_one_row_is_repeated() {
    let set = Set {
        rows: vec![0.0, 1.0, 2.0, 9.0],
        dims: 1,
        labels: vec![0, 0, 0, 1],
    };
    for k in ["1", "3", "9223372036854775807"] {
        let made = check(&set, &[0, 5], &format!("k = {k}\nm = {k}"), 0.5);
        assert_eq!(made.rows, [9.0; 5]);
        assert!(made.notes.iter().any(|note| note.contains("are copies")));
    }
    assert!(sample(&set, &[0, 0], "").labels.is_empty());
}

#[test]
fn equal_points_give_equal_points() {
    let set = Set {
        rows: vec![1.5; 40],
        dims: 2,
        labels: (0..20).map(|i| i % 2).collect(),
    };
    assert_eq!(check(&set, &[3, 4], "", 0.5).rows, [1.5; 14]);
}

#[test]
fn outwards_is_outwards() {
    // Two tight groups: their support vectors have class-mates all around and are safe.
    let group = |at: f32| (0..20).map(move |i| at + i as f32 / 100.0);
    let set = Set {
        rows: group(0.0).chain(group(10.0)).collect(),
        dims: 1,
        labels: (0..40).map(|i| u32::from(i >= 20)).collect(),
    };
    let made = check(&set, &[0, 200], "out-step = 1.0", 1.0);
    let recipes = made.recipe.unwrap();
    assert!(recipes.iter().all(|r| r.ratio <= 0.0));
    assert!(recipes.iter().any(|r| r.ratio < -0.9));
    for (row, r) in made.rows.iter().zip(&recipes) {
        let (base, to) = (set.rows[r.base as usize], set.rows[r.to as usize]);
        assert!((row - base) * (to - base) <= 0.0, "{row} {base} {to}");
    }
    let still = check(&set, &[0, 20], "out-step = 0", 0.0);
    assert!(still.rows.iter().all(|v| set.rows.contains(v)));
}

#[test]
fn parameters_that_the_peer_refuses_are_refused() {
    let refusal = |params: &str| {
        let refused = noise().sample(&ENTRY, &[0, 1], params).unwrap_err();
        refused.to_string()
    };
    let mut cases = 0;
    for (name, _) in common::refused_params("SVMSMOTE") {
        let value = name.strip_prefix("out_step=").unwrap();
        let said = refusal(&format!("out-step = {value}"));
        assert!(
            said.contains("parameter 'out-step'") && said.contains(value),
            "{said}"
        );
        cases += 1;
    }
    assert_eq!(cases, 2);
}
