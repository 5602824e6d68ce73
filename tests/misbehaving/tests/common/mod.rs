//! What the tests share: three overlapping classes and one call with everything as usual.
#![allow(dead_code)]

use eos_registry::{Error, Plugin, Registry, Request, Services, Synthetic};
use eos_tensor::{CpuBackend, PhiloxRng, Rows};
use std::path::{Path, PathBuf};

pub const DIMS: usize = 3;

/// Sixty rows in `[0, 16)³`: forty of class 0, fifteen of class 1, five of class 2.
pub fn data() -> (Vec<f32>, Vec<u32>) {
    let mut rng = PhiloxRng::new(3, 0, 0);
    let rows = (0..60 * DIMS).map(|_| 16.0 * rng.unit()).collect();
    let labels = (0..60)
        .map(|i| [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 2][i % 12])
        .collect();
    (rows, labels)
}

/// Calls `plugin` for 20 rows of class 1 and 30 of class 2.
pub fn sample(plugin: &Plugin, params: &str, threads: u32) -> Result<Synthetic, Error> {
    sample_while(plugin, params, threads, &mut |_, _| true)
}

pub fn sample_while(
    plugin: &Plugin,
    params: &str,
    threads: u32,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Synthetic, Error> {
    let (rows, labels) = data();
    let request = Request {
        rows: Rows::new(&rows, DIMS).expect("the rows are finite"),
        labels: &labels,
        wanted: &[0, 20, 30],
        seed: 11,
        params: &params.parse().expect("a test's parameters are TOML"),
    };
    plugin.sample(
        &request,
        &mut Services {
            backend: &CpuBackend::new(),
            threads,
            progress,
        },
    )
}

/// A registry that `cargo xtask test` has built, by the variable that names its folder.
pub fn built(variable: &str) -> Registry {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| panic!("{variable} is not set: run cargo xtask test"));
    let registry = Registry::open(&[folder.join("registry.toml")]).expect("the registry is right");
    registry.cache(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins"))
}
