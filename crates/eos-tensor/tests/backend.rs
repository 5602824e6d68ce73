//! The CPU backend against the plain definition, and the definition against a peer's neighbours.

use eos_tensor::{Backend, Classes, CpuBackend, PhiloxRng, Recipe, Rows, SimdPath, exact};
use proptest::prelude::*;
use std::sync::OnceLock;

/// Rows of many kinds: offsets, duplicates, constant features, subnormals.
fn cloud() -> impl Strategy<Value = (Vec<f32>, usize, Vec<u32>)> {
    let scale = prop::sample::select(vec![1.0f32, 1e-3, 1e-42, 1e4, 1e37]);
    let offset = prop::sample::select(vec![0.0f32, 100.0, 10_000.0]);
    let dims = prop_oneof![1usize..100, 100usize..301];
    (1usize..260, dims, scale, offset).prop_flat_map(|(n, dims, scale, offset)| {
        let value = prop_oneof![Just(0i16), Just(1), any::<i16>()];
        let values = prop::collection::vec(value, n * dims).prop_map(move |v| {
            v.iter()
                .map(|x| f32::from(*x) / 1000.0 * scale + offset)
                .collect()
        });
        (values, Just(dims), prop::collection::vec(0u32..3, n))
    })
}

/// One search, and the backends that must all answer it as the definition does.
struct Case<'a> {
    data: &'a [f32],
    dims: usize,
    labels: &'a [u32],
    queries: &'a [u32],
    k: usize,
}

impl Case<'_> {
    fn check(&self) -> Result<(), TestCaseError> {
        let rows = Rows::new(self.data, self.dims).unwrap();
        for classes in [Classes::Any, Classes::Same, Classes::Other] {
            let (labels, queries, k) = (self.labels, self.queries, self.k);
            let wanted = exact::neighbours(rows, labels, queries, k, classes).unwrap();
            for (path, threads) in paths().into_iter().flat_map(|p| THREADS.map(|t| (p, t))) {
                let backend = CpuBackend::on(path).unwrap();
                // Much memory, and too little for all rows or all queries at once.
                let backend = backend.with_memory([1 << 30, 1 << 14][threads % 2]);
                let found = || backend.neighbours(rows, labels, queries, k, classes);
                let got = pool(threads).install(found).unwrap();
                let same_bits = got
                    .distance
                    .iter()
                    .map(|d| d.to_bits())
                    .eq(wanted.distance.iter().map(|d| d.to_bits()));
                prop_assert!(
                    got.index == wanted.index && same_bits,
                    "{} {:?} at {} threads",
                    path,
                    classes,
                    threads
                );
            }
        }
        Ok(())
    }
}

const THREADS: [usize; 3] = [1, 2, 8];

fn paths() -> Vec<SimdPath> {
    SimdPath::ALL
        .into_iter()
        .filter(|path| path.is_available())
        .collect()
}

/// One pool for each count of threads: starting them for every case would cost more than the cases.
fn pool(threads: usize) -> &'static rayon::ThreadPool {
    static POOLS: [OnceLock<rayon::ThreadPool>; 3] = [const { OnceLock::new() }; 3];
    let at = THREADS.iter().position(|t| *t == threads).unwrap();
    POOLS[at].get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn neighbours_equal_the_definition_on_every_path(
        (data, dims, labels) in cloud(),
        k in prop_oneof![1usize..8, 1usize..300],
        asked in 0..3,
    ) {
        let n = labels.len() as u32;
        let queries: Vec<u32> = match asked {
            0 => (0..n).rev().collect(),
            1 => (0..n).rev().chain([0, 0]).collect(),
            _ => vec![n - 1, 0, n - 1],
        };
        Case { data: &data, dims, labels: &labels, queries: &queries, k }.check()?;
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

/// Enough rows that every k up to an eighth of them goes through the first pass.
#[test]
fn large_sets_equal_the_definition_at_any_k() {
    const N: usize = 1500;
    // Dimensions, offset, scale, distinct values of a coordinate; a constant feature is among them.
    for (dims, offset, scale, values) in [
        (1, 0.0, 1.0, 1 << 20),
        (3, 10_000.0, 1.0, 7),
        (16, 0.0, 1e-42, 50),
        (33, 100.0, 1.0, 1 << 16),
        (64, 0.0, 1e4, 3),
    ] {
        let mut rng = PhiloxRng::new(dims as u64, 0, 0);
        let mut value = || offset + scale * (rng.unit() * values as f32).floor();
        let mut data: Vec<f32> = (0..N * dims).map(|_| value()).collect();
        if dims > 1 {
            data.iter_mut().step_by(dims).for_each(|x| *x = offset);
        }
        // A third of the rows stand there three times.
        data.copy_within(0..N / 3 * dims, N / 3 * dims);
        let labels: Vec<u32> = (0..N as u32).map(|row| (row * 7919) % 13 / 6).collect();
        let queries: Vec<u32> = (0..N as u32).step_by(37).collect();
        for k in [1, 11, 64, N / 8, N / 8 + 1, N - 1] {
            let case = Case {
                data: &data,
                dims,
                labels: &labels,
                queries: &queries,
                k,
            };
            case.check().unwrap();
        }
    }
}

/// Queries that fill most panels and leave some rows of others out, which must be found all the same.
#[test]
fn rows_between_queries_are_found() {
    let (n, dims) = (1600usize, 6);
    let mut rng = PhiloxRng::new(8, 0, 0);
    let data: Vec<f32> = (0..n * dims).map(|_| rng.unit()).collect();
    let labels: Vec<u32> = (0..n).map(|row| u32::from(row >= 700)).collect();
    let portion: Vec<u32> = (31..1017).collect();
    let gaps: Vec<u32> = (0..n as u32).filter(|row| row % 100 >= 20).collect();
    let holes: Vec<u32> = (0..n as u32).filter(|row| row % 50 != 7).collect();
    for queries in [portion, gaps, holes] {
        for k in [5, 20] {
            let case = Case {
                data: &data,
                dims,
                labels: &labels,
                queries: &queries,
                k,
            };
            case.check().unwrap();
        }
    }
}

/// Tight clusters far apart: distances within a cluster lie below what the first pass resolves, so
/// that its bound alone decides.
#[test]
fn clusters_below_the_resolution_of_f32_are_told_apart() {
    let (n, dims) = (400usize, 24);
    let mut rng = PhiloxRng::new(3, 0, 0);
    for spread in [1.0f32, 1e-2, 1e-4, 1e-6, 0.0] {
        let labels: Vec<u32> = (0..n as u32).map(|i| i % 5).collect();
        let centre = |i: usize| [0.0, 1.0, -1.0, 30.0, 1000.0][(i / dims / 3) % 5];
        let data: Vec<f32> = (0..n * dims)
            .map(|i| centre(i) + spread * rng.normal())
            .collect();
        let queries: Vec<u32> = (0..n as u32).collect();
        let case = Case {
            data: &data,
            dims,
            labels: &labels,
            queries: &queries,
            k: 7,
        };
        case.check().unwrap();
    }
}

/// Long rows, an odd length, one row that is far from all others, and a spread of magnitudes.
#[test]
fn long_rows_and_outliers_are_exact() {
    let mut rng = PhiloxRng::new(4, 0, 0);
    for dims in [1000, 4095, 4096] {
        let n = 70;
        let mut data: Vec<f32> = (0..n * dims)
            .map(|i| rng.normal() * if i % 7 == 0 { 1e-20 } else { 1.0 })
            .collect();
        data[dims..2 * dims].fill(3e38);
        let labels: Vec<u32> = (0..n as u32).map(|i| u32::from(i % 9 == 0)).collect();
        let queries: Vec<u32> = (0..n as u32).collect();
        let case = Case {
            data: &data,
            dims,
            labels: &labels,
            queries: &queries,
            k: 5,
        };
        case.check().unwrap();
    }
}

/// Many more rows than a panel, more than one tile of queries, many classes.
#[test]
fn many_rows_in_many_classes_are_exact() {
    let (n, dims) = (1500usize, 33);
    let mut rng = PhiloxRng::new(5, 0, 0);
    let labels: Vec<u32> = (0..n)
        .map(|_| rng.below(1 + rng.clone().below(90)) * 7)
        .collect();
    let data: Vec<f32> = (0..n * dims).map(|_| 100.0 + rng.normal()).collect();
    let queries: Vec<u32> = (0..n).map(|_| rng.below(n as u32)).collect();
    let case = Case {
        data: &data,
        dims,
        labels: &labels,
        queries: &queries,
        k: 10,
    };
    case.check().unwrap();
}

/// Queries that fill panels of the rows, so that products are shared: all rows, and those of some
/// classes, whose panels others stand in as well; more than a thread's tiles, with equal rows.
#[test]
fn rows_that_are_all_asked_are_exact() {
    let (n, dims) = (2100usize, 19);
    let mut rng = PhiloxRng::new(6, 0, 0);
    let labels: Vec<u32> = (0..n)
        .map(|_| rng.below(1 + rng.clone().below(5)))
        .collect();
    let mut data: Vec<f32> = (0..n * dims).map(|_| rng.normal()).collect();
    data.copy_within(0..300 * dims, 700 * dims);
    for classes in [0..5, 1..3] {
        let asked = |row: &u32| classes.contains(&labels[*row as usize]);
        let queries: Vec<u32> = (0..n as u32).rev().filter(asked).collect();
        for k in [1, 10, 16, 17, 130] {
            let case = Case {
                data: &data,
                dims,
                labels: &labels,
                queries: &queries,
                k,
            };
            case.check().unwrap();
        }
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
    assert!(ask(&[0, 0, 0], &[1, 2], usize::MAX).contains("cannot be held"));
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
