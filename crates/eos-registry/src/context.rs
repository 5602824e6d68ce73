//! The host's side of the callbacks, for the length of one call.

use crate::callbacks::{self, Tables};
use crate::error::Error;
use crate::plan::{Told, Trained};
use crate::request::Request;
use crate::watch::Pulse;
use eos_plugin::abi::{self, Status};
use eos_tensor::philox::Philox;
use eos_tensor::{Backend, Classes, Neighbours, Search};
use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::c_void;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Most notes that are taken from a plugin.
pub(crate) const MOST_NOTES: usize = 1000;

/// What is done between two looks at whether to stop, at first; more where it is quick.
/// Multiplications of the first portion, some tenths of a second on any machine, and its least queries.
const FIRST_WORK: usize = 1 << 33;
const FIRST_QUERIES: usize = 256;
const QUICK: Duration = Duration::from_millis(250);

/// What a call has to offer its plugin.
pub(crate) struct Offer<'a> {
    pub backend: &'a dyn Backend,
    pub progress: &'a mut dyn FnMut(u64, u64) -> bool,
    /// Hears each line that the plugin logs, with its level, on whatever thread that is.
    pub listener: &'a (dyn Fn(u32, &str) + Sync),
    /// Whether the plugin is asked to panic.
    pub provoke: bool,
}

/// What the callbacks of one call work on.
///
/// A plugin is trusted with no thread but its own: what belongs to the called thread is only
/// touched once the callback has found itself on it.
pub(crate) struct Context<'a> {
    plugin: &'a str,
    request: &'a Request<'a>,
    backend: &'a dyn Backend,
    /// The backend over the request's rows, once neighbours are asked for.
    search: OnceLock<Box<dyn Search + 'a>>,
    listener: &'a (dyn Fn(u32, &str) + Sync),
    provoke: bool,
    philox: Philox,
    pulse: Arc<Pulse>,
    stopped: AtomicBool,
    /// Set while rows are made; an instance is created without a dataset.
    has_dataset: AtomicBool,
    said: Mutex<Said>,
    tables: OnceCell<Tables>,
    /// The thread of the call.
    thread: ThreadId,
    /// Only touched on `thread`.
    progress: RefCell<&'a mut dyn FnMut(u64, u64) -> bool>,
    /// Only touched on `thread`: the last news, for a look without news.
    steps: Cell<(u64, u64)>,
}

/// What has been said during the call.
#[derive(Default)]
struct Said {
    /// The plugin's last word on why it fails.
    error: String,
    told: Told,
    /// What the plugin must not do, and did.
    breach: Option<String>,
    /// The backend's failure, which is not the plugin's.
    backend: Option<eos_tensor::Error>,
    /// A panic of the caller's progress, to be carried on once the plugin has returned.
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(plugin: &'a str, request: &'a Request<'a>, offer: Offer<'a>) -> Self {
        Self {
            plugin,
            request,
            backend: offer.backend,
            search: OnceLock::new(),
            listener: offer.listener,
            provoke: offer.provoke,
            philox: Philox::new(request.seed),
            pulse: Arc::default(),
            stopped: AtomicBool::new(false),
            has_dataset: AtomicBool::new(false),
            said: Mutex::default(),
            tables: OnceCell::new(),
            thread: thread::current().id(),
            progress: RefCell::new(offer.progress),
            steps: Cell::new((0, 0)),
        }
    }

    pub(crate) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// The host's table. It and its services point to `self`, which must stay where it is.
    pub(crate) fn table(&self, threads: u32) -> abi::Host {
        let ctx = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
        self.tables
            .get_or_init(|| Tables::new(ctx, self.backend.name()));
        callbacks::host(ctx, threads)
    }

    /// From here on the services answer for the request's data.
    pub(crate) fn offer_dataset(&self) {
        self.has_dataset.store(true, Ordering::Relaxed);
    }

    /// Whether progress has asked the plugin to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn take_error(&self) -> String {
        std::mem::take(&mut self.said().error)
    }

    /// What the plugin said, unless something has happened that outranks whatever it returned: a
    /// panic of the caller's own, which goes on here, a breach of contract, a wish to stop, a
    /// failure of the backend.
    pub(crate) fn finish(self) -> Result<Told, Error> {
        let id = self.plugin.to_owned();
        let stopped = self.stopped();
        let said = self
            .said
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(payload) = said.panic {
            panic::resume_unwind(payload);
        }
        if let Some(message) = said.breach {
            return Err(Error::Contract { id, message });
        }
        if stopped {
            return Err(Error::Cancelled);
        }
        match said.backend {
            Some(source) => Err(Error::Backend {
                id,
                backend: self.backend.name().to_owned(),
                source,
            }),
            None => Ok(said.told),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the callbacks do.
impl Context<'_> {
    /// Rows of the data, N.
    pub(crate) fn rows(&self) -> usize {
        self.request.rows.len()
    }

    pub(crate) fn set_error(&self, message: String) {
        self.pulse.beat();
        self.said().error = message;
    }

    pub(crate) fn log(&self, level: u32, line: String) {
        self.pulse.beat();
        (self.listener)(level, &line);
        let mut said = self.said();
        let notes = &mut said.told.notes;
        if level != abi::LOG_DEBUG && notes.len() < MOST_NOTES {
            notes.push(line);
        }
    }

    pub(crate) fn trained(&self, more: Trained) {
        self.pulse.beat();
        self.said().told.trained += more;
    }

    /// The table of a service, or null where it is not offered.
    pub(crate) fn service(&self, name: &str) -> *const c_void {
        self.pulse.beat();
        let Some(Tables { knn, rng, cost }) = self.tables.get() else {
            return std::ptr::null();
        };
        match name {
            abi::KNN_SERVICE if self.has_dataset.load(Ordering::Relaxed) => {
                std::ptr::from_ref(knn).cast()
            }
            abi::RNG_SERVICE => std::ptr::from_ref(rng).cast(),
            abi::COST_SERVICE => std::ptr::from_ref(cost).cast(),
            // Its table is never read: that there is one is the whole of it.
            abi::PANIC_SERVICE if self.provoke => std::ptr::from_ref(rng).cast(),
            _ => std::ptr::null(),
        }
    }

    pub(crate) fn block(&self, index: u64, stream: u32, block: u32) -> [u32; 4] {
        self.philox.block(index, stream, block)
    }

    /// Whether this is the thread of the call; elsewhere the breach is noted.
    pub(crate) fn on_thread(&self, what: &str) -> bool {
        let right = thread::current().id() == self.thread;
        if !right {
            self.said()
                .breach
                .get_or_insert(format!("it called {what} from a thread of its own"));
        }
        right
    }

    /// Tells the caller about progress; `false` where the plugin has to stop.
    pub(crate) fn go_on(&self, done: u64, total: u64) -> bool {
        if total > 0 {
            self.steps.set((done, total));
        }
        let (done, total) = self.steps.get();
        // A progress that calls the plugin's host again would be a second borrow; it cannot.
        let Ok(mut progress) = self.progress.try_borrow_mut() else {
            return false;
        };
        let tell = AssertUnwindSafe(|| progress(done, total));
        match panic::catch_unwind(tell) {
            Ok(true) if !self.stopped() => true,
            Ok(_) => {
                self.stopped.store(true, Ordering::Relaxed);
                false
            }
            Err(payload) => {
                self.panicked(payload);
                false
            }
        }
    }

    /// Answers queries in portions, so that a wish to stop is heard within a second or so. Exact
    /// neighbours do not depend on the portions.
    pub(crate) fn find(
        &self,
        queries: &[u32],
        k: usize,
        classes: Classes,
        mut give: impl FnMut(usize, Neighbours),
    ) -> Status {
        let (rows, labels) = (self.request.rows, self.request.labels);
        let least = FIRST_WORK / rows.data().len().max(1);
        let (mut at, mut portion) = (0, least.max(FIRST_QUERIES));
        let search = self
            .search
            .get_or_init(|| self.backend.search(rows, labels));
        while at < queries.len() {
            let part = &queries[at..][..portion.min(queries.len() - at)];
            let began = Instant::now();
            match search.neighbours(part, k, classes) {
                Ok(found) => give(at, found),
                Err(error) => {
                    self.said().backend.get_or_insert(error);
                    return abi::FAILED;
                }
            }
            at += part.len();
            if began.elapsed() < QUICK {
                portion = portion.saturating_mul(2);
            }
            if at < queries.len() && !self.go_on(0, 0) {
                return abi::CANCELLED;
            }
        }
        abi::OK
    }

    pub(crate) fn refuse(&self, what: String) -> Status {
        self.said().breach.get_or_insert(what);
        abi::FAILED
    }

    /// Keeps a panic of the host's own until the plugin has returned.
    pub(crate) fn panicked(&self, payload: Box<dyn Any + Send>) -> Status {
        self.said().panic.get_or_insert(payload);
        abi::FAILED
    }
}
