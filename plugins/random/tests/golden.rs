//! Random over-sampling against imbalanced-learn: it repeats rows of the class, bit for bit.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::{Set, golden, rows_of};
use eos_plugin_random::{ENTRY, copy};
use eos_tensor::philox::{Philox, below};
use eos_tensor::{Backend, CpuBackend, Recipe};

#[test]
fn the_peers_draws_make_the_peers_rows() {
    let mut compared = 0;
    for case in golden("random_over.json") {
        // With shrinkage the peer makes new points, which is another method.
        if !case["params"]["shrinkage"].is_null() || !case["expect"]["sample_indices"].is_array() {
            continue;
        }
        let set = Set::of(&case);
        let drawn = &rows_of(&case["expect"]["sample_indices"])[set.labels.len()..];
        let recipes: Vec<Recipe> = drawn
            .iter()
            .map(|&base| copy(set.labels[base as usize], base))
            .map(|r| Recipe {
                label: r.label,
                base: r.base,
                from: r.from,
                to: r.to,
                ratio: r.ratio,
            })
            .collect();
        let mut rows = vec![0.0; recipes.len() * set.dims];
        CpuBackend::new()
            .interpolate(set.view(), &recipes, &mut rows)
            .unwrap();
        for (row, &base) in rows.chunks(set.dims).zip(drawn) {
            assert_eq!(row, set.view().row(base as usize));
        }
        compared += drawn.len();
    }
    assert!(compared > 100, "{compared} rows were compared");
}

#[test]
fn through_the_boundary_each_row_is_a_row_of_its_class_and_all_are_drawn() {
    let set = Set {
        rows: vec![0.0, 1.0, -2.5, f32::MIN_POSITIVE, 3e38, 7.0],
        dims: 1,
        labels: vec![0, 0, 0, 1, 1, 1],
    };
    let made = set.sample(&ENTRY, &[30, 3000], "").unwrap();
    let recipe = made.recipe.unwrap();
    let mut drawn = [0; 6];
    for (row, r) in made.rows.iter().zip(&recipe) {
        assert_eq!((r.from, r.to, r.ratio), (r.base, r.base, 0.0));
        assert_eq!(*row, set.rows[r.base as usize]);
        drawn[r.base as usize] += 1;
    }
    assert_eq!(drawn.iter().sum::<i32>(), 3030);
    // 1000 of each expected, with a deviation of 26.
    assert!(
        drawn[3..].iter().all(|n| (850..1150).contains(n)),
        "{drawn:?}"
    );
}

/// The scheme that every method's draws follow: counter (sample within its class, class, block 0)
/// under the seed, word 0 for the base.
#[test]
fn a_base_is_word_0_of_its_samples_counter() {
    let set = Set {
        rows: vec![0.5; 9],
        dims: 1,
        labels: vec![0, 1, 0, 2, 1, 2, 0, 2, 2],
    };
    let made = set.sample(&ENTRY, &[5, 6, 7], "").unwrap();
    let drawn: Vec<u32> = made.recipe.unwrap().iter().map(|r| r.base).collect();
    let words = Philox::new(42);
    let base = |class: u32, i: u64| {
        let members = set.members(class);
        members[below(words.block(i, class, 0)[0], members.len() as u32) as usize]
    };
    let expected: Vec<u32> = (0..3)
        .flat_map(|class| (0..5 + u64::from(class)).map(move |i| (class, i)))
        .map(|(class, i)| base(class, i))
        .collect();
    assert_eq!(drawn, expected);
}

#[test]
fn it_takes_no_parameters() {
    let set = Set {
        rows: vec![0.0],
        dims: 1,
        labels: vec![0],
    };
    assert_eq!(
        set.sample(&ENTRY, &[1], "k = 5").unwrap_err().to_string(),
        "plugin 'random': bad parameters: unknown parameter 'k'; it takes: nothing"
    );
}
