//! Labelled sets of images and embeddings: formats, imbalance, splits, augmentation, batches.
//!
//! Raw files become checked values here, once: an [`ImageSet`] holds N images of one shape with a
//! class each, [`Embeddings`] hold N finite rows of D values. What is wrong with a file is a
//! [`DataError`] that names file, field, what was got, what was wanted and the next step.
//!
//! Invariants: no declared size is believed before it is compared with the file; randomness is a
//! pure function of seed, use and position, so no result depends on threads or timing; written
//! files appear whole or not at all.

pub mod atomic;
mod augmentation;
mod balanced;
mod batches;
pub mod demo;
mod describe;
mod embeddings;
mod embeddings_read;
mod embeddings_write;
mod error;
mod format;
mod image_set;
mod imbalance;
mod labels;
mod mixup;
mod mt19937;
mod normalization;
mod npy;
mod options;
mod order;
mod provenance;
mod read;
mod shared_rows;
mod zip;

pub use augmentation::Augmentation;
pub use balanced::{BalancedFiles, BalancedWriter};
pub use batches::{Batch, BatchOptions, Batches};
pub use describe::{ClassCount, Content, Description, describe};
pub use embeddings::Embeddings;
pub use embeddings_read::{read_embeddings, read_embeddings_npy, read_embeddings_npz};
pub use embeddings_write::{write_embeddings_npy, write_embeddings_npz};
pub use error::{DataError, Fault};
pub use format::Format;
pub use image_set::{ImageSet, ImageShape};
pub use imbalance::{Imbalance, ImbalanceKind, Split, Subset, stratified_split};
pub use labels::Labels;
pub use mixup::MixedWith;
pub use normalization::Normalization;
pub use options::{Part, ReadOptions};
pub use provenance::Provenance;
pub use read::read_images;
