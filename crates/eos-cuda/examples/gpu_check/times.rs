//! Seconds of whole searches and milliseconds of their kernels.

use crate::parity::{embeddings, forms};
use eos_cuda::CudaBackend;
use eos_tensor::{Backend, Classes, PhiloxRng, Recipe, Rows};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

/// A search that is timed: rows, queries (the first so many), dimensions, k, repeats.
const WORKS: &[(&str, usize, usize, usize, usize, usize)] = &[
    ("50k x 64, all, K = 10", 50_000, 50_000, 64, 10, 7),
    ("50k x 64, all, K = 300", 50_000, 50_000, 64, 300, 5),
    ("100k x 2048, all, K = 10", 100_000, 100_000, 2048, 10, 2),
    (
        "1M x 64, 100k queries, K = 10",
        1_000_000,
        100_000,
        64,
        10,
        3,
    ),
];

/// Prints a table; the rows are on the card before the clock starts, results are in host memory when it stops.
pub fn run(backend: &CudaBackend) -> Result<(), Box<dyn Error>> {
    backend.time_kernels();
    for (work, n, queries, dims, k, repeats) in WORKS {
        let (data, labels) = embeddings(*n, *dims, 10);
        let rows = Rows::new(&data, *dims)?;
        let queries: Vec<u32> = (0..*queries as u32).collect();
        for form in forms(backend) {
            let backend = backend.clone().with_first_pass(form);
            let search = backend.searching(rows, &labels);
            let start = Instant::now();
            let (_, proven) = search.proven(&queries, *k, Classes::Any)?;
            let cold = start.elapsed().as_secs_f64();
            backend.kernel_times()?;
            let mut seconds = Vec::new();
            let mut kernels: BTreeMap<String, f32> = BTreeMap::new();
            for _ in 0..*repeats {
                let start = Instant::now();
                search.proven(&queries, *k, Classes::Any)?;
                seconds.push(start.elapsed().as_secs_f64());
                for (kernel, ms) in backend.kernel_times()? {
                    *kernels.entry(kernel).or_default() += ms / *repeats as f32;
                }
            }
            seconds.sort_by(f64::total_cmp);
            let scan: f32 = kernels
                .iter()
                .filter(|(name, _)| name.starts_with("eos_scan"))
                .map(|(_, ms)| ms)
                .sum();
            let operations = 2.0 * *n as f64 * queries.len() as f64 * *dims as f64;
            println!(
                "{work}, {form:?}: {:.4} s (least {:.4}; with upload {cold:.4}), scans {scan:.2} ms = {:.1} TFLOP/s, {proven:?}",
                seconds[seconds.len() / 2],
                seconds[0],
                operations / f64::from(scan) / 1e9
            );
            let parts: Vec<String> = kernels
                .iter()
                .map(|(name, ms)| format!("{} {ms:.2}", name.trim_start_matches("eos_")))
                .collect();
            println!("    ms: {}", parts.join(", "));
        }
    }
    interpolation(backend)
}

fn interpolation(backend: &CudaBackend) -> Result<(), Box<dyn Error>> {
    let (data, _) = embeddings(50_000, 64, 10);
    let rows = Rows::new(&data, 64)?;
    let mut random = PhiloxRng::new(5, 0, 0);
    let mut row = || random.below(50_000);
    let recipe: Vec<Recipe> = (0..400_000)
        .map(|_| {
            let base = row();
            Recipe {
                label: 0,
                base,
                from: base,
                to: row(),
                ratio: 0.5,
            }
        })
        .collect();
    let mut out = vec![0.0; recipe.len() * 64];
    let making = backend.interpolation(rows);
    making.interpolate(&recipe, &mut out)?;
    backend.kernel_times()?;
    let start = Instant::now();
    making.interpolate(&recipe, &mut out)?;
    let seconds = start.elapsed().as_secs_f64();
    let kernel: f32 = backend.kernel_times()?.iter().map(|(_, ms)| ms).sum();
    println!("interpolation of 400k x 64: {seconds:.4} s, kernel {kernel:.3} ms");
    Ok(())
}
