//! The process in which a plugin with `isolate = "process"` runs. `eos` starts it, a child for each
//! call; it is of no use by itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("error: {}", eos_registry::serve_isolated());
    ExitCode::from(2)
}
