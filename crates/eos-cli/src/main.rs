//! The `eos` command.

fn main() {}
