//! Convolutional residual networks forward and backward on CPU SIMD.
