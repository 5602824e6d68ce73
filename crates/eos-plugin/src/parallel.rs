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
        let queue = Queue {
            n,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
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
        let helpers = self.threads().min(n).saturating_sub(1);
        let parts = std::thread::scope(|scope| {
            let spawn = |_| {
                let builder = std::thread::Builder::new().name("eos-plugin".into());
                // Where the system gives no more threads, those that there are do the work.
                builder
                    .spawn_scoped(scope, || queue.drain(&mut || Ok(())))
                    .ok()
            };
            let running: Vec<_> = (0..helpers).filter_map(spawn).collect();
            let mut parts = vec![queue.drain(&mut poll)];
            let join = "a helper catches every panic of its work";
            parts.extend(running.into_iter().map(|thread| thread.join().expect(join)));
            parts
        });
        gather(n, parts)
    }
}

struct Queue<F> {
    n: usize,
    next: AtomicUsize,
    stop: AtomicBool,
    work: F,
}

/// What one thread did: items with their results, and how it came to stop early.
struct Part<T> {
    done: Vec<(usize, T)>,
    failed: Option<(usize, Error)>,
}

impl<F> Queue<F> {
    /// Takes items in rising order until none is left. An item that was taken is always finished,
    /// so every item below a failed one has its result, and the lowest failure is the same for
    /// any number of threads.
    fn drain<T>(&self, poll: &mut dyn FnMut() -> Result<(), Error>) -> Part<T>
    where
        F: Fn(usize) -> Result<T, Error>,
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
            let result = shield::run(|| (self.work)(i)).unwrap_or_else(|m| Err(Error::Panicked(m)));
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
