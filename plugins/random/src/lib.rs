//! Oversampler plugin random.
