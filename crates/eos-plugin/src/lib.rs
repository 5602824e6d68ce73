//! What an oversampler plugin is built from: the C ABI, trait Oversampler, export_oversampler!.
