//! The CPU backend against the plain definition, and the definition against a peer's neighbours.

use eos_tensor::{Backend, Classes, CpuBackend, Recipe, Rows, exact};
use proptest::prelude::*;

/// Rows of many kinds: offsets, duplicates, constant features, subnormals.
fn cloud() -> impl Strategy<Value = (Vec<f32>, usize, Vec<u32>)> {
    let scale = prop::sample::select(vec![1.0f32, 1e-3, 1e-42, 1e4]);
    let offset = prop::sample::select(vec![0.0f32, 100.0, 10_000.0]);
    (1usize..70, 1usize..100, scale, offset).prop_flat_map(|(n, dims, scale, offset)| {
        let value = prop_oneof![Just(0i16), Just(1), any::<i16>()];
        let values = prop::collection::vec(value, n * dims).prop_map(move |v| {
            v.iter()
                .map(|x| f32::from(*x) / 1000.0 * scale + offset)
                .collect()
        });
        (values, Just(dims), prop::collection::vec(0u32..3, n))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn neighbours_equal_the_definition_at_any_thread_count(
        (data, dims, labels) in cloud(),
        k in 1usize..80,
    ) {
        let rows = Rows::new(&data, dims).unwrap();
        let queries: Vec<u32> = (0..labels.len() as u32).rev().chain([0, 0]).collect();
        for classes in [Classes::Any, Classes::Same, Classes::Other] {
            let wanted = exact::neighbours(rows, &labels, &queries, k, classes).unwrap();
            for threads in [1, 2, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let got = pool.install(|| {
                    CpuBackend::new().neighbours(rows, &labels, &queries, k, classes).unwrap()
                });
                prop_assert_eq!(&got, &wanted);
            }
        }
    }

    #[test]
    fn interpolation_equals_the_definition(
        (data, dims, labels) in cloud(),
        draws in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), 0f32..1.0), 0..600),
    ) {
        let rows = Rows::new(&data, dims).unwrap();
        let n = labels.len() as u32;
        let recipe: Vec<Recipe> = draws
            .iter()
            .map(|(b, f, t, ratio)| Recipe { label: 0, base: b % n, from: f % n, to: t % n, ratio: *ratio })
            .collect();
        let (mut got, mut wanted) = (vec![0.0; recipe.len() * dims], vec![1.0; recipe.len() * dims]);
        CpuBackend::new().interpolate(rows, &recipe, &mut got).unwrap();
        exact::interpolate(rows, &recipe, &mut wanted).unwrap();
        prop_assert_eq!(got, wanted);
    }
}

#[test]
fn neighbours_are_those_of_scikit_learn() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/knn.json");
    let golden: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 14);
    for case in cases {
        let table: Vec<Vec<f32>> = serde_json::from_value(case["X"].clone()).unwrap();
        let labels: Vec<u32> = vec![0; table.len()];
        let k = case["params"]["k"].as_u64().unwrap() as usize;
        let distances: Vec<Vec<f64>> =
            serde_json::from_value(case["expect"]["sq_dist_units_2e_20"].clone()).unwrap();
        let data = table.concat();
        let rows = Rows::new(&data, table[0].len()).unwrap();
        let queries: Vec<u32> = (0..table.len() as u32).collect();
        let got = CpuBackend::new()
            .neighbours(rows, &labels, &queries, k, Classes::Any)
            .unwrap();
        for (q, wanted) in distances.iter().enumerate() {
            let units = got.distance[q * k..][..k].iter();
            let units: Vec<f64> = units.map(|d| f64::from(*d) * f64::from(1 << 20)).collect();
            for (unit, wanted) in units.iter().zip(wanted) {
                assert!(
                    (unit - wanted).abs() <= 1e-6 * wanted,
                    "{} query {q}",
                    case["name"]
                );
            }
        }
        // Where all rows are equal the peer's order is not defined, and the file holds none.
        if let Some(wanted) = case["expect"].get("neighbors") {
            let wanted: Vec<Vec<u32>> = serde_json::from_value(wanted.clone()).unwrap();
            for (q, wanted) in wanted.iter().enumerate() {
                assert_eq!(got.of(q), wanted, "{} query {q}", case["name"]);
            }
        }
    }
}

#[test]
fn what_cannot_be_answered_is_refused_by_name() {
    let rows = Rows::new(&[0.0, 1.0, 2.0], 1).unwrap();
    let ask = |labels: &[u32], queries: &[u32], k| {
        let refusal = CpuBackend::new().neighbours(rows, labels, queries, k, Classes::Any);
        refusal.unwrap_err().to_string()
    };
    assert_eq!(
        ask(&[0, 0, 0], &[1, 3], 1),
        "query 1 names row 3, the data has 3"
    );
    assert!(ask(&[0, 0], &[1], 1).starts_with("2 labels for 3 rows"));
    assert!(ask(&[0, 0, 0], &[1], 0).starts_with("k is 0"));
    let recipe = [Recipe {
        label: 0,
        base: 0,
        from: 0,
        to: 9,
        ratio: 0.5,
    }];
    let refusal = CpuBackend::new().interpolate(rows, &recipe, &mut [0.0]);
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "to of recipe 0 names row 9, the data has 3"
    );
}

#[test]
fn philox_blocks_do_not_repeat() {
    let philox = eos_tensor::philox::Philox::new(1);
    let counters =
        (0..1000u64).flat_map(|i| [(i, 0, 0), (0, i as u32 + 1, 0), (0, 0, i as u32 + 1)]);
    let blocks: std::collections::HashSet<[u32; 4]> = counters
        .map(|(index, stream, block)| philox.block(index, stream, block))
        .collect();
    assert_eq!(blocks.len(), 3000);
}
