//! The functions that a plugin calls: raw arguments in, safe calls of [`Context`] out.

use crate::context::Context;
use crate::plan::Trained;
use eos_plugin::abi::{self, Header, Status, Str};
use eos_tensor::Classes;
use std::ffi::c_void;
use std::panic::{self, AssertUnwindSafe};

/// Longest message that is taken from a plugin.
pub(crate) const LONGEST_MESSAGE: usize = 16 << 10;

/// The host's table over `ctx`, a [`Context`] that stays where it is.
pub(crate) fn host(ctx: *mut c_void, threads: u32) -> abi::Host {
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

/// The tables of the services.
pub(crate) struct Tables {
    pub knn: abi::Knn,
    pub rng: abi::Rng,
    pub cost: abi::Cost,
}

impl Tables {
    /// Over `ctx`, with the name of the device.
    pub(crate) fn new(ctx: *mut c_void, device: &str) -> Self {
        Self {
            knn: abi::Knn {
                header: Header::of::<abi::Knn>(),
                ctx,
                neighbours: Some(neighbours),
                device: Str::new(device),
            },
            rng: abi::Rng {
                header: Header::of::<abi::Rng>(),
                ctx,
                block: Some(block),
            },
            cost: abi::Cost {
                header: Header::of::<abi::Cost>(),
                ctx,
                trained: Some(trained),
            },
        }
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
    context.set_error(message);
}

unsafe extern "C" fn log(ctx: *mut c_void, level: u32, line: Str) {
    // SAFETY: the plugin hands back its table's context during the call, and a borrowed text.
    let (context, line) = unsafe { (context(ctx), copied(line)) };
    context.log(level, line);
}

unsafe extern "C" fn progress(ctx: *mut c_void, done: u64, total: u64) -> i32 {
    // SAFETY: the plugin hands back its table's context during the call.
    let context = unsafe { context(ctx) };
    let _busy = context.pulse().busy();
    i32::from(!(context.on_thread("progress") && context.go_on(done, total)))
}

unsafe extern "C" fn service(ctx: *mut c_void, name: Str) -> *const c_void {
    // SAFETY: the plugin hands back its table's context during the call, and a borrowed text.
    let (context, name) = unsafe { (context(ctx), copied(name)) };
    context.service(&name)
}

unsafe extern "C" fn block(ctx: *mut c_void, index: u64, stream: u32, block: u32, out: *mut u32) {
    // SAFETY: the plugin hands back its table's context during the call.
    let context = unsafe { context(ctx) };
    let words = context.block(index, stream, block);
    if !out.is_null() {
        // SAFETY: the plugin gives room for four words.
        unsafe { out.copy_from_nonoverlapping(words.as_ptr(), words.len()) };
    }
}

unsafe extern "C" fn trained(ctx: *mut c_void, parameters: u64, steps: u64) {
    // SAFETY: the plugin hands back its table's context during the call.
    let context = unsafe { context(ctx) };
    context.trained(Trained { parameters, steps });
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
    let _busy = context.pulse().busy();
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
    let rows = context.rows();
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
    panic::catch_unwind(find).unwrap_or_else(|payload| context.panicked(payload))
}
