//! Seconds of the neighbour search on a set of embeddings, beside the FMA peak of the same seconds.
//!
//! `cargo run --release -p eos-tests --example time_neighbours -- X.npy REPEATS EVERY` prints a line of
//! JSON a search; only every EVERYth row is a query. `EOS_SIMD` chooses the instruction path,
//! `RAYON_NUM_THREADS` the threads; the peers are in xtask/peers/time_neighbours.py.

#[path = "../../crates/eos-tensor/benches/kernels/fma.rs"]
mod fma;
mod timing;

use eos_data::read_embeddings;
use eos_tensor::{Backend, Classes, CpuBackend, Rows, SimdPath};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [x, repeats, every] = arguments.as_slice() else {
        return Err("wanted X.npy REPEATS EVERY".into());
    };
    let (repeats, every) = (repeats.parse()?, every.parse()?);
    let (set, path) = (read_embeddings(Path::new(x), None)?, SimdPath::detect()?);
    let (rows, labels) = (Rows::new(set.rows(), set.dims())?, set.labels());
    let counts = set.class_counts();
    let most = counts.iter().max().copied().unwrap_or(0);
    let all: Vec<u32> = (0..set.len() as u32).step_by(every).collect();
    let small = |row: &u32| counts[labels[*row as usize] as usize] < most;
    let minority: Vec<u32> = all.iter().copied().filter(small).collect();
    let backend = CpuBackend::on(path)?;
    for (work, queries, k, classes) in [
        ("all", &all, 10, Classes::Any),
        ("all", &all, 300, Classes::Any),
        ("minority", &minority, 10, Classes::Any),
        ("enemies of minority", &minority, 10, Classes::Other),
    ] {
        let mut peak = 0f64;
        let seconds = timing::repeat(repeats, || {
            peak = peak.max(fma::peak(path));
            let start = Instant::now();
            let found = backend.neighbours(rows, labels, queries, k, classes)?;
            let seconds = start.elapsed().as_secs_f64();
            assert_eq!(found.index.len(), queries.len() * k);
            Ok::<f64, eos_tensor::Error>(seconds)
        })?;
        let mut line = timing::line(&format!("{work}, K = {k}"), seconds);
        let operations = 2.0 * (queries.len() * rows.len() * rows.dims()) as f64;
        line["k"] = k.into();
        line["path"] = path.to_string().into();
        line["fma_peak"] = peak.into();
        line["floor"] = (operations / peak).into();
        println!("{line}");
    }
    Ok(())
}
