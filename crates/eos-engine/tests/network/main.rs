//! The engine against its definition in f64, on every path of this machine.

mod case;
mod exact;
mod reference;
mod refusals;
mod threads;
