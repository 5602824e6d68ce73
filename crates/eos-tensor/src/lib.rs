//! Dense rows, exact neighbours, interpolation and counter-based randomness.
