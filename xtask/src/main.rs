//! Workflows of the workspace.

fn main() {}
