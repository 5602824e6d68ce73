//! The C boundary between a host and an oversampler plugin, version 1.
//!
//! Nothing here allocates, and no Rust type but plain numbers and pointers crosses. The same
//! tables stand in `include/eos_plugin.h` for plugins written in C or anything that speaks it.
//!
//! Rules of the boundary:
//! 1. Every table starts with a [`Header`]. Tables only grow at their end; [`Header::size`] says
//!    how far the side that made the table knows it. What is optional is a service by name.
//! 2. The entry is an exported static: a host reads and judges it before it calls the plugin.
//! 3. Neither side frees the other's memory. Inputs are borrowed for one call, outputs are host
//!    memory, strings are copied by whoever receives them.
//! 4. No unwinding crosses: a call returns a [`Status`], its message goes through
//!    [`Host::set_error`].
//! 5. A plugin calls [`Host::progress`] and [`Knn::neighbours`] only from the thread it was called
//!    on; `set_error`, `log`, `service`, [`Rng::block`] and [`Cost::trained`] from any, but never
//!    after the call that it was given the table in has returned.
//!
//! Layouts are fixed for 64-bit targets and asserted at the end of this file.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

/// First eight bytes of every table: `EOSPLUG` and a zero, read as a little-endian number.
pub const MAGIC: u64 = u64::from_le_bytes(*b"EOSPLUG\0");
/// Version of the boundary; sides of differing major version do not talk.
pub const MAJOR: u16 = 1;
/// Grows when a table does; sides of differing minor version do talk.
pub const MINOR: u16 = 0;
/// The exported static is called this and the crate's name: `eos_plugin_entry__eos_plugin_smote`.
pub const ENTRY_PREFIX: &str = "eos_plugin_entry__";

/// Start of every table.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`MAJOR`] of the side that made the table.
    pub major: u16,
    /// [`MINOR`] of the side that made the table.
    pub minor: u16,
    /// Bytes of the table, this header included.
    pub size: u32,
}

impl Header {
    /// The header of a table `T` of this version.
    pub const fn of<T>() -> Self {
        Self {
            magic: MAGIC,
            major: MAJOR,
            minor: MINOR,
            size: size_of::<T>() as u32,
        }
    }

    /// Whether a table that starts so can be read as far as `size` bytes by this version.
    pub const fn fits(&self, size: u32) -> bool {
        self.magic == MAGIC && self.major == MAJOR && self.size >= size
    }
}

/// Borrowed UTF-8 text, not terminated by a NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// First byte; may be null where `len` is 0.
    pub ptr: *const u8,
    /// Bytes.
    pub len: usize,
}

// SAFETY: a `Str` in a static names constant text, which every thread may read; the pointers of
// other `Str`s are only followed through `as_str`, whose caller answers for them.
unsafe impl Sync for Str {}

impl Str {
    /// Borrows `text`; of constant text it makes a constant.
    pub const fn new(text: &str) -> Self {
        Self {
            ptr: text.as_ptr(),
            len: text.len(),
        }
    }

    /// The text, or `None` where it is null with a length or not UTF-8.
    ///
    /// # Safety
    /// Where `ptr` is not null, `len` bytes from it must be readable and unchanged for `'a`.
    pub unsafe fn as_str<'a>(self) -> Option<&'a str> {
        if self.len == 0 {
            return Some("");
        }
        if self.ptr.is_null() || isize::try_from(self.len).is_err() {
            return None;
        }
        // SAFETY: not null, no longer than an object can be, and readable by the caller's promise.
        core::str::from_utf8(unsafe { core::slice::from_raw_parts(self.ptr, self.len) }).ok()
    }
}

/// What a call came to. Codes that the receiver does not know read as [`FAILED`].
pub type Status = i32;
/// The call did what it says.
pub const OK: Status = 0;
/// It did not; the message says why.
pub const FAILED: Status = 1;
/// The parameters do not fit; the message says which.
pub const BAD_PARAMS: Status = 2;
/// [`Host::progress`] asked to stop, and the plugin did.
pub const CANCELLED: Status = 3;
/// The plugin panicked; the message says where.
pub const PANICKED: Status = 4;
/// The plugin needs something that this host does not offer.
pub const UNSUPPORTED: Status = 5;
/// The plugin does not speak the version of the host's tables; there is no message.
pub const HOST_MISMATCH: Status = 6;

/// Bit of [`Entry::flags`]: compiled so that a panic ends the process.
pub const PANIC_ABORTS: u64 = 1;
/// Bit of [`Entry::flags`]: the plugin fills [`Output::labels`] and [`Output::rows`] instead of
/// [`Output::recipes`].
pub const MAKES_ROWS: u64 = 1 << 1;

/// Level of [`Host::log`]: of use to the author.
pub const LOG_DEBUG: u32 = 0;
/// Level of [`Host::log`]: belongs in the run's summary.
pub const LOG_NOTE: u32 = 1;
/// Level of [`Host::log`]: belongs in the summary, and the user ought to see it.
pub const LOG_WARNING: u32 = 2;

/// How one synthetic row is made: `base + ratio · (to − from)`, in f32, each operation rounded.
///
/// Plain interpolation has `from = base`, and `to` is the neighbour.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Class of the synthetic row; `base` must be a row of it.
    pub label: u32,
    /// Row number in `0..N`.
    pub base: u32,
    /// Row number in `0..N`.
    pub from: u32,
    /// Row number in `0..N`.
    pub to: u32,
    /// Finite; 0 gives the base itself.
    pub ratio: f32,
}

/// What is oversampled. Borrowed for one call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Dataset {
    /// Header of this table.
    pub header: Header,
    /// N, less than 2³² − 1.
    pub len: u64,
    /// D, values in a row.
    pub dims: u64,
    /// C, number of classes.
    pub classes: u32,
    /// Zero.
    pub reserved: u32,
    /// `[N, D]` row-major, finite.
    pub rows: *const f32,
    /// `[N]`, each in `0..C`.
    pub labels: *const u32,
    /// `[C]` rows to add to each class; their sum is [`Output::capacity`].
    pub wanted: *const u64,
    /// Seed of everything random; [`Rng`] is keyed by it already.
    pub seed: u64,
}

/// Host memory for the result. The plugin writes from index 0 and sets `written`.
#[repr(C)]
#[derive(Debug)]
pub struct Output {
    /// Header of this table.
    pub header: Header,
    /// Rows that there is room for.
    pub capacity: u64,
    /// Set by the plugin: rows that it wrote, at most `capacity`.
    pub written: u64,
    /// `[capacity]`; null for a plugin that [`MAKES_ROWS`].
    pub recipes: *mut Recipe,
    /// `[capacity]`; null but for a plugin that [`MAKES_ROWS`].
    pub labels: *mut u32,
    /// `[capacity, D]`; null but for a plugin that [`MAKES_ROWS`].
    pub rows: *mut f32,
}

/// What the host offers in every call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Header of this table.
    pub header: Header,
    /// First argument of the functions below.
    pub ctx: *mut c_void,
    /// `(ctx, message)`: why the call will not return [`OK`]. The last one counts. Any thread.
    pub set_error: Option<unsafe extern "C" fn(*mut c_void, Str)>,
    /// `(ctx, level, line)`: [`LOG_DEBUG`], [`LOG_NOTE`] or [`LOG_WARNING`]. Any thread.
    pub log: Option<unsafe extern "C" fn(*mut c_void, u32, Str)>,
    /// `(ctx, done, total)`: not 0 means stop now and return [`CANCELLED`]. A total of 0 only asks.
    /// The called thread alone; at least once a second is good manners.
    pub progress: Option<unsafe extern "C" fn(*mut c_void, u64, u64) -> i32>,
    /// `(ctx, name)`: the service's table, or null where the host does not offer it. Any thread.
    pub service: Option<unsafe extern "C" fn(*mut c_void, Str) -> *const c_void>,
    /// Threads that the plugin may use; at least 1. Results must not depend on it.
    pub threads: u32,
    /// Zero.
    pub reserved: u32,
}

/// Name of the service [`Knn`].
pub const KNN_SERVICE: &str = "eos.knn/1";
/// `classes` of [`Knn::neighbours`]: rows of every class.
pub const ANY_CLASS: u32 = 0;
/// `classes` of [`Knn::neighbours`]: rows of the query's class.
pub const SAME_CLASS: u32 = 1;
/// `classes` of [`Knn::neighbours`]: rows of other classes, the query's enemies.
pub const OTHER_CLASS: u32 = 2;
/// Row number in a slot of a list of neighbours that is shorter than k.
pub const NO_ROW: u32 = u32::MAX;

/// Signature of [`Knn::neighbours`].
pub type NeighboursFn = unsafe extern "C" fn(
    ctx: *mut c_void,
    queries: *const u32,
    len: u64,
    k: u32,
    classes: u32,
    index: *mut u32,
    distance: *mut f32,
) -> Status;

/// Nearest rows of the call's dataset, on whatever device the host computes. Offered in `sample`;
/// `create` has no dataset.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Knn {
    /// Header of this table.
    pub header: Header,
    /// First argument of `neighbours`.
    pub ctx: *mut c_void,
    /// `queries[len]` are row numbers. Fills `index[len, k]` and `distance[len, k]` (squared
    /// Euclidean), rising by (distance, row), the query itself excluded; slots beyond the last
    /// neighbour hold [`NO_ROW`] and +∞. The called thread alone.
    pub neighbours: Option<NeighboursFn>,
    /// The device's name, `cpu` or `cuda:0`.
    pub device: Str,
}

/// Name of the service [`Rng`].
pub const RNG_SERVICE: &str = "eos.rng/1";

/// Random numbers by counter: Philox4x32-10, counter (index low, index high, stream, block), key
/// the seed. The same question has the same answer in any order and on any thread.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Rng {
    /// Header of this table.
    pub header: Header,
    /// First argument of `block`.
    pub ctx: *mut c_void,
    /// `(ctx, index, stream, block, out)`: writes four words. `index` counts samples within their
    /// class, `stream` is the class; streams from 2³¹ up are the host's own. Any thread.
    pub block: Option<unsafe extern "C" fn(*mut c_void, u64, u32, u32, *mut u32)>,
}

/// Name of the service [`Cost`].
pub const COST_SERVICE: &str = "eos.cost/1";

/// What making rows takes beside time, for tables that compare methods.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Header of this table.
    pub header: Header,
    /// First argument of `trained`.
    pub ctx: *mut c_void,
    /// `(ctx, parameters, steps)`: the plugin trained so many parameters, in so many steps. Several
    /// calls add up. Any thread.
    pub trained: Option<unsafe extern "C" fn(*mut c_void, u64, u64)>,
}

/// Name of the service that only a conformance kit offers, to see that a panic is contained: where
/// it is offered, the SDK panics when rows are to be made. Its table says nothing; plugins that
/// cannot panic need not ask for it.
pub const PANIC_SERVICE: &str = "eos.panic/1";

/// What a plugin's `create` made; only the plugin knows what it is.
pub type Instance = c_void;

/// Signature of [`Entry::create`].
pub type CreateFn = unsafe extern "C" fn(*const Host, Str, *mut *mut Instance) -> Status;
/// Signature of [`Entry::sample`].
pub type SampleFn =
    unsafe extern "C" fn(*const Host, *const Instance, *const Dataset, *mut Output) -> Status;
/// Signature of [`Entry::destroy`].
pub type DestroyFn = unsafe extern "C" fn(*mut Instance);

/// The exported static of a plugin.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Header of this table.
    pub header: Header,
    /// Name of the method, as registries and configurations use it.
    pub id: Str,
    /// Version of the plugin.
    pub version: Str,
    /// The method in a sentence.
    pub summary: Str,
    /// TOML: a table for each parameter with `type`, `default`, `doc` and, where they apply,
    /// `min`, `max` and `choices`.
    pub params: Str,
    /// [`PANIC_ABORTS`], [`MAKES_ROWS`].
    pub flags: u64,
    /// `(host, params, out)`: an instance of the method. `params` holds every parameter, one
    /// `key = value` a line.
    pub create: Option<CreateFn>,
    /// `(host, instance, dataset, output)`: makes the wanted rows. Several threads may call it at
    /// once, with one instance.
    pub sample: Option<SampleFn>,
    /// `(instance)`: the end of what `create` made.
    pub destroy: Option<DestroyFn>,
}

// SAFETY: an entry is constant: its texts are constant and its functions may be called from any
// thread, which is what the boundary asks of a plugin.
unsafe impl Sync for Entry {}

/// Bytes of the tables in version 1.0: what a header's `size` must at least say.
pub mod size {
    /// [`Dataset`](super::Dataset).
    pub const DATASET: u32 = 72;
    /// [`Output`](super::Output).
    pub const OUTPUT: u32 = 56;
    /// [`Host`](super::Host).
    pub const HOST: u32 = 64;
    /// [`Knn`](super::Knn).
    pub const KNN: u32 = 48;
    /// [`Rng`](super::Rng).
    pub const RNG: u32 = 32;
    /// [`Cost`](super::Cost).
    pub const COST: u32 = 32;
    /// [`Entry`](super::Entry).
    pub const ENTRY: u32 = 112;
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Header>() == 16 && size_of::<Str>() == 16 && size_of::<Recipe>() == 20);
    assert!(offset_of!(Recipe, base) == 4 && offset_of!(Recipe, ratio) == 16);
    assert!(size_of::<Dataset>() == size::DATASET as usize);
    assert!(offset_of!(Dataset, classes) == 32 && offset_of!(Dataset, rows) == 40);
    assert!(offset_of!(Dataset, wanted) == 56 && offset_of!(Dataset, seed) == 64);
    assert!(size_of::<Output>() == size::OUTPUT as usize);
    assert!(offset_of!(Output, written) == 24 && offset_of!(Output, recipes) == 32);
    assert!(offset_of!(Output, labels) == 40 && offset_of!(Output, rows) == 48);
    assert!(size_of::<Host>() == size::HOST as usize);
    assert!(offset_of!(Host, set_error) == 24 && offset_of!(Host, service) == 48);
    assert!(offset_of!(Host, threads) == 56);
    assert!(size_of::<Knn>() == size::KNN as usize && offset_of!(Knn, device) == 32);
    assert!(size_of::<Rng>() == size::RNG as usize && offset_of!(Rng, block) == 24);
    assert!(size_of::<Cost>() == size::COST as usize && offset_of!(Cost, trained) == 24);
    assert!(size_of::<Entry>() == size::ENTRY as usize);
    assert!(offset_of!(Entry, params) == 64 && offset_of!(Entry, flags) == 80);
    assert!(offset_of!(Entry, create) == 88 && offset_of!(Entry, destroy) == 104);
};
