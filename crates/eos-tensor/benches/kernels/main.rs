//! `cargo bench -p eos-tensor`: the two batched operations beside their floors, measured in the same run.
//!
//! A search cannot take less than its 2 · Q · N · D operations at the FMA peak of its instruction path,
//! interpolation not less than its bytes at the bandwidth of a plain copy. `RAYON_NUM_THREADS` sets the threads.

mod copy;
mod embeddings;
mod fma;

use criterion::{Bencher, Criterion, SamplingMode, Throughput};
use embeddings::{embeddings, long_tail};
use eos_tensor::{Backend, Classes, CpuBackend, PhiloxRng, Recipe, Rows, SimdPath};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Samples that the interpolation makes.
const SAMPLES: usize = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    neighbours(&mut criterion)?;
    interpolation(&mut criterion);
    criterion.final_summary();
    Ok(())
}

/// Rows of one set and their labels, all of the rows as queries and those of the smaller classes.
struct Set {
    values: Vec<f32>,
    dims: usize,
    labels: Vec<u32>,
    all: Vec<u32>,
    minority: Vec<u32>,
}

impl Set {
    fn new(rows: u32, dims: usize) -> Self {
        let (values, labels) = embeddings(&long_tail(rows), dims);
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        let minority = all.iter().copied().filter(|row| labels[*row as usize] > 0);
        Self {
            minority: minority.collect(),
            values,
            dims,
            labels,
            all,
        }
    }

    fn rows(&self) -> Rows<'_> {
        Rows::new(&self.values, self.dims).expect("the values are whole rows")
    }
}

fn neighbours(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let (narrow, wide) = (Set::new(12_406, 64), Set::new(3_000, 512));
    for path in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        let backend = CpuBackend::on(path)?;
        let mut group = criterion.benchmark_group(format!("neighbours, {path}"));
        group.sampling_mode(SamplingMode::Flat);
        for (name, set, queries, k, classes) in [
            ("all, K = 10", &narrow, &narrow.all, 10, Classes::Any),
            ("all, K = 300", &narrow, &narrow.all, 300, Classes::Any),
            (
                "minority, K = 10",
                &narrow,
                &narrow.minority,
                10,
                Classes::Any,
            ),
            (
                "enemies of minority, K = 10",
                &narrow,
                &narrow.minority,
                10,
                Classes::Other,
            ),
            ("all, K = 10", &wide, &wide.all, 10, Classes::Any),
        ] {
            let rows = set.rows();
            let work = 2.0 * (queries.len() * rows.len() * rows.dims()) as f64;
            let name = format!("{} x {}, {name}", rows.len(), rows.dims());
            let mut best = Best::default();
            group.throughput(Throughput::Elements(work as u64));
            group.bench_function(name, |bencher| {
                let search = || {
                    let found = backend.neighbours(rows, &set.labels, queries, k, classes);
                    found.expect("queries are rows of the set")
                };
                best.time(bencher, || fma::peak(path), search);
            });
            let floor = format!("{:.0} GFLOP/s of multiply-adds", best.speed / 1e9);
            best.print(work, &floor);
        }
    }
    Ok(())
}

fn interpolation(criterion: &mut Criterion) {
    let set = Set::new(12_406, 64);
    let rows = set.rows();
    let mut rng = PhiloxRng::new(0, 0, 0);
    let mut row = || rng.below(rows.len() as u32);
    let recipe: Vec<Recipe> = (0..SAMPLES)
        .map(|_| {
            let (base, to) = (row(), row());
            let (label, ratio) = (set.labels[base as usize], 0.5);
            Recipe {
                label,
                base,
                from: base,
                to,
                ratio,
            }
        })
        .collect();
    let mut out = vec![0.0; SAMPLES * rows.dims()];
    let (backend, mut best) = (CpuBackend::new(), Best::default());
    let written = size_of_val(out.as_slice());
    let bytes = size_of_val(set.values.as_slice()) + size_of_val(recipe.as_slice()) + written;
    let mut group = criterion.benchmark_group("interpolation");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("50,000 x 64", |bencher| {
        let interpolate = || {
            let made = backend.interpolate(rows, &recipe, &mut out);
            made.expect("the recipe names rows of the set");
        };
        best.time(bencher, || copy::bandwidth(written), interpolate);
    });
    let floor = format!(
        "{:.1} GB/s of copying, each row read once",
        best.speed / 1e9
    );
    best.print(bytes as f64, &floor);
}

/// The least seconds of all calls that criterion asks for, and the best speed of the floor that was
/// measured between them.
struct Best {
    seconds: f64,
    speed: f64,
}

impl Default for Best {
    fn default() -> Self {
        Self {
            seconds: f64::INFINITY,
            speed: 0.0,
        }
    }
}

impl Best {
    fn time<T>(
        &mut self,
        bencher: &mut Bencher<'_>,
        floor: impl Fn() -> f64,
        mut call: impl FnMut() -> T,
    ) {
        bencher.iter_custom(|calls| {
            self.speed = self.speed.max(floor());
            let mut total = Duration::ZERO;
            for _ in 0..calls {
                let start = Instant::now();
                black_box(call());
                let taken = start.elapsed();
                self.seconds = self.seconds.min(taken.as_secs_f64());
                total += taken;
            }
            total
        });
    }

    /// Nothing where a filter left the benchmark out; `work` is in what the floor's speed counts.
    fn print(&self, work: f64, of: &str) {
        if self.speed > 0.0 {
            let floor = work / self.speed;
            println!(
                "    floor {:.2} ms ({of}); least {:.2} ms: {:.0} % of the floor's speed\n",
                floor * 1e3,
                self.seconds * 1e3,
                100.0 * floor / self.seconds
            );
        }
    }
}
