//! Work spread over the threads that the host allows, with the same result for any number.

use crate::error::Error;
use crate::host::Host;
use crate::shield;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often the called thread asks the host whether to stop.
const POLL: Duration = Duration::from_millis(50);

impl Host<'_> {
    /// `[work(0), work(1), … work(n − 1)]`, computed on [`threads`](Self::threads) threads that
    /// end before this returns. Polls for cancellation meanwhile. An item ought to be worth some
    /// microseconds.
    ///
    /// # Errors
    /// The error of the lowest item that failed, whatever the number of threads; a panic in an
    /// item is one. [`Error::Cancelled`] where the host asked to stop.
    pub fn parallel<T: Send>(
        &self,
        n: usize,
        work: impl Fn(usize) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        self.parallel_polled(n, |i, _| work(i))
    }

    /// As [`parallel`](Self::parallel), for items that take longer than a user waits who wants to
    /// stop: each is handed a [`Poll`], and calls its `check` every few milliseconds.
    ///
    /// # Errors
    /// Those of [`parallel`](Self::parallel).
    pub fn parallel_polled<T: Send>(
        &self,
        n: usize,
        work: impl Fn(usize, &mut Poll<'_>) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let queue = Queue {
            n,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            work,
        };
        let mut asked = Instant::now();
        let mut poll = || {
            if asked.elapsed() < POLL {
                return Ok(());
            }
            asked = Instant::now();
            self.check()
        };
        let mut poll = || {
            let go_on = poll();
            if go_on.is_err() {
                queue.cancelled.store(true, Ordering::Relaxed);
                queue.stop.store(true, Ordering::Relaxed);
            }
            go_on
        };
        let helpers = self.threads().min(n).saturating_sub(1);
        let (caller, working) = (std::thread::current(), AtomicUsize::new(helpers));
        let leave = || {
            working.fetch_sub(1, Ordering::Release);
            caller.unpark();
        };
        let help = || {
            let part = queue.drain(&mut || queue.cancelled());
            leave();
            part
        };
        let parts = std::thread::scope(|scope| {
            let spawn = |_| {
                let builder = std::thread::Builder::new().name("eos-plugin".into());
                // Where the system gives no more threads, those that there are do the work.
                builder.spawn_scoped(scope, help).map_err(|_| leave()).ok()
            };
            let running: Vec<_> = (0..helpers).filter_map(spawn).collect();
            let mut own = queue.drain(&mut poll);
            // Helpers may be busy with long items still, and the host may want them to stop.
            while working.load(Ordering::Acquire) > 0 {
                std::thread::park_timeout(POLL);
                if let Err(error) = poll() {
                    own.failed.get_or_insert((n, error));
                }
            }
            let mut parts = vec![own];
            let join = "a helper catches every panic of its work";
            parts.extend(running.into_iter().map(|thread| thread.join().expect(join)));
            parts
        });
        gather(n, parts)
    }
}

/// How a long item learns, on whatever thread it runs, that the host wants it to stop.
pub struct Poll<'a>(&'a mut dyn FnMut() -> Result<(), Error>);

impl std::fmt::Debug for Poll<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Poll")
    }
}

impl Poll<'_> {
    /// Asks whether to stop. Asking costs less than a microsecond.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where the host wants the plugin to stop: return it.
    pub fn check(&mut self) -> Result<(), Error> {
        (self.0)()
    }
}

struct Queue<F> {
    n: usize,
    next: AtomicUsize,
    stop: AtomicBool,
    /// That the host asked to stop. A failed item does not set it: items under way are finished
    /// then, so that the lowest failure is found.
    cancelled: AtomicBool,
    work: F,
}

/// What one thread did: items with their results, and how it came to stop early.
struct Part<T> {
    done: Vec<(usize, T)>,
    failed: Option<(usize, Error)>,
}

impl<F> Queue<F> {
    fn cancelled(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// Takes items in rising order until none is left. An item that was taken is always finished,
    /// so every item below a failed one has its result, and the lowest failure is the same for
    /// any number of threads.
    fn drain<T>(&self, poll: &mut dyn FnMut() -> Result<(), Error>) -> Part<T>
    where
        F: Fn(usize, &mut Poll<'_>) -> Result<T, Error>,
    {
        let mut part = Part {
            done: Vec::new(),
            failed: None,
        };
        while !self.stop.load(Ordering::Relaxed) {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.n {
                break;
            }
            let result = shield::run(|| (self.work)(i, &mut Poll(&mut *poll)));
            let result = result.unwrap_or_else(|m| Err(Error::Panicked(m)));
            match result.and_then(|value| poll().map(|()| value)) {
                Ok(value) => part.done.push((i, value)),
                Err(error) => {
                    self.stop.store(true, Ordering::Relaxed);
                    part.failed = Some((i, error));
                }
            }
        }
        part
    }
}

fn gather<T>(n: usize, parts: Vec<Part<T>>) -> Result<Vec<T>, Error> {
    let mut slots: Vec<Option<T>> = std::iter::repeat_with(|| None).take(n).collect();
    let mut failed: Vec<(usize, Error)> = Vec::new();
    for part in parts {
        failed.extend(part.failed);
        for (i, value) in part.done {
            slots[i] = Some(value);
        }
    }
    if failed.iter().any(|(_, error)| *error == Error::Cancelled) {
        return Err(Error::Cancelled);
    }
    match failed.into_iter().min_by_key(|(i, _)| *i) {
        Some((_, error)) => Err(error),
        None => Ok(slots
            .into_iter()
            .map(|s| s.expect("every item was taken"))
            .collect()),
    }
}
