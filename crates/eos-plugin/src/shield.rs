//! Keeps panics on the plugin's side of the boundary, and quiet.
//!
//! A plugin's library has a standard library of its own and with it a panic hook of its own,
//! which would print over the host's progress bars. The hook set here says nothing about panics
//! inside a shield, keeps where they happened, and hands every other panic to the hook before it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Shields around the running code on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the last panic inside a shield happened: file, line.
    static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Set in a library in which a panic ends the process: then the hook is the last to say anything.
static ABORTS: AtomicBool = AtomicBool::new(false);

/// From here on panics inside shields are printed like all others.
pub(crate) fn speak() {
    ABORTS.store(true, Ordering::Relaxed);
}

/// Restores the depth of shields when it goes, by unwinding too.
struct Depth(u32);

impl Depth {
    fn set(depth: u32) -> Self {
        Self(DEPTH.replace(depth))
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// Runs `work`; a panic in it becomes a message with file and line.
pub(crate) fn run<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install();
    let depth = Depth::set(DEPTH.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    drop(depth);
    result.map_err(|payload| {
        let message = message(payload.as_ref());
        discard(payload);
        match PLACE.take() {
            Some((file, line)) => format!("{message} ({file}:{line})"),
            None => message,
        }
    })
}

/// Runs `work`, which belongs to the host, outside of any shield: its panics are the host's.
pub(crate) fn open<T>(work: impl FnOnce() -> T) -> T {
    let _depth = Depth::set(0);
    work()
}

fn install() {
    // A hook cannot be set while the thread unwinds; the panic is caught all the same.
    if std::thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let inside = DEPTH.try_with(Cell::get).unwrap_or(0) > 0;
            if inside {
                keep_place(info);
            }
            if !inside || ABORTS.load(Ordering::Relaxed) {
                previous(info);
            }
        }));
    });
}

fn keep_place(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|l| (l.file().to_owned(), l.line()));
    // A thread that is ending has no place to keep it; the message is enough then.
    let _ = PLACE.try_with(|p| p.replace(place));
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Drops what was thrown. That may panic in turn, and then the rest is left where it is.
fn discard(payload: Box<dyn Any + Send>) {
    let _depth = Depth::set(DEPTH.get() + 1);
    if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_message_with_file_and_line() {
        let line = line!() + 1;
        let said = run(|| panic!("index {} out of luck", 7)).unwrap_err();
        assert_eq!(said, format!("index 7 out of luck ({}:{line})", file!()));
    }

    #[test]
    fn a_payload_that_panics_when_it_goes_is_contained() {
        struct Grudge;
        impl Drop for Grudge {
            fn drop(&mut self) {
                panic!("and another thing");
            }
        }
        let said = run(|| panic::panic_any(Grudge)).unwrap_err();
        assert!(said.starts_with("a panic without a message"), "{said}");
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn panics_of_the_host_inside_a_call_are_not_silenced() {
        // The hook asks for the depth; `open` is what resets it for a callback into the host.
        assert_eq!(run(|| open(|| DEPTH.get())), Ok(0));
        assert_eq!(run(|| DEPTH.get()), Ok(1));
    }
}
