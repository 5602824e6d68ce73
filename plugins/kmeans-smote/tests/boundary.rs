//! Through the boundary: what holds for any data, and what happens to odd data.

#[path = "../../eos/tests/common/mod.rs"]
mod common;
#[path = "../../eos/tests/common/contract.rs"]
mod contract;

use common::{Set, edge_sets};
use contract::grids;
use eos_plugin_kmeans_smote::ENTRY;
use eos_registry::Synthetic;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What every result has to be.
fn check(set: &Set, wanted: &[u64], params: &str) -> Synthetic {
    let made = set.sample(&ENTRY, wanted, params).unwrap();
    for (class, &wanted) in wanted.iter().enumerate() {
        let own = made.labels.iter().filter(|&&label| label as usize == class);
        assert_eq!(own.count() as u64, wanted);
    }
    for r in made.recipe.as_ref().unwrap() {
        let class_of = |row: u32| set.labels[row as usize];
        assert_eq!([class_of(r.base), class_of(r.to)], [r.label; 2]);
        assert!(r.from == r.base && (0.0..1.0).contains(&r.ratio));
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_data_gets_exactly_what_is_wanted(
        (set, wanted) in grids(1..40, 1..5, 1..12), k in 1usize..9, clusters in 1usize..20, exponent in -1f64..9.0,
        threshold in -1f64..1.0,
    ) {
        let params = format!(
            "k = {k}\nclusters = {clusters}\ndensity-exponent = {exponent:?}\n\
             balance-threshold = {threshold:?}"
        );
        let made = check(&set, &wanted, &params);
        for threads in [1, 8] {
            let again = set.sample_on(&ENTRY, &wanted, &params, threads, &mut |_, _| true);
            prop_assert_eq!(&again.unwrap(), &made);
        }
    }
}

/// Four groups far apart on a line: 0 and 1 of class 0, 2 and 3 of class 1, the latter four times
/// as wide.
fn groups() -> Set {
    let group = |at: f32, width: f32| (0..20).map(move |i| at + width * i as f32 / 20.0);
    Set {
        rows: group(0.0, 1.0)
            .chain(group(100.0, 1.0))
            .chain(group(200.0, 1.0))
            .chain(group(300.0, 4.0))
            .collect(),
        dims: 1,
        labels: (0..80).map(|i| u32::from(i >= 40)).collect(),
    }
}

#[test]
fn rows_stay_in_their_cluster_and_the_sparse_one_gets_more() {
    let made = check(&groups(), &[0, 1000], "clusters = 4\ndensity-exponent = 1");
    assert!(made.notes.is_empty(), "{:?}", made.notes);
    let sparse = made.rows.iter().filter(|v| **v >= 300.0).count();
    let dense = made.rows.iter().filter(|v| (200.0..201.0).contains(*v));
    // The mean distances are as 4 to 1.
    assert_eq!((sparse, dense.count()), (800, 200));
    let bases: BTreeSet<u32> = made.recipe.unwrap().iter().map(|r| r.base).collect();
    assert!(bases.len() > 35);
}

#[test]
fn k_means_finds_groups_that_are_far_apart_for_every_seed_of_rows() {
    // Rows in another order draw other seeds.
    for turn in 0..20 {
        let mut set = groups();
        set.rows.rotate_left(turn);
        set.labels.rotate_left(turn);
        let made = check(&set, &[0, 300], "clusters = 6");
        let span =
            |r: &eos_tensor::Recipe| (set.rows[r.base as usize] - set.rows[r.to as usize]).abs();
        assert!(made.recipe.unwrap().iter().all(|r| span(r) < 5.0));
    }
}

#[test]
fn a_class_without_a_cluster_is_one_cluster_on_request_and_refused_on_another() {
    let set = groups();
    let made = check(&set, &[0, 50], "balance-threshold = 1\nclusters = 1");
    assert_eq!(
        made.notes,
        [
            "class 1: in none of the clusters it has a share of 1.000 and more than 2 rows: its 50 \
          synthetic rows were interpolated within the whole class (no-cluster = \"class\")"
        ]
    );
    let params = "balance-threshold = 1\nclusters = 1\nno-cluster = 'error'";
    let refused = set.sample(&ENTRY, &[0, 50], params);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "plugin 'kmeans-smote' failed: class 1: in none of the clusters it has a share of 1.000 \
         and more than 2 rows (no-cluster = \"error\"); lower balance-threshold or k, change \
         clusters, or set no-cluster to \"class\""
    );
}

#[test]
fn where_the_peer_stops_ours_goes_on_and_says_so() {
    let mut stopped = 0;
    for edge in edge_sets("KMeansSMOTE") {
        let made = check(&edge.set, &edge.wanted, "");
        let grows = edge.wanted.iter().any(|n| *n > 0);
        stopped += usize::from(edge.peer_counts.is_none() && grows);
        // Where the clusters fall otherwise than the peer's, a class may have ground after all; one
        // of at most k rows never has.
        let few = |(class, &wanted): (usize, &u64)| {
            wanted > 0 && edge.set.members(class as u32).len() <= 2
        };
        let few = edge.wanted.iter().enumerate().any(few);
        assert!(!few || !made.notes.is_empty(), "{}", edge.name);
        // In one cluster, no class of several has the share of all.
        let made = check(
            &edge.set,
            &edge.wanted,
            "clusters = 1\nbalance-threshold = 1",
        );
        assert_eq!(grows, !made.notes.is_empty(), "{}", edge.name);
    }
    assert!(stopped >= 8, "the peer stopped {stopped} times");
}

#[test]
fn a_class_of_one_row_is_repeated_and_a_k_beyond_the_data_shrinks() {
    let set = Set {
        rows: vec![0.0, 1.0, 2.0, 9.0],
        dims: 1,
        labels: vec![0, 0, 0, 1],
    };
    for k in ["2", "3", "9223372036854775807"] {
        let made = check(&set, &[4, 5], &format!("k = {k}\nclusters = 3"));
        assert_eq!(made.rows[4..], [9.0; 5]);
        assert!(made.notes.iter().any(|note| note.contains("are copies")));
    }
    let refused = set.sample(&ENTRY, &[0, 5], "small-class = 'error'");
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("class 1 has 1 row, k-means SMOTE")
    );
    assert!(check(&set, &[0, 0], "").labels.is_empty());
}

#[test]
fn equal_points_give_equal_points() {
    let set = Set {
        rows: vec![1.5; 40],
        dims: 2,
        labels: (0..20).map(|i| i % 2).collect(),
    };
    let made = check(&set, &[3, 4], "balance-threshold = 0");
    assert_eq!(made.rows, [1.5; 14]);
    assert!(made.notes.is_empty());
}

#[test]
fn a_class_alone_is_made_in_its_own_clusters() {
    let set = Set {
        rows: (0..30).map(|i| i as f32).collect(),
        dims: 1,
        labels: vec![0; 30],
    };
    let made = check(&set, &[70], "clusters = 2");
    assert!(made.notes.is_empty() && made.rows.iter().all(|v| (0.0..=29.0).contains(v)));
}

#[test]
fn clustering_is_stopped_within_a_second() {
    let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    let set = Set {
        rows: (0..60_000 * 16).map(wave).collect(),
        dims: 16,
        labels: (0..60_000).map(|i| u32::from(i % 3 == 0)).collect(),
    };
    for threads in [1, 2] {
        let (began, mut asked) = (std::time::Instant::now(), None);
        let go_on = &mut |_, _| {
            let go_on = began.elapsed().as_millis() < 200;
            if !go_on {
                asked.get_or_insert_with(std::time::Instant::now);
            }
            go_on
        };
        let stopped = set.sample_on(&ENTRY, &[0, 9], "clusters = 400", threads, go_on);
        assert!(matches!(stopped, Err(eos_registry::Error::Cancelled)));
        assert!(asked.unwrap().elapsed().as_secs_f64() < 1.0);
    }
}

#[test]
fn parameters_that_the_peer_refuses_are_refused() {
    let keys = [
        ("cluster_balance_threshold=", "balance-threshold"),
        ("density_exponent=", "density-exponent"),
    ];
    let mut cases = 0;
    for (name, _) in common::refused_params("KMeansSMOTE") {
        let known = keys.iter().find_map(|(theirs, ours)| {
            name.strip_prefix(theirs)
                .map(|value| (*ours, value.to_owned()))
        });
        // Its third is no parameter here: which estimator finds the clusters.
        let Some((key, value)) = known else {
            assert_eq!(name, "kmeans_estimator=0");
            continue;
        };
        let refused = groups().sample(&ENTRY, &[0, 1], &format!("{key} = {value}"));
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(key) && said.contains(&value), "{said}");
        cases += 1;
    }
    assert_eq!(cases, 2);
}
