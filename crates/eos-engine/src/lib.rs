//! Convolutional residual networks forward and backward on CPU SIMD.
//!
//! [`ResNet`] is the ResNet-6n+2 of He et al. (2016) for small images, from the images to the
//! embedding of 64 values (more of a [wide](ResNet::wide) one) before the head: [`forward`](ResNet::forward) with the statistics of the
//! batch, [`backward`](ResNet::backward) for every gradient, [`embed`](ResNet::embed) with running
//! statistics. It holds no parameters and knows no optimizer: each call borrows `state_dict`-shaped
//! slices and returns vectors.
//!
//! ```
//! use eos_engine::{InputShape, LayerParams, ResNet, SimdPath};
//!
//! let input = InputShape { channels: 1, height: 8, width: 12 };
//! let network = ResNet::new(8, input, SimdPath::detect()?)?;
//! let weights: Vec<Vec<f32>> = network
//!     .layers()
//!     .iter()
//!     .map(|layer| vec![0.01; layer.weight_shape().iter().product()])
//!     .collect();
//! let (ones, zeros) = ([1.0; 64], [0.0; 64]);
//! let params: Vec<LayerParams<'_>> = network
//!     .layers()
//!     .iter()
//!     .zip(&weights)
//!     .map(|(layer, weight)| LayerParams {
//!         weight,
//!         gamma: &ones[..layer.out_channels],
//!         beta: &zeros[..layer.out_channels],
//!     })
//!     .collect();
//!
//! let n = 2;
//! let images: Vec<f32> = (0..n * input.values()).map(|i| (i % 7) as f32).collect();
//! let (embeddings, saved) = network.forward(&images, n, &params)?;
//! assert_eq!(embeddings.len(), n * 64);
//! let gradient = vec![1.0; n * 64];
//! let gradients = network.backward(saved, &params, &gradient, true)?;
//! assert_eq!(gradients.layers[0].weight.len(), 16 * 9);
//! assert_eq!(gradients.images.map(|g| g.len()), Some(images.len()));
//! # Ok::<(), eos_engine::Error>(())
//! ```
//!
//! Other small networks are composed of [`blocks`].
//!
//! Invariants:
//! - Work runs on the current rayon pool. A batch is split into chunks by its size alone, and sums
//!   run in a fixed order, so results are equal bit by bit whatever the number of threads.
//! - Activations lie in blocks of sixteen channels on every path ([`SimdPath`]), and each kernel is
//!   written once for all of them.
//! - Lengths are checked where a call enters; what does not fit comes back as an [`Error`] that
//!   names it.

mod backward;
mod buffers;
mod conv;
mod conv_grad;
mod elementwise;
mod embed;
mod error;
mod forward;
mod geometry;
mod layout;
mod norm;
mod parallel;
mod pooling;
mod resnet;
mod shortcut;
mod simd;
mod weights;
mod winograd;

pub mod blocks;

pub use backward::{Gradients, LayerGradients};
pub use error::Error;
pub use forward::{BatchStatistics, Saved};
pub use resnet::{InputShape, Layer, LayerParams, ResNet, Running};
pub use simd::SimdPath;
