//! Finds, checks, loads and calls oversampler plugins.
