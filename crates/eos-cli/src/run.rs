//! `eos run`.

use crate::show::Show;
use eos_pipeline::{Config, RunOptions, table};
use std::path::PathBuf;

/// What to run.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos run config.toml --set train.epochs=10 --set oversample.params.k=20"
)]
pub struct Arguments {
    /// The configuration, a TOML file
    config: PathBuf,
    /// Override a key of the configuration, such as train.epochs=10; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The run's folder [default: runs/ and the configuration's name]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Move a run that is there aside and start over
    #[arg(long)]
    fresh: bool,
    /// Registry of plugins to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
}

/// Runs it and prints the table and the report's path.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config, &arguments.set)?;
    let name = arguments.config.file_stem().unwrap_or_default();
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(name));
    let options = RunOptions {
        folder: folder.clone(),
        fresh: arguments.fresh,
        registry: arguments.registry.clone(),
    };
    let mut show = Show::new(&folder)?;
    let summary = eos_pipeline::run(&config, &options, &mut show)?;
    show.done();
    println!("\n{}\n{}", table::render(&summary), summary.headline());
    println!(
        "training {:.1} s on {} ({}), seed {}",
        summary.train_seconds, summary.simd_path, summary.device, summary.seed
    );
    println!("report: {}", folder.join("report.html").display());
    Ok(())
}
