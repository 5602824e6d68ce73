//! Dense rows, exact neighbours, interpolation and counter-based randomness.
//!
//! The two batched operations of every oversampler stand behind [`Backend`]: exact nearest
//! neighbours with a class filter, and interpolation of a recipe. [`CpuBackend`] implements them
//! on the processor; [`exact`] is the plain definition that every backend must equal bit for bit.
//!
//! Invariants: no input or output here, no global state, and results that do not depend on the
//! number of threads, the size of a tile or the instruction set.

mod backend;
mod cpu;
mod error;
pub mod exact;
pub mod first_pass;
pub mod philox;
mod rng;
mod rows;
pub mod stream;

pub use backend::{Backend, Classes, Interpolation, Neighbours, Recipe, Search};
pub use cpu::{CpuBackend, SimdPath};
pub use error::Error;
pub use rng::PhiloxRng;
pub use rows::{Rows, first_not_finite};
