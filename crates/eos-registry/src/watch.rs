//! Names a plugin that has been silent for long: in process nobody can stop it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a plugin may neither call the host nor return before it is named, unless told
/// otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Signs of life of one call.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    beats: AtomicU64,
    /// Callbacks that are at work now: then the host is busy, not the plugin silent.
    busy: AtomicU32,
}

/// A callback at work.
pub(crate) struct Busy<'a>(&'a Pulse);

impl Pulse {
    pub(crate) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.beat();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Watches over one call until it goes.
pub(crate) struct Watch {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn start(plugin: &str, patience: Duration, pulse: Arc<Pulse>) -> Self {
        let plugin = plugin.to_owned();
        // Whoever listens to the thread of the call hears of it too.
        let listener = tracing::dispatcher::get_default(Clone::clone);
        Self::with(patience, pulse, move || {
            tracing::dispatcher::with_default(&listener, || {
                tracing::warn!(
                    "plugin '{plugin}' has been silent for {} s: it neither reports progress nor \
                     asks the host for anything, and so cannot be stopped; isolate = \"process\" \
                     in its registry makes that possible",
                    patience.as_secs_f64()
                );
            });
        })
    }

    /// Calls `name` once, when there was no sign of life for `patience`.
    fn with(patience: Duration, pulse: Arc<Pulse>, name: impl Fn() + Send + 'static) -> Self {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let watched = Arc::clone(&over);
        let watch = move || {
            let (over, bell) = &*watched;
            let mut seen = pulse.beats.load(Ordering::Relaxed);
            let mut over = over.lock().unwrap_or_else(PoisonError::into_inner);
            while !*over {
                let (guard, wait) = bell
                    .wait_timeout(over, patience)
                    .unwrap_or_else(PoisonError::into_inner);
                over = guard;
                let now = pulse.beats.load(Ordering::Relaxed);
                let silent = now == seen && pulse.busy.load(Ordering::Relaxed) == 0;
                if wait.timed_out() && silent && !*over {
                    return name();
                }
                seen = now;
            }
        };
        // Without a thread to watch, the call goes on unwatched.
        let thread = std::thread::Builder::new()
            .name("eos-watch".into())
            .spawn(watch)
            .ok();
        Self { over, thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let (over, bell) = &*self.over;
        *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // It only waits and logs; a panic of the logger is not this call's.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    fn named(act: impl FnOnce(&Pulse, &AtomicBool)) -> bool {
        let (pulse, named) = (Arc::<Pulse>::default(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&named);
        let name = move || flag.store(true, Ordering::SeqCst);
        let watch = Watch::with(Duration::from_millis(20), Arc::clone(&pulse), name);
        act(&pulse, &named);
        drop(watch);
        named.load(Ordering::SeqCst)
    }

    #[test]
    fn silence_is_named_and_the_hosts_own_work_is_not() {
        let until = |named: &AtomicBool, most: Duration| {
            let began = Instant::now();
            while !named.load(Ordering::SeqCst) && began.elapsed() < most {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        assert!(named(|_, named| until(named, Duration::from_secs(20))));
        assert!(!named(|pulse, named| {
            let _busy = pulse.busy();
            until(named, Duration::from_millis(200));
        }));
        assert!(!named(|_, _| {}));
    }
}
