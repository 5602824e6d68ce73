//! `eos doctor`.

use crate::plugins::discover;
use eos_model::{Arch, Network, NetworkSpec};
use std::path::PathBuf;

/// Where to look.
#[derive(clap::Args)]
pub struct Arguments {
    /// Registry of plugins to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
}

/// Prints what there is, and fails where something that is needed is not.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let spec = NetworkSpec::new(Arch::ResNet20, [1, 8, 8], 2);
    let path = Network::new(spec, 0)?.simd_path();
    println!("training: on the CPU, {path} (EOS_SIMD=avx512|avx2|portable forces a path)");
    println!("device: cpu (neighbours and interpolation)");
    println!(
        "threads: {}",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    let registry = discover(&arguments.registry, false)?;
    let mut refused = 0;
    for listing in registry.list().iter().filter(|listing| listing.enabled) {
        match registry.load(&listing.id) {
            Ok(plugin) => println!("plugin {} {}: loads", plugin.id(), plugin.version()),
            Err(error) => {
                refused += 1;
                println!("plugin {}: {error}", listing.id);
            }
        }
    }
    anyhow::ensure!(
        refused == 0,
        "{refused} plugins do not load; run cargo xtask plugins build"
    );
    Ok(())
}
