//! `eos doctor`.

use crate::plugins::discover;
use eos_cuda::{CudaBackend, CudaError};
use eos_model::{Arch, Network, NetworkSpec};
use eos_tensor::{Backend, Classes, PhiloxRng, Recipe, Rows, exact};
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
    println!(
        "threads: {}",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    println!("neighbours and interpolation: on the CPU, and on NVIDIA GPUs (--device, run.device)");
    let sound = cards();
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
    anyhow::ensure!(
        sound,
        "a GPU gives other results than the CPU; use --device cpu, and report it with the lines above"
    );
    Ok(())
}

/// Prints the driver and each card; whether every card that can be used gives the right results.
fn cards() -> bool {
    let version = match eos_cuda::driver() {
        Ok(version) => version,
        Err(error) => {
            println!("GPU: none: {error}");
            return true;
        }
    };
    println!(
        "NVIDIA driver: CUDA {}.{}",
        version / 1000,
        version % 1000 / 10
    );
    let devices = match eos_cuda::devices() {
        Ok(devices) if devices.is_empty() => {
            println!("GPU: none: {}", CudaError::NoDevice);
            return true;
        }
        Ok(devices) => devices,
        Err(error) => {
            println!("GPU: none: {error}");
            return true;
        }
    };
    let mut sound = true;
    for device in devices {
        let (major, minor) = device.capability;
        let about = format!(
            "GPU cuda:{}: {}, compute capability {major}.{minor}, {} MiB",
            device.ordinal,
            device.name,
            device.memory >> 20
        );
        match CudaBackend::open(device.ordinal).map(|card| (card.ptx(), self_test(&card))) {
            Ok((ptx, Ok(()))) => println!("{about}, PTX {ptx}: self-test passed"),
            Ok((ptx, Err(why))) => {
                sound = false;
                println!("{about}, PTX {ptx}: self-test FAILED: {why}");
            }
            Err(error) => println!("{about}: cannot be used: {error}"),
        }
    }
    sound
}

/// Neighbours and rows of a small set, compared with the plain definition.
fn self_test(card: &CudaBackend) -> Result<(), String> {
    const ROWS: u32 = 700;
    const DIMS: usize = 40;
    let mut random = PhiloxRng::new(0, 0, 0);
    let data: Vec<f32> = (0..ROWS as usize * DIMS).map(|_| random.unit()).collect();
    let rows = Rows::new(&data, DIMS).map_err(|e| e.to_string())?;
    let labels: Vec<u32> = (0..ROWS).map(|row| row % 3).collect();
    let queries: Vec<u32> = (0..ROWS).collect();
    for classes in [Classes::Any, Classes::Same, Classes::Other] {
        let got = card.neighbours(rows, &labels, &queries, 10, classes);
        let wanted = exact::neighbours(rows, &labels, &queries, 10, classes);
        if got.map_err(|e| e.to_string())? != wanted.map_err(|e| e.to_string())? {
            return Err(format!("neighbours of {classes:?} classes differ"));
        }
    }
    let recipe: Vec<Recipe> = (0..ROWS)
        .map(|row| Recipe {
            label: 0,
            base: row,
            from: row,
            to: random.below(ROWS),
            ratio: random.unit(),
        })
        .collect();
    let (mut got, mut wanted) = (vec![0.0; data.len()], vec![1.0; data.len()]);
    card.interpolate(rows, &recipe, &mut got)
        .map_err(|e| e.to_string())?;
    exact::interpolate(rows, &recipe, &mut wanted).map_err(|e| e.to_string())?;
    match got == wanted {
        true => Ok(()),
        false => Err("interpolated rows differ".to_owned()),
    }
}
