//! The check of a machine with an NVIDIA GPU: every case of the emulator's tests on the card, larger ones against the CPU,
//! how far tensor cores' sums are off, and the times of kernels and of whole searches.
//!
//! `gpu_check [parity|sanitize|times|all|device] [cuda:N]`; `sanitize` is the small cases alone, `device` only opens the
//! card. `cargo xtask gpu-check` builds it, and a folder that runs it where there is no cargo.

#[path = "../../tests/cases/mod.rs"]
mod cases;
mod parity;
mod times;

use eos_cuda::CudaBackend;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("all", String::as_str);
    let ordinal = arguments
        .get(1)
        .and_then(|device| device.strip_prefix("cuda:"));
    let ordinal = ordinal.and_then(|n| n.parse().ok()).unwrap_or(0);
    let start = Instant::now();
    let backend = match CudaBackend::open(ordinal) {
        Ok(backend) => backend,
        Err(error) => {
            println!("skipped: {error}");
            return ExitCode::SUCCESS;
        }
    };
    if let Some(device) = backend.device() {
        println!(
            "{}, compute capability {}.{}, {} MiB, opened in {:.2} s",
            device.name,
            device.capability.0,
            device.capability.1,
            device.memory >> 20,
            start.elapsed().as_secs_f64()
        );
    }
    if what == "device" {
        return ExitCode::SUCCESS;
    }
    let mut sound = match what {
        "times" => true,
        "sanitize" => parity::sanitize(&backend),
        _ => parity::run(&backend),
    };
    if matches!(what, "times" | "all") {
        match times::run(&backend) {
            Ok(()) => {}
            Err(error) => {
                println!("times: {error}");
                sound = false;
            }
        }
    }
    println!("{}", if sound { "all sound" } else { "FAILED" });
    if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
