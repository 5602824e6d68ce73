//! The three phases, metrics, generalization gap, run folders and reports.
