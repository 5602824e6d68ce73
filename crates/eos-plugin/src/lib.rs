//! What an oversampler plugin is built from.
//!
//! A plugin is a crate of type `cdylib` (loaded by a host) and `rlib` (linked into a program) that
//! depends on this crate, implements [`Oversampler`] and calls [`export_oversampler!`]. This crate
//! depends on nothing but the standard library.
//!
//! Most methods are linear: each synthetic row is `base + ratio · (to − from)` for three rows of
//! the data. Such a method only pushes [`Recipe`]s, five 4-byte words a row, and the host makes
//! the rows on its device. A method that makes new points sets [`Oversampler::MODE`] to
//! [`Mode::Rows`] and pushes rows.
//!
//! ```
//! use eos_plugin::{Classes, Dataset, Error, Host, Oversampler, Recipe, Sink, params};
//!
//! params! {
//!     /// Parameters of [`Nearest`].
//!     pub struct Params {
//!         ratio: float = 0.5, min 0.0, max 1.0, "how far towards the neighbour";
//!     }
//! }
//!
//! /// Walks from random rows of a class towards their nearest class-mates.
//! pub struct Nearest(Params);
//!
//! impl Oversampler for Nearest {
//!     const ID: &'static str = "nearest";
//!     const SUMMARY: &'static str = "walks towards the nearest class-mate";
//!     type Params = Params;
//!
//!     fn new(params: Params) -> Result<Self, Error> {
//!         Ok(Self(params))
//!     }
//!
//!     fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
//!         let members = data.members();
//!         for (label, wanted) in data.wanting() {
//!             let members = members.of(label);
//!             let near = host.neighbours(members, 1, Classes::Same)?;
//!             out.draw(host, label, wanted, |draw| {
//!                 let q = draw.base(members.len());
//!                 let base = members[q];
//!                 // The only row of its class stays where it is.
//!                 let to = *near.of(q).first().unwrap_or(&base);
//!                 Recipe { label, base, from: base, to, ratio: self.0.ratio as f32 }
//!             })?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! eos_plugin::export_oversampler!(Nearest);
//! # fn main() {}
//! ```

pub mod abi;
mod dataset;
mod entry;
mod error;
mod host;
pub mod math;
mod parallel;
pub mod params;
mod service;
mod shield;
mod sink;
mod small_class;

pub use abi::Recipe;
pub use dataset::{Dataset, Members};
pub use entry::entry;
pub use error::Error;
pub use host::Host;
pub use parallel::Poll;
pub use service::{Classes, Draw, Lookup, Neighbours, Rng, Sample, below, open_unit};
pub use sink::{Mode, Sink};
pub use small_class::{GrowingClass, SmallClass};

/// A method that makes synthetic rows for classes that have too few.
///
/// One instance may be called from several threads at once. A method keeps no state outside of
/// its instance and starts no threads that outlive a call.
pub trait Oversampler: Sized + Send + Sync + 'static {
    /// Name in registries and configurations: lower case, digits and hyphens.
    const ID: &'static str;
    /// The method in a sentence.
    const SUMMARY: &'static str;
    /// Whether the method pushes recipes or rows.
    const MODE: Mode = Mode::Recipes;
    /// What the method takes, declared with [`params!`]; `()` where it takes nothing.
    type Params: params::Parameters;

    /// Makes an instance of parameters that are of the right type and in range.
    ///
    /// # Errors
    /// [`Error::Params`] where they do not fit together.
    fn new(params: Self::Params) -> Result<Self, Error>;

    /// Pushes exactly `data.wanted()[c]` rows of each class c, in any order.
    ///
    /// The same data, seed and parameters give the same bytes, whatever `host.threads()` says.
    ///
    /// # Errors
    /// Where the method cannot do that; nothing that was pushed is used then.
    fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error>;
}
