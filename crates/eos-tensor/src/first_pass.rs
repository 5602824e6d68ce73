//! What backends share whose first pass is not exact: how rows are stored for it, how far it can be wrong, and what a
//! call must not ask for.

pub use crate::backend::{check_queries, check_recipe};
pub use crate::cpu::bound::Bound;
pub use crate::cpu::format::{mean, unit_scale};
