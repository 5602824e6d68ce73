//! Blocks to build small convolutional networks of: generators, encoders, discriminators.
//!
//! A [`Sequence`] is a list of [`Block`]s, like PyTorch's `nn.Sequential`; it takes a [`Batch`] and
//! gives one. Like [`ResNet`](crate::ResNet) it holds no parameters and knows no optimizer: each
//! call borrows slices in PyTorch's shapes and returns vectors.
//!
//! ```
//! use eos_engine::SimdPath;
//! use eos_engine::blocks::{Batch, Block, Sequence};
//!
//! // Codes of 4 values to images of 1 x 8 x 8 between 0 and 1.
//! let generator = Sequence::new(
//!     [4, 1, 1],
//!     &[
//!         Block::Dense { inputs: 4, outputs: 128 },
//!         Block::Reshape([8, 4, 4]),
//!         Block::BatchNorm { channels: 8 },
//!         Block::LeakyRelu { slope: 0.2 },
//!         Block::Upsample2x,
//!         Block::Conv3x3 { inputs: 8, outputs: 1, stride: 1 },
//!         Block::Sigmoid,
//!     ],
//!     SimdPath::detect()?,
//! )?;
//! let names: Vec<&str> = generator.parameters().iter().map(|p| p.name.as_str()).collect();
//! assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias", "5.weight"]);
//! assert_eq!(generator.parameters()[4].shape, [1, 8, 3, 3]);
//!
//! let values: Vec<Vec<f32>> = generator.parameters().iter().map(|p| vec![0.1; p.len()]).collect();
//! let parameters: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
//! let codes = Batch::new(&[0.0, 1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 1.0], 2, [4, 1, 1])?;
//! let (images, saved) = generator.forward(codes, &parameters)?;
//! assert_eq!((images.images(), images.shape()), (2, [1, 8, 8]));
//! assert!(images.to_vec().iter().all(|&v| 0.0 < v && v < 1.0));
//!
//! // The gradient of the images' sum.
//! let ones = Batch::new(&[1.0; 2 * 64], 2, [1, 8, 8])?;
//! let gradients = generator.backward(saved, &parameters, ones, true)?;
//! assert_eq!(gradients.parameters[0].len(), 128 * 4);
//! assert_eq!(gradients.input.map(|codes| codes.shape()), Some([4, 1, 1]));
//! # Ok::<(), eos_engine::Error>(())
//! ```
//!
//! The blocks run on the ResNet's kernels, with the same promise: results are equal bit by bit
//! whatever the number of threads.

mod activation;
mod batch;
mod block;
mod conv;
mod dense;
mod norm;
mod resample;
mod run;
mod sequence;

use std::sync::Arc;

pub use batch::Batch;
pub use block::Block;
pub use sequence::{Gradients, Parameter, Saved, Sequence};

use crate::buffers::Pool;
use crate::simd::Simd;

/// What every block needs: instructions, and memory to use again.
#[derive(Clone)]
struct Context {
    simd: Simd,
    pool: Arc<Pool>,
}

impl Context {
    /// A batch with any values.
    fn batch(&self, n: usize, shape: [usize; 3]) -> Batch {
        Batch::take(&self.pool, n, shape)
    }
}
