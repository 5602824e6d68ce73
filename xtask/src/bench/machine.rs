//! What the machine can do at most, and the environment that holds every program to the same of it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Options, example};

/// The processor and its limits on the path that is measured.
#[derive(Debug, Deserialize, Serialize)]
pub struct Machine {
    #[serde(default = "processor")]
    processor: String,
    /// The instruction path of ours.
    path: String,
    /// Threads of every side.
    threads: usize,
    /// Operations a second; a multiply-add is two.
    fma_peak: f64,
    /// Bytes a second, read and written.
    copy_bandwidth: f64,
    /// Was the path asked for, or is it the widest there is?
    #[serde(default)]
    forced: bool,
}

impl Machine {
    /// Measures the limits as the example `machine` of ours sees them.
    pub fn measure(options: &Options) -> Result<Self> {
        let mut command = Command::new(example("machine")?);
        if let Some(path) = &options.simd {
            command.env("EOS_SIMD", path);
        }
        if let Some(threads) = options.threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        let output = command.output().context("cannot run the example machine")?;
        ensure!(
            output.status.success(),
            "cannot measure on --simd {}: {}",
            options.simd.as_deref().unwrap_or("(none)"),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let mut machine: Self = serde_json::from_slice(&output.stdout)
            .context("the example machine wrote something unexpected")?;
        machine.forced = options.simd.is_some();
        Ok(machine)
    }

    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "{}, {} threads, {}: FMA peak {:.0} GFLOP/s, copying {:.1} GB/s",
            self.processor,
            self.threads,
            self.path,
            self.fma_peak / 1e9,
            self.copy_bandwidth / 1e9
        )
    }

    /// Threads of every side.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Operations a second.
    pub fn fma_peak(&self) -> f64 {
        self.fma_peak
    }

    /// What programs of ours and of other Rust crates are told.
    pub fn ours(&self) -> Vec<(&'static str, String)> {
        let threads = self.threads.to_string();
        vec![
            ("EOS_SIMD", self.path.clone()),
            ("RAYON_NUM_THREADS", threads),
        ]
    }

    /// What Python's libraries are told: our threads, which sleep while they wait as ours do, and the
    /// fastest kernels of OpenBLAS on this path. Old OpenBLAS, as faiss brings it, takes slow kernels
    /// on processors that are newer than itself.
    pub fn pythons(&self) -> Vec<(&'static str, String)> {
        let threads = self.threads.to_string();
        let mut all = vec![
            ("OMP_NUM_THREADS", threads.clone()),
            ("OPENBLAS_NUM_THREADS", threads),
            ("OMP_WAIT_POLICY", "PASSIVE".to_owned()),
            // The scripts share a module, whose bytecode has no place among the sources.
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ];
        let kernels: &[_] = match (self.path.as_str(), self.forced) {
            ("avx512vnni" | "avx512", _) => &[("OPENBLAS_CORETYPE", "SKYLAKEX")],
            ("avx2", _) => &[
                ("OPENBLAS_CORETYPE", "HASWELL"),
                ("FAISS_SIMD_LEVEL", "AVX2"),
                ("ATEN_CPU_CAPABILITY", "avx2"),
                ("ONEDNN_MAX_CPU_ISA", "AVX2"),
            ],
            (_, true) => &[
                ("OPENBLAS_CORETYPE", "PRESCOTT"),
                ("FAISS_SIMD_LEVEL", "NONE"),
                ("ATEN_CPU_CAPABILITY", "default"),
                ("ONEDNN_MAX_CPU_ISA", "SSE41"),
            ],
            (_, false) => &[],
        };
        all.extend(
            kernels
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned())),
        );
        all
    }
}

/// The processor's name, where the system tells it.
pub fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "));
    name.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(path: &str, forced: bool) -> Vec<(&'static str, String)> {
        let told = format!(
            r#"{{"path": "{path}", "threads": 2, "fma_peak": 4.98e11, "copy_bandwidth": 4e10}}"#
        );
        let mut machine: Machine = serde_json::from_str(&told).expect("the example's form");
        machine.forced = forced;
        machine.pythons()
    }

    #[test]
    fn peers_are_held_to_the_path() {
        let has = |all: &[(&str, String)], pair: (&str, &str)| {
            all.iter()
                .any(|(key, value)| (*key, value.as_str()) == pair)
        };
        for path in ["avx512vnni", "avx512"] {
            assert!(has(&on(path, false), ("OPENBLAS_CORETYPE", "SKYLAKEX")));
        }
        assert!(has(&on("avx2", true), ("FAISS_SIMD_LEVEL", "AVX2")));
        assert!(has(&on("portable", true), ("FAISS_SIMD_LEVEL", "NONE")));
        assert!(
            !on("portable", false)
                .iter()
                .any(|(key, _)| *key == "FAISS_SIMD_LEVEL")
        );
    }
}
