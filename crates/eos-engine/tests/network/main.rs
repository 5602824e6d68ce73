//! The engine against its definition in f64, on every path of this machine.

mod case;
mod exact;
#[path = "../common/random.rs"]
mod random;
mod reference;
mod refusals;
mod threads;
