//! Oversampler plugin smote.
