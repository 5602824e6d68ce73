//! The host's side of the callbacks, for the length of one call.

use crate::error::Error;
use crate::request::Request;
use crate::watch::Pulse;
use eos_plugin::abi::{self, Header, Status, Str};
use eos_tensor::philox::Philox;
use eos_tensor::{Backend, Classes, Neighbours};
use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::c_void;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Longest message that is taken from a plugin, and most of its notes.
const LONGEST_MESSAGE: usize = 16 << 10;
const MOST_NOTES: usize = 1000;

/// Queries answered between two looks at whether to stop, at first; more where they are quick.
const QUERIES_AT_ONCE: usize = 256;
const QUICK: Duration = Duration::from_millis(250);

/// What the callbacks of one call work on.
///
/// A plugin is trusted with no thread but its own: what belongs to the called thread is only
/// touched once the callback has found itself on it.
pub(crate) struct Context<'a> {
    plugin: &'a str,
    request: &'a Request<'a>,
    backend: &'a dyn Backend,
    philox: Philox,
    pulse: Arc<Pulse>,
    stopped: AtomicBool,
    /// Set while rows are made; an instance is created without a dataset.
    has_dataset: AtomicBool,
    said: Mutex<Said>,
    tables: OnceCell<(abi::Knn, abi::Rng)>,
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
    notes: Vec<String>,
    /// What the plugin must not do, and did.
    breach: Option<String>,
    /// The backend's failure, which is not the plugin's.
    backend: Option<eos_tensor::Error>,
    /// A panic of the caller's progress, to be carried on once the plugin has returned.
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        plugin: &'a str,
        request: &'a Request<'a>,
        backend: &'a dyn Backend,
        progress: &'a mut dyn FnMut(u64, u64) -> bool,
    ) -> Self {
        Self {
            plugin,
            request,
            backend,
            philox: Philox::new(request.seed),
            pulse: Arc::default(),
            stopped: AtomicBool::new(false),
            has_dataset: AtomicBool::new(false),
            said: Mutex::default(),
            tables: OnceCell::new(),
            thread: thread::current().id(),
            progress: RefCell::new(progress),
            steps: Cell::new((0, 0)),
        }
    }

    pub(crate) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// The host's table. It and its services point to `self`, which must stay where it is.
    pub(crate) fn table(&self, threads: u32) -> abi::Host {
        let ctx = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
        self.tables.get_or_init(|| {
            let knn = abi::Knn {
                header: Header::of::<abi::Knn>(),
                ctx,
                neighbours: Some(neighbours),
                device: Str::new(self.backend.name()),
            };
            let rng = abi::Rng {
                header: Header::of::<abi::Rng>(),
                ctx,
                block: Some(block),
            };
            (knn, rng)
        });
        abi::Host {
            header: Header::of::<abi::Host>(),
            ctx,
            set_error: Some(set_error),
            log: Some(log),
            progress: Some(progress),
            service: Some(service),
            threads,
            reserved: 0,
        }
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

    /// The plugin's notes, unless something has happened that outranks whatever it returned: a
    /// panic of the caller's own, which goes on here, a breach of contract, a wish to stop, a
    /// failure of the backend.
    pub(crate) fn finish(self) -> Result<Vec<String>, Error> {
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
            None => Ok(said.notes),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the thread of the call; elsewhere the breach is noted.
    fn on_thread(&self, what: &str) -> bool {
        let right = thread::current().id() == self.thread;
        if !right {
            self.said()
                .breach
                .get_or_insert(format!("it called {what} from a thread of its own"));
        }
        right
    }

    /// Tells the caller about progress; `false` where the plugin has to stop.
    fn go_on(&self, done: u64, total: u64) -> bool {
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
                self.said().panic.get_or_insert(payload);
                false
            }
        }
    }

    /// Answers queries in portions, so that a wish to stop is heard within a second or so. Exact
    /// neighbours do not depend on the portions.
    fn find(
        &self,
        queries: &[u32],
        k: usize,
        classes: Classes,
        mut give: impl FnMut(usize, Neighbours),
    ) -> Status {
        let (mut at, mut portion) = (0, QUERIES_AT_ONCE);
        while at < queries.len() {
            let part = &queries[at..][..portion.min(queries.len() - at)];
            let began = Instant::now();
            let (rows, labels) = (self.request.rows, self.request.labels);
            match self.backend.neighbours(rows, labels, part, k, classes) {
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

    fn refuse(&self, what: String) -> Status {
        self.said().breach.get_or_insert(what);
        abi::FAILED
    }
}

/// The context of a callback.
///
/// # Safety
/// `ctx` is what [`Context::table`] put into a table, and the call it was made for still runs.
unsafe fn context<'c>(ctx: *mut c_void) -> &'c Context<'c> {
    // SAFETY: by the caller's promise; the context stays in place until the call has returned.
    unsafe { &*ctx.cast::<Context<'c>>() }
}

/// A plugin's text, copied; what is not UTF-8 in it is replaced, what is too long cut off.
///
/// # Safety
/// Where `text.ptr` is not null, `text.len` bytes from it are readable.
unsafe fn copied(text: Str) -> String {
    if text.ptr.is_null() || text.len == 0 {
        return String::new();
    }
    let len = text.len.min(LONGEST_MESSAGE);
    // SAFETY: by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(text.ptr, len) };
    String::from_utf8_lossy(bytes).into_owned()
}

unsafe extern "C" fn set_error(ctx: *mut c_void, message: Str) {
    // SAFETY: the plugin hands back its table's context during the call, and a borrowed text.
    let (context, message) = unsafe { (context(ctx), copied(message)) };
    context.pulse.beat();
    context.said().error = message;
}

unsafe extern "C" fn log(ctx: *mut c_void, level: u32, line: Str) {
    // SAFETY: the plugin hands back its table's context during the call, and a borrowed text.
    let (context, line) = unsafe { (context(ctx), copied(line)) };
    context.pulse.beat();
    let plugin = context.plugin;
    match level {
        abi::LOG_DEBUG => return tracing::debug!("plugin '{plugin}': {line}"),
        abi::LOG_NOTE => tracing::info!("plugin '{plugin}': {line}"),
        _ => tracing::warn!("plugin '{plugin}': {line}"),
    }
    let mut said = context.said();
    if said.notes.len() < MOST_NOTES {
        said.notes.push(line);
    }
}

unsafe extern "C" fn progress(ctx: *mut c_void, done: u64, total: u64) -> i32 {
    // SAFETY: the plugin hands back its table's context during the call.
    let context = unsafe { context(ctx) };
    let _busy = context.pulse.busy();
    i32::from(!(context.on_thread("progress") && context.go_on(done, total)))
}

unsafe extern "C" fn service(ctx: *mut c_void, name: Str) -> *const c_void {
    // SAFETY: the plugin hands back its table's context during the call, and a borrowed text.
    let (context, name) = unsafe { (context(ctx), copied(name)) };
    context.pulse.beat();
    let Some((knn, rng)) = context.tables.get() else {
        return std::ptr::null();
    };
    match name.as_str() {
        abi::KNN_SERVICE if context.has_dataset.load(Ordering::Relaxed) => {
            std::ptr::from_ref(knn).cast()
        }
        abi::RNG_SERVICE => std::ptr::from_ref(rng).cast(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn block(ctx: *mut c_void, index: u64, stream: u32, block: u32, out: *mut u32) {
    // SAFETY: the plugin hands back its table's context during the call.
    let context = unsafe { context(ctx) };
    let words = context.philox.block(index, stream, block);
    if !out.is_null() {
        // SAFETY: the plugin gives room for four words.
        unsafe { out.copy_from_nonoverlapping(words.as_ptr(), words.len()) };
    }
}

unsafe extern "C" fn neighbours(
    ctx: *mut c_void,
    queries: *const u32,
    len: u64,
    k: u32,
    classes: u32,
    index: *mut u32,
    distance: *mut f32,
) -> Status {
    // SAFETY: the plugin hands back its table's context during the call.
    let context = unsafe { context(ctx) };
    let _busy = context.pulse.busy();
    if !context.on_thread(abi::KNN_SERVICE) {
        return abi::FAILED;
    }
    let asked = |what: String| context.refuse(format!("it asked {} for {what}", abi::KNN_SERVICE));
    let classes = match classes {
        abi::ANY_CLASS => Classes::Any,
        abi::SAME_CLASS => Classes::Same,
        abi::OTHER_CLASS => Classes::Other,
        other => return asked(format!("classes {other}; there are 0, 1 and 2")),
    };
    if len == 0 {
        return abi::OK;
    }
    let fits = usize::try_from(len).is_ok_and(|len| {
        len.checked_mul(k as usize)
            .is_some_and(|slots| slots <= isize::MAX as usize / 4)
    });
    if k == 0 || !fits || queries.is_null() || index.is_null() || distance.is_null() {
        return asked(format!(
            "{k} neighbours of {len} rows, with no room for them"
        ));
    }
    let (len, k) = (len as usize, k as usize);
    // SAFETY: not null; the plugin promises `len` queries.
    let queries = unsafe { std::slice::from_raw_parts(queries, len) };
    let rows = context.request.rows.len();
    if let Some(row) = queries.iter().find(|&&row| row as usize >= rows) {
        return asked(format!("the neighbours of row {row}, the data has {rows}"));
    }
    let find = AssertUnwindSafe(|| {
        context.find(queries, k, classes, |at, found| {
            // SAFETY: not null; the plugin promises room for `len · k` values in both, and the
            // portion at `at` lies within.
            unsafe {
                let (i, d) = (&found.index, &found.distance);
                index
                    .add(at * k)
                    .copy_from_nonoverlapping(i.as_ptr(), i.len());
                distance
                    .add(at * k)
                    .copy_from_nonoverlapping(d.as_ptr(), d.len());
            }
        })
    });
    panic::catch_unwind(find).unwrap_or_else(|payload| {
        context.said().panic.get_or_insert(payload);
        abi::FAILED
    })
}
