//! `eos sample`.

use crate::inputs::Rows;
use crate::plugins::discover;
use crate::show::Show;
use eos_data::Embeddings;
use eos_pipeline::phases::{self, Labelled};
use eos_pipeline::{Error, config, wanted::Wanted, write_balanced};
use eos_registry::Plugin;
use eos_tensor::{Backend as _, Classes, CpuBackend};
use std::path::PathBuf;
use std::time::Instant;

/// What to sample.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos sample --x X.npy --y y.npy --method eos --set k=20 --out balanced.npz"
)]
pub struct Arguments {
    #[command(flatten)]
    rows: Rows,
    /// The oversampler; `eos plugins list` shows which there are
    #[arg(long, default_value = "eos")]
    method: String,
    /// A parameter of the method, such as k=20; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// auto, minority, not-minority, not-majority, all, a ratio for two classes, or sizes
    /// afterwards: cat=500,dog=300 or cap=500
    #[arg(long, default_value = "auto")]
    wanted: String,
    /// Of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// auto or cpu: where neighbours are found and rows are made
    #[arg(long, default_value = "auto", value_parser = ["auto", "cpu"])]
    device: String,
    /// Print rows, bytes and time, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Where to write x, y and where each synthetic row came from: base, from, neighbour, ratio
    #[arg(long, value_name = "FILE.npz", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Registry of plugins to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// Load only plugins whose SHA-256 their registry holds
    #[arg(long)]
    locked: bool,
}

/// Writes the balanced set.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let plugin = plugin(arguments)?;
    let params = parameters(&arguments.set)?;
    plugin.resolve(&params).map_err(Error::from)?;
    let wanted: Wanted = arguments.wanted.parse()?;
    let original = arguments.rows.read()?;
    let names = original.label_values().names();
    let wanted = wanted.rows(&original.class_counts(), names)?;
    let data = Labelled::of(&original)?;
    let Some(out) = arguments.out.as_ref().filter(|_| !arguments.dry_run) else {
        return estimate(&original, &wanted);
    };
    let mut show = Show::new()?;
    let began = Instant::now();
    let synthetic = phases::sample(&plugin, data, &wanted, &params, arguments.seed, &mut show)?;
    let seconds = began.elapsed().as_secs_f64();
    show.done();
    for note in &synthetic.notes {
        println!("{note}");
    }
    write_balanced(out, &original, &synthetic)?;
    println!(
        "{}: {} rows added to {} in {seconds:.3} s: {}",
        plugin.id(),
        synthetic.labels.len(),
        original.len(),
        out.display()
    );
    Ok(())
}

fn plugin(arguments: &Arguments) -> Result<Plugin, Error> {
    Ok(discover(&arguments.registry, arguments.locked)?.load(&arguments.method)?)
}

fn parameters(sets: &[String]) -> Result<toml::Table, Error> {
    let pairs = sets.iter().map(|set| config::key_value(set));
    pairs
        .map(|pair| pair.map(|(key, value)| (key.to_owned(), value)))
        .collect()
}

/// Queries whose neighbours are found to learn how long all take.
const PROBES: usize = 256;
const PROBE_K: usize = 10;

/// Prints what a call would make, and about how long its neighbours would take.
fn estimate(original: &Embeddings, wanted: &[u64]) -> anyhow::Result<()> {
    let added: u64 = wanted.iter().sum();
    let (rows, dims) = (original.len() as u64 + added, original.dims() as u64);
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{added} rows of {dims} values added to {}: {rows}",
        original.len()
    );
    for (c, count) in original.class_counts().iter().enumerate() {
        let name = original.label_values().name(c);
        println!("  {name}: {count} + {}", wanted[c]);
    }
    println!("out: {:.1} MiB", mebibytes(rows * dims * 4 + added * 28));
    let growing = |row: &u32| wanted[original.labels()[*row as usize] as usize] > 0;
    let queries: Vec<u32> = (0..original.len() as u32).filter(growing).collect();
    if queries.is_empty() || original.len() < 2 {
        return Ok(());
    }
    let few: Vec<u32> = queries
        .iter()
        .step_by(queries.len().div_ceil(PROBES))
        .copied()
        .collect();
    let data = Labelled::of(original)?;
    let k = PROBE_K.min(original.len() - 1);
    let backend = CpuBackend::new();
    let began = Instant::now();
    backend.neighbours(data.rows, data.labels, &few, k, Classes::Any)?;
    let each = began.elapsed().as_secs_f64() / few.len() as f64;
    println!(
        "time: about {:.2} s for the {k} nearest of {} rows, measured on {} of them; then writing",
        each * queries.len() as f64,
        queries.len(),
        few.len()
    );
    Ok(())
}
