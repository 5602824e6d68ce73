//! eos-data from outside: real files, the same files damaged, and what other tools make of ours.

mod arrays;
mod atomic;
mod balanced;
mod batches;
mod cifar;
mod describe;
mod folder;
mod hostile_pickles;
mod idx;
mod images;
mod imbalance;
mod support;
mod svhn;
