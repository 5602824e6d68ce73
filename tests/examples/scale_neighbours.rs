//! How the seconds of a search grow: the 10 nearest of 2,000 queries, with N at D = 64 and with D at
//! N = 20,000. `scale_neighbours REPEATS` prints a line of JSON a size.

#[path = "../../crates/eos-tensor/benches/kernels/embeddings.rs"]
mod embeddings;
mod timing;

use embeddings::{embeddings, long_tail};
use eos_tensor::{Backend, Classes, CpuBackend, Error, Rows};
use std::time::Instant;

const QUERIES: u32 = 2000;
const LENGTHS: [u32; 8] = [
    3_000, 6_000, 12_500, 25_000, 50_000, 100_000, 200_000, 400_000,
];
const DIMS: [usize; 8] = [16, 32, 64, 128, 256, 512, 1024, 2048];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let repeats = std::env::args().nth(1).ok_or("wanted REPEATS")?.parse()?;
    for n in LENGTHS {
        measure("N", repeats, n, 64)?;
    }
    for dims in DIMS {
        measure("D", repeats, 20_000, dims)?;
    }
    Ok(())
}

fn measure(grows: &str, repeats: usize, n: u32, dims: usize) -> Result<(), Error> {
    let (values, labels) = embeddings(&long_tail(n), dims);
    let rows = Rows::new(&values, dims)?;
    let queries: Vec<u32> = (0..QUERIES).collect();
    let backend = CpuBackend::new();
    let seconds = timing::repeat(repeats, || {
        let start = Instant::now();
        backend.neighbours(rows, &labels, &queries, 10, Classes::Any)?;
        Ok(start.elapsed().as_secs_f64())
    })?;
    let mut line = timing::line(grows, seconds);
    line["n"] = rows.len().into();
    line["d"] = dims.into();
    println!("{line}");
    Ok(())
}
