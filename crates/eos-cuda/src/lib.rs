//! Exact neighbours and interpolation on NVIDIA GPUs, bit for bit those of the CPU.
//!
//! A fast first pass (`kernels/scan.cuh`, `kernels/tensor.cuh`) keeps some candidates of each query; they are measured and
//! ranked in the canonical form, and a certificate proves that none is missing. Queries that it does not prove are asked
//! again in a more careful form, the last of which takes all distances. So any first pass gives the same bits.
//!
//! The kernels' PTX is part of this crate (`cargo xtask kernels` makes it): a machine needs NVIDIA's driver, 525 or newer,
//! and no toolkit. Nothing here is linked to the driver; without one, [`CudaBackend::open`] says so.
//!
//! Host code knows a card only as a [`runtime::Runtime`]. In tests that is the emulator, which runs the very kernels.

mod backend;
mod driver;
mod error;
mod first_pass;
mod group;
mod interpolate;
mod layout;
mod params;
mod probe;
pub mod runtime;
mod score_error;
mod search;
mod set;
mod slots;
mod stages;

pub use backend::{CudaBackend, CudaSearch};
pub use error::CudaError;
pub use first_pass::FirstPass;
pub use probe::{Device, devices, driver};
pub use score_error::ScoreError;
pub use search::Proven;
