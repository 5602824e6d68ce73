//! Networks, schedules, training and checkpoints on dfdx.
//!
//! dfdx holds every parameter, the head, the loss, the tape and the optimizer's step. dfdx 0.13 has
//! no convolution on stable Rust, and its operations run image by image; so the convolutional
//! backbone is *one* operation on its tape, computed forward and backward by
//! [`eos_engine::ResNet`]. To dfdx it looks like any other differentiable operation.
//!
//! Invariant: the only crate that knows dfdx; none of its types is in a public signature.

mod arch;
mod checkpoint;
mod error;
mod head;
mod head_training;
mod infer;
mod layer;
mod network;
mod schedule;
mod tape;
mod trainer;

pub use arch::{Arch, NetworkSpec};
pub use checkpoint::note;
pub use error::{Mismatch, ModelError};
pub use head::Head;
pub use head_training::{HeadData, HeadEpoch, HeadTraining, train_head};
pub use network::Network;
pub use schedule::Schedule;
pub use trainer::{SgdOptions, Step, Trainer};
