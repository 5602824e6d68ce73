//! The one table of random streams.
//!
//! Streams below 2³¹ are class indices of oversamplers; every other use has its own from 2³¹ up.

/// Weights of the backbone; the index counts layers.
pub const INITIALISATION: u32 = 1 << 31;
/// Stratified split into training and validation rows; the index counts classes.
pub const SPLIT: u32 = INITIALISATION + 1;
/// Choice of the rows that an imbalance keeps; the index counts classes.
pub const IMBALANCE: u32 = INITIALISATION + 2;
/// Order of the training images; the index counts epochs.
pub const BATCHES: u32 = INITIALISATION + 3;
/// Crop and flip of one image; the index is (epoch, image).
pub const AUGMENTATION: u32 = INITIALISATION + 4;
/// Weights of a fresh head.
pub const HEAD_INITIALISATION: u32 = INITIALISATION + 5;
/// Order of the rows in head training; the index counts epochs.
pub const HEAD_BATCHES: u32 = INITIALISATION + 6;
/// Rows drawn again for confidence intervals; the index counts draws.
pub const BOOTSTRAP: u32 = INITIALISATION + 7;
/// Training rows drawn with replacement; the index is (epoch, place in the epoch).
pub const SAMPLING: u32 = INITIALISATION + 8;
/// Place of the hole in one image; the index is (epoch, image).
pub const CUTOUT: u32 = INITIALISATION + 9;
/// Share and partners of mixed images; the index is (epoch, batch).
pub const MIXUP: u32 = INITIALISATION + 10;
/// Order of rows on a device; the index counts classes.
pub const LAYOUT: u32 = INITIALISATION + 11;
/// Weights of a fresh generator; the index is (half, parameter).
pub const GENERATOR_INITIALISATION: u32 = INITIALISATION + 12;
/// Images of one step of a generator's training; the index counts steps.
pub const GENERATOR_BATCHES: u32 = INITIALISATION + 13;
/// Rows of equally large subsets; the index is (draw, side, class).
pub const SUBSETS: u32 = INITIALISATION + 14;
