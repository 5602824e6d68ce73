//! Writes the sets that benchmarks run on: `make_embeddings FOLDER SET…` leaves `SET_x.npy` and `SET_y.npy`.
//!
//! A: 12,406 × 64 in CIFAR-10-LT's proportions; B: ten times as many rows; C: 100 classes from 500 rows
//! down to 5; D: 100,000 × 512; E: 1,000,000 × 64.

#[path = "../../crates/eos-tensor/benches/kernels/embeddings.rs"]
mod embeddings;

use embeddings::{embeddings, long_tail};
use eos_data::{Embeddings, Labels, write_embeddings_npy};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sets @ ..] = arguments.as_slice() else {
        return Err("wanted FOLDER SET…".into());
    };
    for set in sets {
        let (counts, dims) = match set.as_str() {
            "A" => (long_tail(12_406), 64),
            "B" => (long_tail(124_060), 64),
            "C" => (hundred_classes(), 64),
            "D" => (long_tail(100_000), 512),
            "E" => (long_tail(1_000_000), 64),
            _ => return Err(format!("no set is named '{set}'; there are A, B, C, D and E").into()),
        };
        let (rows, labels) = embeddings(&counts, dims);
        let made = Embeddings::new(rows, dims, labels, Labels::indices(counts.len()))?;
        let file = |part: &str| Path::new(folder).join(format!("{set}_{part}.npy"));
        write_embeddings_npy(&file("x"), &file("y"), &made)?;
    }
    Ok(())
}

/// 500 rows in the first class, 5 in the last, falling by one factor.
fn hundred_classes() -> Vec<u32> {
    let count = |c: i32| (500.0 * 0.01f64.powf(f64::from(c) / 99.0)) as u32;
    (0..100).map(count).collect()
}
