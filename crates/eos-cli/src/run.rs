//! `eos run` and `eos train`.

use crate::show::Show;
use eos_pipeline::{Config, Existing, RunOptions, WEIGHTS, table};
use std::path::PathBuf;

/// What to run.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos run config.toml --set train.epochs=10 --set oversample.params.k=20"
)]
pub struct Arguments {
    /// The configuration, a TOML file; `eos init` writes one
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
    /// Go on with the run that is there, and fail where none is; without it a run begins or goes on
    #[arg(long, conflicts_with = "fresh")]
    resume: bool,
    /// Registry of plugins to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// Load only plugins whose SHA-256 their registry holds
    #[arg(long)]
    locked: bool,
}

impl Arguments {
    fn read(&self) -> anyhow::Result<(Config, RunOptions, Show)> {
        let config = Config::load(&self.config, &self.set)?;
        let name = self.config.file_stem().unwrap_or_default();
        let folder = match &self.out {
            Some(folder) => folder.clone(),
            None => PathBuf::from("runs").join(name),
        };
        let show = Show::new()?;
        show.line(&format!("run folder: {}", folder.display()));
        let options = RunOptions {
            folder,
            existing: match (self.fresh, self.resume) {
                (true, _) => Existing::MoveAside,
                (_, true) => Existing::Resume,
                _ => Existing::GoOn,
            },
            registry: self.registry.clone(),
            locked: self.locked,
        };
        Ok((config, options, show))
    }
}

/// Runs all three phases and prints the table and the report's path.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (config, options, mut show) = arguments.read()?;
    let summary = eos_pipeline::run(&config, &options, &mut show)?;
    show.done();
    println!("\n{}\n{}", table::render(&summary), summary.headline());
    println!(
        "training {:.1} s on the CPU ({}), neighbours on {}, seed {}",
        summary.train_seconds, summary.simd_path, summary.device, summary.seed
    );
    println!("report: {}", options.folder.join("report.html").display());
    Ok(())
}

/// Runs phase one and prints where the network is.
pub fn train(arguments: &Arguments) -> anyhow::Result<()> {
    let (config, options, mut show) = arguments.read()?;
    let trained = eos_pipeline::train(&config, &options, &mut show)?;
    show.done();
    let kept = &trained.epochs[trained.kept_epoch - 1];
    let of = trained.epochs.len();
    println!(
        "network of epoch {} of {of}: loss {:.4}",
        kept.epoch, kept.loss
    );
    println!("checkpoint: {}", options.folder.join(WEIGHTS).display());
    println!("eos run with the same configuration and folder goes on from here");
    Ok(())
}
