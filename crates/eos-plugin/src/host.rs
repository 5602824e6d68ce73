//! What the host offers a plugin during a call.

use crate::abi::{self, Str};
use crate::error::Error;
use crate::service::{self, Classes, Lookup, Neighbours, Rng};
use crate::shield;
use std::ffi::c_void;

/// The host, for the length of one call and on the thread of that call.
///
/// It is neither `Send` nor `Sync`, so the compiler keeps to the thread what belongs to it;
/// [`rng`](Self::rng) hands out what may travel.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    table: &'a abi::Host,
    calls: Calls,
    /// N of the call's dataset; 0 while an instance is made.
    rows: usize,
}

/// The host's functions, none of them missing.
#[derive(Clone, Copy, Debug)]
struct Calls {
    set_error: unsafe extern "C" fn(*mut c_void, Str),
    log: unsafe extern "C" fn(*mut c_void, u32, Str),
    progress: unsafe extern "C" fn(*mut c_void, u64, u64) -> i32,
    service: unsafe extern "C" fn(*mut c_void, Str) -> *const c_void,
}

impl<'a> Host<'a> {
    /// Reads the host's table; `None` where it speaks another version than this crate.
    ///
    /// # Safety
    /// `table` is null or a table that stays for `'a` and does what [`abi::Host`] says.
    pub(crate) unsafe fn read(table: *const abi::Host) -> Option<Self> {
        // SAFETY: a table starts with a header, by the caller's promise.
        let header = unsafe { table.cast::<abi::Header>().as_ref() }?;
        if !header.fits(abi::size::HOST) {
            return None;
        }
        // SAFETY: the header says that the table reaches as far as version 1.0 does.
        let table = unsafe { &*table };
        let calls = Calls {
            set_error: table.set_error?,
            log: table.log?,
            progress: table.progress?,
            service: table.service?,
        };
        Some(Self {
            table,
            calls,
            rows: 0,
        })
    }

    /// The same host, in a call about a dataset of `rows` rows.
    pub(crate) fn over(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    pub(crate) fn set_error(&self, message: &str) {
        // SAFETY: the host's function with the host's context; it copies the text.
        shield::open(|| unsafe { (self.calls.set_error)(self.table.ctx, Str::new(message)) });
    }

    /// Threads that this call may use, at least 1. Results must not depend on it.
    pub fn threads(&self) -> usize {
        self.table.threads.max(1) as usize
    }

    /// Says that `done` of `total` steps are done. Call it about once a second or oftener.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where the host wants the plugin to stop: return it.
    pub fn progress(&self, done: u64, total: u64) -> Result<(), Error> {
        // SAFETY: the host's function with the host's context, on the thread of the call.
        match shield::open(|| unsafe { (self.calls.progress)(self.table.ctx, done, total) }) {
            0 => Ok(()),
            _ => Err(Error::Cancelled),
        }
    }

    /// Asks whether to stop, without news of progress.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where the host wants the plugin to stop: return it.
    pub fn check(&self) -> Result<(), Error> {
        self.progress(0, 0)
    }

    /// A line for the author's eyes.
    pub fn debug(&self, line: &str) {
        self.log(abi::LOG_DEBUG, line);
    }

    /// A line for the run's summary, such as how many rows a fallback made.
    pub fn note(&self, line: &str) {
        self.log(abi::LOG_NOTE, line);
    }

    /// A line for the run's summary that the user ought to see.
    pub fn warn(&self, line: &str) {
        self.log(abi::LOG_WARNING, line);
    }

    fn log(&self, level: u32, line: &str) {
        // SAFETY: the host's function with the host's context; it copies the text.
        shield::open(|| unsafe { (self.calls.log)(self.table.ctx, level, Str::new(line)) });
    }

    /// The `k` nearest rows of each of the rows `queries`, itself excluded, by squared Euclidean
    /// distance, then row number; from the service `eos.knn/1`. A `k` beyond N − 1 is N − 1.
    ///
    /// # Errors
    /// Where the host does not offer the service, a query is no row, or the device fails.
    pub fn neighbours(
        &self,
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, Error> {
        let table = self.service::<abi::Knn>(abi::KNN_SERVICE, abi::size::KNN)?;
        service::neighbours(table, queries, k.min(self.rows.saturating_sub(1)), classes)
    }

    /// What [`neighbours`](Self::neighbours) gives for each of the lookups. Those that follow each
    /// other and look among the same classes are made together as far as memory allows, which costs
    /// less than one call for each of many small ones.
    ///
    /// # Errors
    /// As there.
    pub fn neighbours_of_each(&self, lookups: &[Lookup<'_>]) -> Result<Vec<Neighbours>, Error> {
        let mut found = Vec::with_capacity(lookups.len());
        for group in Lookup::groups(lookups) {
            let k = group.iter().map(|lookup| lookup.k).max().unwrap_or(0);
            if let [lookup] = group {
                found.push(self.neighbours(lookup.rows, k, lookup.classes)?);
                continue;
            }
            let rows: Vec<u32> = group
                .iter()
                .flat_map(|lookup| lookup.rows)
                .copied()
                .collect();
            let all = self.neighbours(&rows, k, group[0].classes)?;
            let mut first = 0;
            for lookup in group {
                found.push(all.part(first..first + lookup.rows.len(), lookup.k));
                first += lookup.rows.len();
            }
        }
        Ok(found)
    }

    /// Random numbers by counter, keyed by the run's seed; the service `eos.rng/1`.
    ///
    /// # Errors
    /// Where the host does not offer the service.
    pub fn rng(&self) -> Result<Rng<'a>, Error> {
        Rng::new(self.service::<abi::Rng>(abi::RNG_SERVICE, abi::size::RNG)?)
    }

    /// Says that making rows trained so many parameters, in so many steps: a cost where methods are
    /// compared. Several calls add up; a host without the service `eos.cost/1` goes without.
    pub fn trained(&self, parameters: u64, steps: u64) {
        let Ok(table) = self.service::<abi::Cost>(abi::COST_SERVICE, abi::size::COST) else {
            return;
        };
        if let Some(call) = table.trained {
            // SAFETY: the host's function with its context.
            shield::open(|| unsafe { call(table.ctx, parameters, steps) });
        }
    }

    /// Panics where a conformance kit asks for it.
    pub(crate) fn provoked(&self) {
        let name = Str::new(abi::PANIC_SERVICE);
        // SAFETY: the host's function with the host's context; it does not keep the text.
        let asked = shield::open(|| unsafe { (self.calls.service)(self.table.ctx, name) });
        assert!(asked.is_null(), "the conformance kit asked for a panic");
    }

    /// The table of a service that is called `name` and starts with a header.
    fn service<T>(&self, name: &str, size: u32) -> Result<&'a T, Error> {
        // SAFETY: the host's function with the host's context; it does not keep the text.
        let found =
            shield::open(|| unsafe { (self.calls.service)(self.table.ctx, Str::new(name)) });
        // SAFETY: null or a table that starts with a header and stays as long as the host's.
        let header = unsafe { found.cast::<abi::Header>().as_ref() };
        match header {
            None => Err(Error::unsupported(format_args!(
                "this host does not offer {name}"
            ))),
            Some(h) if !h.fits(size) => Err(Error::unsupported(format_args!(
                "this host offers {name} in another layout ({}.{}, {} bytes)",
                h.major, h.minor, h.size
            ))),
            // SAFETY: a table of this name has this type, and it reaches as far as asked for.
            Some(_) => Ok(unsafe { &*found.cast::<T>() }),
        }
    }
}
