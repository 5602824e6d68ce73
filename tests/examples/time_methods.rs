//! Seconds that oversamplers take on embeddings, and what loading a plugin costs a call.
//!
//! `cargo run --release -p eos-tests --example time_methods -- X.npy REPEATS METHOD…` prints a line
//! of JSON a method: the median and the least seconds of a call, arrays in memory to arrays in memory,
//! after one call to warm up. `overhead` as a method calls `eos` as it is linked and as it is loaded
//! in turn, and prints both. The registry is the one that `EOS_REGISTRY` names, else that beside the
//! release `eos`; the peers are those of xtask/peers.

mod timing;

use eos_data::{Embeddings, read_embeddings};
use eos_registry::{Plugin, Registry, Request, Services};
use eos_tensor::{CpuBackend, Rows};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [x, repeats, methods @ ..] = arguments.as_slice() else {
        return Err("wanted X.npy REPEATS METHOD…".into());
    };
    let (set, repeats) = (read_embeddings(Path::new(x), None)?, repeats.parse()?);
    let registry = Registry::open(&[registry()])?;
    for method in methods {
        if method == "overhead" {
            overhead(&set, &registry, repeats)?;
            continue;
        }
        let plugin = registry.load(method)?;
        let seconds = timing::repeat(repeats, || call(&plugin, &set))?;
        println!("{}", timing::line(method, seconds));
    }
    Ok(())
}

fn registry() -> PathBuf {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/plugins/registry.toml");
    std::env::var_os("EOS_REGISTRY").map_or(beside, Into::into)
}

/// Seconds of one call that makes every class as large as the largest.
fn call(plugin: &Plugin, set: &Embeddings) -> Result<f64, Box<dyn Error>> {
    let counts = set.class_counts();
    let most = counts.iter().max().copied().unwrap_or(0);
    let wanted: Vec<u64> = counts.iter().map(|n| (most - n) as u64).collect();
    let request = Request {
        rows: Rows::new(set.rows(), set.dims())?,
        labels: set.labels(),
        wanted: &wanted,
        seed: 0,
        params: &toml::Table::new(),
    };
    let (backend, mut progress) = (CpuBackend::new(), |_, _| true);
    let mut services = Services {
        backend: &backend,
        threads: rayon::current_num_threads() as u32,
        progress: &mut progress,
    };
    let start = Instant::now();
    let made = plugin.sample(&request, &mut services)?;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(made.labels.len() as u64, wanted.iter().sum::<u64>());
    Ok(seconds)
}

fn overhead(set: &Embeddings, registry: &Registry, repeats: usize) -> Result<(), Box<dyn Error>> {
    let (linked, loaded) = (
        Plugin::from_entry(&eos_plugin_eos::ENTRY)?,
        registry.load("eos")?,
    );
    let mut seconds = [Vec::new(), Vec::new()];
    for round in 0..=repeats {
        for (plugin, seconds) in [&linked, &loaded].into_iter().zip(&mut seconds) {
            let taken = call(plugin, set)?;
            if round > 0 {
                seconds.push(taken);
            }
        }
    }
    let [linked, loaded] = seconds;
    println!("{}", timing::line("eos, linked", linked));
    println!("{}", timing::line("eos, loaded", loaded));
    Ok(())
}
