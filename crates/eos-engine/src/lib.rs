//! Convolutional residual networks forward and backward on CPU SIMD.
#![doc = ""]
// Kernels walk several arrays by one lane or channel number; zips of them would hide which is which.
#![allow(clippy::needless_range_loop)]

mod backward;
mod buffers;
mod conv;
mod conv_grad;
mod elementwise;
mod embed;
mod error;
mod forward;
mod layout;
mod norm;
mod parallel;
mod pooling;
mod resnet;
mod shortcut;
mod simd;
mod weights;

pub use backward::{Gradients, LayerGradients};
pub use error::Error;
pub use forward::{BatchStatistics, Saved};
pub use resnet::{InputShape, Layer, LayerParams, ResNet, Running};
pub use simd::SimdPath;
