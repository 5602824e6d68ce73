//! The three phases composed into runs: train, oversample the embeddings, fine-tune the head.
//!
//! [`run()`] does the whole method for a [`Config`] and leaves a run folder, [`compare`] puts methods beside each
//! other; the modules are their parts, for composers. Nothing here prints: what happens is told to an [`Observer`].
//!
//! Invariants: every file is written whole or not at all; the test set is scored once, after every
//! choice has been made; a changed configuration never overwrites a run.

mod balanced;
mod checkpoint;
pub mod compare;
pub mod config;
pub mod device;
mod error;
pub mod estimate;
mod event;
mod folder;
pub mod gap;
mod heads;
mod log;
mod memory;
pub mod metrics;
pub mod phases;
mod plot;
mod report;
mod run;
mod runner;
mod saved;
mod source;
pub mod summary;
pub mod table;
mod training;
pub mod wanted;

pub use balanced::write_balanced;
pub use checkpoint::{About, Checkpoint, head_checkpoint, read_head};
pub use config::Config;
pub use device::Device;
pub use error::Error;
pub use event::{Event, Observer};
pub use folder::Existing;
pub use run::{RunOptions, run, train};
pub use runner::WEIGHTS;
pub use source::{Images, load_data};
pub use summary::Summary;
