//! What this machine can do at most, as a line of JSON: the instruction path, threads, multiply-adds
//! and copied bytes a second. `EOS_SIMD` and `RAYON_NUM_THREADS` hold.

#[path = "../../crates/eos-tensor/benches/kernels/copy.rs"]
mod copy;
#[path = "../../crates/eos-tensor/benches/kernels/fma.rs"]
mod fma;

use eos_tensor::SimdPath;

/// Bytes copied: more than second-level caches hold.
const COPIED: usize = 64 << 20;

fn main() -> Result<(), eos_tensor::Error> {
    let path = SimdPath::detect()?;
    let line = serde_json::json!({
        "path": path.to_string(),
        "threads": rayon::current_num_threads(),
        "fma_peak": best(|| fma::peak(path)),
        "copy_bandwidth": best(|| copy::bandwidth(COPIED)),
    });
    println!("{line}");
    Ok(())
}

/// The least disturbed of several measurements.
fn best(measure: impl Fn() -> f64) -> f64 {
    (0..10).map(|_| measure()).fold(0.0, f64::max)
}
