//! The blocks against their definition in f64, on every path of this machine.

mod definition;
mod exact;
#[path = "../common/random.rs"]
mod random;
mod refusals;
mod setting;
mod threads;
