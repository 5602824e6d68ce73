//! Times the neighbour search on every instruction path, beside the FMA peak of the same run.
//!
//! `cargo run --release -p eos-tensor --example knn_time [-- X.npy y.npy]`: without files, 12,406
//! clustered rows of 64 values in 10 classes; `X.npy` holds f32 `[N, D]`, `y.npy` i64 `[N]`, both in
//! C order. `KNN_RUNS` sets how often each search runs (9), `RAYON_NUM_THREADS` the threads.

use eos_tensor::{Backend, Classes, CpuBackend, PhiloxRng, Rows, SimdPath};
use std::hint::black_box;
use std::time::Instant;

/// Rows of each class of the set made here.
const COUNTS: [u32; 10] = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let (data, dims, labels) = match files.as_slice() {
        [x, y] => read(x, y)?,
        _ => clusters(64),
    };
    let runs = std::env::var("KNN_RUNS").map_or(Ok(9), |runs| runs.parse())?;
    let rows = Rows::new(&data, dims)?;
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let minority = |row: &u32| labels[*row as usize] != 0;
    let minority: Vec<u32> = all.iter().copied().filter(minority).collect();
    let threads = rayon::current_num_threads();
    println!("{} × {dims}, {threads} threads, {runs} runs", rows.len());
    println!("path      search              median ms  least ms  peak GFLOP/s  share");
    let only = std::env::var("KNN_ONLY").unwrap_or_default();
    for path in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        let backend = CpuBackend::on(path)?;
        for (name, queries, k, classes) in [
            ("K = 10, all", &all, 10, Classes::Any),
            ("K = 300, all", &all, 300, Classes::Any),
            ("K = 10, minority", &minority, 10, Classes::Any),
            ("K = 10, min. enemies", &minority, 10, Classes::Other),
        ] {
            if !format!("{path} {name}").contains(&only) {
                continue;
            }
            let search = || backend.neighbours(rows, &labels, queries, k, classes);
            search()?;
            let (mut times, mut best) = (Vec::new(), 0f64);
            for _ in 0..runs {
                best = best.max(peak(path));
                let start = Instant::now();
                black_box(search()?);
                times.push(start.elapsed().as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            let flops = 2.0 * (queries.len() * rows.len() * dims) as f64;
            println!(
                "{:9} {name:20} {:8.1}  {:8.1}  {:12.0}  {:4.0} %",
                path.to_string(),
                times[runs / 2] * 1e3,
                times[0] * 1e3,
                best / 1e9,
                100.0 * flops / times[0] / best,
            );
        }
    }
    Ok(())
}

/// Rows, their length and their labels.
type Set = (Vec<f32>, usize, Vec<u32>);

/// Gaussian clusters in some directions more than in others, most values not negative.
fn clusters(dims: usize) -> Set {
    let mut rng = PhiloxRng::new(1, 0, 0);
    let mut set = (Vec::new(), dims, Vec::new());
    for (label, count) in COUNTS.into_iter().enumerate() {
        let centre: Vec<f32> = (0..dims).map(|_| rng.normal().max(0.0)).collect();
        for _ in 0..count {
            let stretch = 0.3 * (0.5 + rng.unit());
            let value = |(j, c): (usize, &f32)| {
                (c + stretch * rng.normal() / (1.0 + j as f32 / 8.0).sqrt()).max(0.0)
            };
            set.0.extend(centre.iter().enumerate().map(value));
            set.2.push(label as u32);
        }
    }
    set
}

/// The two arrays, without a check of their headers beyond the second length.
fn read(x: &str, y: &str) -> Result<Set, Box<dyn std::error::Error>> {
    let body = |path: &str| -> std::io::Result<Vec<u8>> {
        let bytes = std::fs::read(path)?;
        let header = u16::from_le_bytes([bytes[8], bytes[9]]);
        Ok(bytes[10 + usize::from(header)..].to_vec())
    };
    let (x, y) = (body(x)?, body(y)?);
    let (x, y) = (x.as_chunks::<4>().0, y.as_chunks::<8>().0);
    let data: Vec<f32> = x.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let labels: Vec<u32> = y.iter().map(|b| i64::from_le_bytes(*b) as u32).collect();
    let dims = data.len() / labels.len();
    Ok((data, dims, labels))
}

/// Operations a second that all threads reach in a loop of nothing but multiply-adds, least disturbed of a few.
fn peak(path: SimdPath) -> f64 {
    const STEPS: u32 = 400_000;
    let run = || {
        let start = Instant::now();
        let lanes: usize = rayon::broadcast(|_| spin(path, STEPS)).into_iter().sum();
        2.0 * f64::from(STEPS) * lanes as f64 / start.elapsed().as_secs_f64()
    };
    (0..3).map(|_| run()).fold(0.0, f64::max)
}

/// Runs `steps` times as many multiply-adds as it returns.
fn spin(path: SimdPath, steps: u32) -> usize {
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: only available paths are timed.
        SimdPath::Avx512Vnni | SimdPath::Avx512 => unsafe { avx512(steps) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdPath::Avx2 => unsafe { avx2(steps) },
        _ => portable(steps),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(steps: u32) -> usize {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let mut sums = [_mm512_set1_ps(black_box(1.0)); 24];
    let factor = _mm512_set1_ps(black_box(0.5));
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, factor);
        }
    }
    black_box(sums);
    24 * 16
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(steps: u32) -> usize {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let mut sums = [_mm256_set1_ps(black_box(1.0)); 12];
    let factor = _mm256_set1_ps(black_box(0.5));
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, factor);
        }
    }
    black_box(sums);
    12 * 8
}

/// Multiplications and additions apart, as the portable path has them.
fn portable(steps: u32) -> usize {
    let mut sums = [[black_box(1.0f32); 4]; 8];
    let factor = black_box(0.5);
    for _ in 0..steps {
        for sum in sums.as_flattened_mut() {
            *sum = *sum * factor + factor;
        }
    }
    black_box(sums);
    8 * 4
}
