//! The floor of interpolation: bytes a second of a plain copy.

use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// Bytes a second, those read and those written, of copying `bytes` on all threads: the best of a few runs.
pub fn bandwidth(bytes: usize) -> f64 {
    let (from, mut to) = (vec![1u8; bytes], vec![0u8; bytes]);
    let share = bytes.div_ceil(rayon::current_num_threads());
    let mut run = || {
        let start = Instant::now();
        to.par_chunks_mut(share)
            .zip(from.par_chunks(share))
            .for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&mut to);
        2.0 * bytes as f64 / start.elapsed().as_secs_f64()
    };
    (0..10).map(|_| run()).fold(0.0, f64::max)
}
