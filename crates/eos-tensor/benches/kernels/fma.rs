//! The floor of a neighbour search: multiply-adds a second in a loop of nothing else.

use eos_tensor::SimdPath;
use std::hint::black_box;
use std::time::Instant;

/// Operations a second that all threads reach together on a path, the least disturbed of a few runs.
/// A multiply-add is two.
pub fn peak(path: SimdPath) -> f64 {
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
    assert!(
        path.is_available(),
        "this processor cannot run the path '{path}'"
    );
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path is available.
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
