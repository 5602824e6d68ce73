//! The peak memory of a process, as Linux tells it while the process runs.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How often the process is looked at. What it takes later than the last look is not seen.
const PAUSE: Duration = Duration::from_millis(1);

/// KiB at most.
#[derive(Default)]
pub struct Peak {
    /// Of everything resident, mapped files among it.
    pub resident: u64,
    /// Of what the process itself allocated.
    pub anonymous: u64,
}

/// Runs a command to its end and watches its memory; `None` where the system does not tell.
pub fn peak(command: &mut Command) -> Result<Option<Peak>> {
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let mut peak = Peak::default();
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        if let Some(now) = so_far(&child) {
            peak.resident = peak.resident.max(now.resident);
            peak.anonymous = peak.anonymous.max(now.anonymous);
        }
        sleep(PAUSE);
    };
    if !ended.success() {
        bail!("{command:?} failed ({ended})");
    }
    Ok((peak.resident > 0).then_some(peak))
}

/// What a running process has taken: the most that was resident until now, and what it has allocated now; `None` where the
/// system does not tell.
pub fn so_far(child: &Child) -> Option<Peak> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    Some(Peak {
        resident: field(&status, "VmHWM:"),
        anonymous: field(&status, "RssAnon:"),
    })
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_status_are_read() {
        let status = "Name:\teos\nVmHWM:\t   61440 kB\nRssAnon:\t   2048 kB\n";
        assert_eq!(field(status, "VmHWM:"), 61440);
        assert_eq!(field(status, "RssAnon:"), 2048);
        assert_eq!(field(status, "VmSwap:"), 0);
    }
}
