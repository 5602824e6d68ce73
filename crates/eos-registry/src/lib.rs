//! Finds, checks, loads and calls oversampler plugins.
//!
//! A [`Registry`] is an allow-list in TOML. [`Registry::load`] turns an id into a [`Plugin`], and
//! [`Plugin::sample`] turns a [`Request`] into [`Synthetic`] rows, [`Plugin::plan`] into a [`Plan`]
//! that makes them a window at a time. A plugin that is linked into
//! the program comes from [`Plugin::from_entry`] instead, and is called the same way.
//!
//! A plugin with `isolate = "process"` in its registry is called in a child process, the program
//! `eos-plugin-host` of this crate, with the same results to the bit: what it does to its process
//! harms nobody, and what takes longer than its `timeout` (600 s where the registry does not say)
//! is stopped. The module [`check`] is the conformance kit for authors.
//!
//! Invariants: nothing is loaded that no registry lists; no function of a library runs before its
//! entry is found to fit; nothing that a plugin returns is used unchecked; no library is unloaded.

mod cache;
mod call;
mod callbacks;
pub mod check;
mod context;
mod discover;
mod error;
mod file;
mod guarded;
#[cfg(unix)]
mod isolate;
#[cfg(not(unix))]
#[path = "isolate_absent.rs"]
mod isolate;
mod library;
mod load;
mod locate;
mod params;
mod plan;
mod plugin;
mod registry;
mod request;
mod verify;
mod watch;

pub use call::Services;
pub use discover::Discovery;
pub use error::Error;
pub use file::Isolate;
pub use isolate::serve_isolated;
pub use library::Fault;
pub use params::{ParameterDescription, ParameterKind};
pub use plan::{Content, Plan, Synthetic, Trained};
pub use plugin::Plugin;
pub use registry::{Listing, Registry};
pub use request::Request;
