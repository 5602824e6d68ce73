//! Workspace-level tests; they stand in `tests/`. Run them with `cargo xtask test`.
