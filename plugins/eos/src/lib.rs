//! Oversampler plugin eos.
