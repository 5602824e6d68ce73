//! Labelled sets of images and embeddings: formats, imbalance, splits, augmentation, batches.
