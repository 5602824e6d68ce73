//! Networks, schedules, training and checkpoints on dfdx.
//!
//! dfdx holds every parameter, the head, the tape and the optimizer's step; losses stand on its tape
//! with a value and gradient of our own in double precision ([`Objective`]). dfdx 0.13 has
//! no convolution on stable Rust, and its operations run image by image; so the convolutional
//! backbone is *one* operation on its tape, computed forward and backward by
//! [`eos_engine::ResNet`]. To dfdx it looks like any other differentiable operation.
//!
//! [`Generator`], an auto-encoder of images, stands on [`eos_engine::blocks`] alone, with an
//! optimizer of its own.
//!
//! Invariant: the only crate that knows dfdx; none of its types is in a public signature.

mod arch;
mod checkpoint;
mod class_weights;
mod error;
mod generator;
mod head;
mod head_training;
mod infer;
mod kinded;
mod layer;
mod loss;
mod network;
mod objective;
mod post_hoc;
mod schedule;
mod sgd;
mod tape;
mod tensors;
mod trainer;

pub use arch::{Arch, NetworkSpec};
pub use checkpoint::note;
pub use class_weights::ClassWeights;
pub use error::{Mismatch, ModelError};
pub use generator::{Generator, GeneratorSpec, GeneratorStep, GeneratorTraining};
pub use head::{Head, HeadKind};
pub use head_training::{HeadData, HeadEpoch, HeadTraining, train_head};
pub use loss::{Loss, LossOptions};
pub use network::Network;
pub use objective::{Mixed, Objective, Targets};
pub use schedule::Schedule;
pub use sgd::{Decay, SgdOptions};
pub use trainer::{Step, Trainer};
