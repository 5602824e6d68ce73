//! How much memory this process holds.

/// The most memory that this process has held so far, or since [`forget_peak`], in bytes; `None` where the system does
/// not tell.
pub(crate) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    peak_of(&status)
}

/// Lets [`peak`] begin anew, where the system can; elsewhere it goes on from the start of the process.
pub(crate) fn forget_peak() {
    // The kernel's word for "reset the peak resident set size"; refused where another process may not be watched.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_read_of_what_linux_tells() {
        assert_eq!(
            peak_of("Name:\teos\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(peak_of("Name:\teos\n"), None);
    }
}
