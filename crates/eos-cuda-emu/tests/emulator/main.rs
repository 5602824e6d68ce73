//! Every primitive against a plain definition, and every kind of mistake against its report.

mod harness;
mod memory;
mod mistakes;
mod numbers;
mod primitives;
