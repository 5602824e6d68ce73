//! `eos sample`.

use crate::inputs::Rows;
use crate::plugins::discover;
use crate::show::Show;
use eos_data::{BalancedFiles, Embeddings};
use eos_pipeline::estimate::{self, Asked};
use eos_pipeline::phases::{self, Labelled};
use eos_pipeline::{Device, Error, config, wanted::Wanted, write_balanced};
use eos_registry::Plugin;
use std::path::{Path, PathBuf};
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
    /// auto, cpu, cuda or cuda:N: where neighbours are found and rows are made
    #[arg(long, default_value_t = Device::Auto)]
    device: Device,
    /// Print rows, bytes and time, and leave nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    out: Out,
    /// Registry of plugins to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// Load only plugins whose SHA-256 their registry holds
    #[arg(long)]
    locked: bool,
}

/// Where the result goes.
#[derive(clap::Args)]
struct Out {
    /// An npz of x, y and where each synthetic row came from: base, from, neighbour, ratio; or an
    /// npy of x alone, with --out-y
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Where to write the labels, where --out is an npy file
    #[arg(long, value_name = "FILE.npy")]
    out_y: Option<PathBuf>,
    /// Where to write base, from, neighbour and ratio, where --out is an npy file
    #[arg(long, value_name = "FILE.npz")]
    out_provenance: Option<PathBuf>,
}

impl Out {
    /// The files; without `--out`, which only a dry run may lack, an npz of which the name is never
    /// used.
    fn files(&self) -> Result<BalancedFiles, Error> {
        let refused = |message: String| Err(Error::Request(message));
        let out = self.out.clone().unwrap_or_else(|| "balanced.npz".into());
        let (y, provenance) = (self.out_y.clone(), self.out_provenance.clone());
        if out.extension().is_none_or(|end| end != "npy") {
            return match (y, provenance) {
                (None, None) => Ok(BalancedFiles::Npz(out)),
                _ => refused(format!(
                    "--out {} is an npz and holds labels and provenance; give --out-y and \
                     --out-provenance only with an --out that ends in .npy",
                    out.display()
                )),
            };
        }
        let Some(y) = y else {
            return refused(format!(
                "--out {} is an npy file and holds the rows alone; give --out-y for the labels, or \
                 an --out that ends in .npz",
                out.display()
            ));
        };
        if out == y || [Some(&out), Some(&y)].contains(&provenance.as_ref()) {
            return refused(
                "--out, --out-y and --out-provenance name one file twice; give each a file of its \
                 own"
                .to_owned(),
            );
        }
        Ok(BalancedFiles::Npy {
            x: out,
            y,
            provenance,
        })
    }
}

/// Writes the balanced set.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let files = arguments.out.files()?;
    let plugin = plugin(arguments)?;
    let params = parameters(&arguments.set)?;
    plugin.resolve(&params).map_err(Error::from)?;
    let wanted: Wanted = arguments.wanted.parse()?;
    let began = Instant::now();
    let original = arguments.rows.read()?;
    let reading = began.elapsed().as_secs_f64();
    let names = original.label_values().names();
    let wanted = wanted.rows(&original.class_counts(), names)?;
    let mut show = Show::new()?;
    let backend = arguments.device.open()?;
    if arguments.dry_run {
        let asked = Asked {
            plugin: &plugin,
            original: &original,
            wanted: &wanted,
            params: &params,
            seed: arguments.seed,
            backend: &*backend,
        };
        return dry_run(asked, &files, reading, &mut show);
    }
    let began = Instant::now();
    let data = Labelled::of(&original);
    let plan = phases::sample(
        &plugin,
        data,
        &wanted,
        &params,
        arguments.seed,
        &*backend,
        &mut show,
    )?;
    write_balanced(&files, &original, &plan, &*backend, &mut show)?;
    let seconds = began.elapsed().as_secs_f64();
    show.done();
    for note in plan.notes() {
        println!("{note}");
    }
    println!(
        "{}: {} rows added to {} in {seconds:.3} s: {}",
        plugin.id(),
        plan.len(),
        original.len(),
        files.rows_path().display()
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

/// Prints what a call would make, in which memory, and about how long it would take.
fn dry_run(
    asked: Asked<'_>,
    files: &BalancedFiles,
    reading: f64,
    show: &mut Show,
) -> anyhow::Result<()> {
    let original = asked.original;
    let added: u64 = asked.wanted.iter().sum();
    println!(
        "{added} rows of {} values added to {}: {}",
        original.dims(),
        original.len(),
        original.len() as u64 + added
    );
    for (c, count) in original.class_counts().iter().enumerate() {
        let name = original.label_values().name(c);
        println!("  {name}: {count} + {}", asked.wanted[c]);
    }
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let bytes = files.bytes(original, added)?;
    println!("out: {bytes} bytes ({:.1} MiB)", mebibytes(bytes));
    println!(
        "memory: {:.1} MiB{}; a method that looks for neighbours takes at most {:.1} MiB more for them",
        mebibytes(estimate::buffers(asked)),
        beside(original),
        mebibytes(estimate::search_memory(original))
    );
    let took = estimate::seconds(asked, folder(files.rows_path()), show)?;
    show.done();
    println!(
        "time: about {:.2} s: {reading:.2} s to read, {:.2} s to sample, {:.2} s to write; measured on \
         {} of {} rows",
        reading + took.sampling + took.writing,
        took.sampling,
        took.writing,
        took.measured,
        original.len()
    );
    Ok(())
}

fn beside(original: &Embeddings) -> &'static str {
    match original.is_mapped() {
        true => " beside the mapped rows",
        false => "",
    }
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
