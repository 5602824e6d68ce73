//! A child process at the other end of a socket; it never outlives the value that stands for it.

use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a call waits for the pipe before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// How long a process whose end of the pipe is gone may take to end itself.
const DYING: Duration = Duration::from_secs(2);
/// Most of its words that are kept, and most of them that are shown.
const WORDS_KEPT: usize = 4096;
const WORDS_SHOWN: usize = 400;
/// Longest line that is read at once.
const LONGEST_LINE: u64 = 4096;

/// What a process writes to its standard output and error: the last of it.
type Words = Arc<Mutex<Vec<u8>>>;

/// A running child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub pipe: UnixStream,
    words: Words,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with one end of a socket as its standard input, in a process group of its
    /// own, so that Ctrl-C reaches the host alone. What it prints is logged for `name` and kept.
    pub(crate) fn start(mut command: Command, name: &str) -> io::Result<Self> {
        let (pipe, theirs) = UnixStream::pair()?;
        pipe.set_read_timeout(Some(TICK))?;
        pipe.set_write_timeout(Some(TICK))?;
        let (printed, print) = io::pipe()?;
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(print.try_clone()?)
            .stderr(print)
            .process_group(0)
            .env("RUST_BACKTRACE", "0");
        let child = command.spawn()?;
        // The command keeps this process's copies of the child's ends open.
        drop(command);
        let words = Words::default();
        let (kept, name) = (Arc::clone(&words), name.to_owned());
        let listen = move || listen(printed, &name, &kept);
        let listener = thread::Builder::new()
            .name("eos-listener".into())
            .spawn(listen)
            .ok();
        Ok(Self {
            child,
            pipe,
            words,
            listener,
        })
    }

    /// How the process ended, whose end of the pipe is gone, and its last words.
    pub(crate) fn last_words(mut self) -> String {
        let until = Instant::now() + DYING;
        let status = loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(2)),
                Ok(status) => break status,
                Err(_) => break None,
            }
        };
        let how = status.map_or("it closed the pipe to the host".to_owned(), ended);
        // A process of the plugin's own may hold the other end of what was printed: no long wait.
        while Instant::now() < until && self.listener.as_ref().is_some_and(|l| !l.is_finished()) {
            thread::sleep(Duration::from_millis(2));
        }
        match shown(&self.words.lock().unwrap_or_else(PoisonError::into_inner)) {
            words if words.is_empty() => how,
            words => format!("{how}; its last words: {words}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended already is only reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(printed: PipeReader, name: &str, words: &Words) {
    let mut printed = BufReader::new(printed);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut piece = (&mut printed).take(LONGEST_LINE);
        if !matches!(piece.read_until(b'\n', &mut line), Ok(1..)) {
            return;
        }
        tracing::debug!(
            "plugin '{name}' prints: {}",
            String::from_utf8_lossy(&line).trim_end()
        );
        let mut kept = words.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&line);
        let old = kept.len().saturating_sub(WORDS_KEPT);
        kept.drain(..old);
    }
}

/// The end of what was printed on one line, without the hints of Rust's run-time.
fn shown(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with("note: "));
    let joined = lines.collect::<Vec<_>>().join(" | ");
    let more = joined.chars().count().saturating_sub(WORDS_SHOWN);
    joined.chars().skip(more).collect()
}

fn ended(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else {
        return format!("exit code {}", status.code().unwrap_or(-1));
    };
    let name = match signal {
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 if cfg!(target_os = "linux") => "SIGBUS",
        10 if cfg!(target_os = "macos") => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL: somebody killed it, as systems do that run out of memory",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Process::start(command, "shell").unwrap()
    }

    #[test]
    fn every_end_of_a_process_has_its_words() {
        for (script, said) in [
            ("exit 7", "exit code 7"),
            (
                "echo one; echo two >&2; exit 0",
                "exit code 0; its last words: one | two",
            ),
            ("kill -SEGV $$", "signal 11 (SIGSEGV)"),
            ("kill -ABRT $$", "signal 6 (SIGABRT)"),
            ("exec 0<&-; sleep 100", "it closed the pipe to the host"),
        ] {
            assert_eq!(shell(script).last_words(), said);
        }
    }

    #[test]
    fn a_process_goes_with_the_value_that_stands_for_it() {
        let process = shell("sleep 100");
        let id = process.child.id();
        let alive = || {
            let mut kill = Command::new("kill");
            kill.args(["-0", &id.to_string()]).stderr(Stdio::null());
            kill.status().unwrap().success()
        };
        assert!(alive());
        drop(process);
        assert!(!alive());
    }
}
