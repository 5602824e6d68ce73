//! Runs CUDA kernels on the processor, so that every test run executes them: a development tool.
//!
//! The build script compiles the kernels' own source as C++ with `shim/shim.h` in place of CUDA's words. At a launch
//! each CUDA thread of a block is a fiber with a stack of its own, and the fibers of a block share one thread of the
//! operating system; blocks run on several. Shared memory is thread-local, a barrier or a shuffle is a switch to
//! another fiber, and a [`Schedule`] decides which goes on, so that an order which the kernel does not enforce shows
//! in its results. A barrier that not all threads reach, a shuffle from a lane that does not take part and the like
//! end the launch with a report; memory ends at guard pages, where a stray access ends the process.
//!
//! Mistakes listed in `src/plants.rs` are planted in copies of the programs ([`Program::planted`]): tests prove with
//! them that they would notice.
//!
//! Not emulated: weakly ordered memory, threads that spin until another one writes, and garbage in shared memory of
//! fixed size, which holds zeros or what the block before left (dynamic shared memory is filled with 0xFF bytes).

mod memory;
mod plants;
mod program;
#[cfg(eos_emulated)]
mod raw;

pub use memory::Memory;
pub use plants::{PLANTS, PROGRAMS, Plant, Source};
pub use program::{Launch, Program, Report, Schedule};

/// Why nothing can be run, for a test to print before it returns.
pub fn unavailable() -> Option<&'static str> {
    (!cfg!(eos_emulated)).then_some("skipped: no C++ compiler")
}
