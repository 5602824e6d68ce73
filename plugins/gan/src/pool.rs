//! Threads of one call: dfdx's matrix products take those of the pool that they run in.

use eos_plugin::{Error, Host};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often the host is told of progress and asked whether to stop.
const POLL: Duration = Duration::from_millis(50);

/// Threads that end with the pool.
pub fn new(threads: usize) -> Result<ThreadPool, Error> {
    let name = |_| "eos-plugin".to_owned();
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(name);
    let none = |error| Error::failed(format_args!("the system gives no threads: {error}"));
    pool.build().map_err(none)
}

/// What `work` gives, computed in the pool, while this thread tells the host how many of `total`
/// steps are done: work says so with each step, and ends where that says that the host wants it to.
///
/// # Errors
/// Those of `work`; [`Error::Cancelled`].
pub fn run<T: Send>(
    pool: &ThreadPool,
    host: &Host<'_>,
    total: u64,
    work: impl FnOnce(&dyn Fn(u64) -> Result<(), Error>) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let step = |step| {
        done.store(step, Ordering::Relaxed);
        match stop.load(Ordering::Relaxed) {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    };
    let (give, take) = channel();
    let step = &step;
    pool.in_place_scope(|scope| {
        scope.spawn(move |_| {
            // Nobody to take it: the host has stopped listening.
            let _ = give.send(work(step));
        });
        loop {
            match take.recv_timeout(POLL) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    let go_on = host.progress(done.load(Ordering::Relaxed), total);
                    stop.fetch_or(go_on.is_err(), Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::failed("a thread of the plugin ended early"));
                }
            }
        }
    })
}
