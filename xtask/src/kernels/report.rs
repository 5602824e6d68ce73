//! Registers, spills and shared memory of each kernel, from the assembler's log, and what each may have.

use std::collections::BTreeMap;

/// What a kernel takes on one architecture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Registers of a thread.
    pub registers: usize,
    /// Bytes that a thread stores to and loads from memory for want of registers.
    pub spilled: usize,
    /// Bytes of shared memory whose size is fixed.
    pub shared: usize,
}

/// Registers of a scan: with 256 threads, two blocks find room on a multiprocessor.
const SCAN_REGISTERS: usize = 128;
/// Registers of every other kernel.
const REGISTERS: usize = 64;
/// Spills that are known, up to the next multiple of 64 bytes: 48 outside the innermost loop of the direct form, on sm_90.
const SPILLS: &[(&str, &str, usize)] = &[("eos_scan_direct", "sm_90", 64)];

/// Reads the log of `--ptxas-options=-v`. A function that kernels call and that spills stands there beside them, with no
/// registers of its own.
pub fn parse(log: &str) -> BTreeMap<String, Resources> {
    let mut kernels = BTreeMap::new();
    let mut kernel: Option<&str> = None;
    // Properties of a function that kernels call follow those of the kernel itself.
    let mut function = "";
    for line in log.lines() {
        let line = line.trim_start_matches("ptxas").trim();
        let line = line.trim_start_matches("info").trim();
        let line = line.trim_start_matches(':').trim();
        if let Some(rest) = line.strip_prefix("Compiling entry function '") {
            kernel = rest.split('\'').next();
        } else if let Some(name) = line.strip_prefix("Function properties for ") {
            function = name.trim();
        } else if line.contains("bytes spill stores") {
            let spilled = before(line, " bytes spill stores") + before(line, " bytes spill loads");
            if spilled > 0 {
                let entry = kernels.entry(function.to_owned());
                let resources: &mut Resources = entry.or_default();
                resources.spilled = resources.spilled.max(spilled);
            }
        } else if let Some(kernel) = kernel.filter(|_| line.starts_with("Used ")) {
            let resources = kernels.entry(kernel.to_owned()).or_default();
            resources.registers = before(line, " registers");
            resources.shared = before(line, " bytes smem");
        }
    }
    kernels
}

/// The number before these words; 0 where they are not there.
fn before(line: &str, words: &str) -> usize {
    let number = line.split(words).next().filter(|_| line.contains(words));
    let number = number.and_then(|text| text.rsplit([' ', ',']).next());
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What is over its budget.
pub fn faults(architecture: &str, kernels: &BTreeMap<String, Resources>) -> Vec<String> {
    let mut faults = Vec::new();
    // Budgets that nothing is held against would always be kept.
    if !kernels.values().any(|resources| resources.registers > 0) {
        faults.push(format!(
            "the assembler's log for {architecture} tells no kernel's registers"
        ));
    }
    for (kernel, resources) in kernels {
        let most = match kernel.starts_with("eos_scan") {
            true => SCAN_REGISTERS,
            false => REGISTERS,
        };
        if resources.registers > most {
            faults.push(format!(
                "{kernel} takes {} registers on {architecture}, {most} are allowed",
                resources.registers
            ));
        }
        let known = SPILLS
            .iter()
            .find(|(name, on, _)| name == kernel && *on == architecture)
            .map_or(0, |(_, _, bytes)| *bytes);
        if resources.spilled > known {
            faults.push(format!(
                "{kernel} spills {} bytes on {architecture}, {known} are allowed",
                resources.spilled
            ));
        }
    }
    faults
}

/// One line a kernel, one column an architecture: registers / spilled bytes / bytes of shared memory.
pub fn table(reports: &[(&str, BTreeMap<String, Resources>)]) -> String {
    let mut names: Vec<&String> = reports
        .iter()
        .flat_map(|(_, kernels)| kernels.keys())
        .collect();
    names.sort();
    names.dedup();
    let mut lines = vec![format!("{:22}", "registers/spills/smem")];
    for (architecture, _) in reports {
        lines[0] += &format!("{architecture:>16}");
    }
    for name in names {
        let mut line = format!("{name:22}");
        for (_, kernels) in reports {
            let cell = kernels.get(name).map_or("-".to_owned(), |r| {
                format!("{}/{}/{}", r.registers, r.spilled, r.shared)
            });
            line += &format!("{cell:>16}");
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
ptxas info    : 304 bytes gmem
ptxas info    : Compiling entry function 'eos_scan_direct' for 'sm_90'
ptxas info    : Function properties for eos_scan_direct
ptxas         .     24 bytes stack frame, 20 bytes spill stores, 28 bytes spill loads
ptxas info    : Function properties for helper
ptxas         .     0 bytes stack frame, 512 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 128 registers, 30224 bytes smem
ptxas info    : Compiling entry function 'eos_rank' for 'sm_90'
ptxas info    : Function properties for eos_rank
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 70 registers, 384 bytes cmem[0]
ptxas info    : Compiling entry function 'eos_gather' for 'sm_90'
ptxas info    : Function properties for eos_gather
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 16 registers";

    #[test]
    fn the_log_is_read_and_held_against_the_budget() {
        let kernels = parse(LOG);
        let scan = Resources {
            registers: 128,
            spilled: 48,
            shared: 30_224,
        };
        assert_eq!(kernels["eos_scan_direct"], scan);
        assert_eq!(kernels["eos_rank"].registers, 70);
        let told = faults("sm_90", &kernels);
        assert_eq!(
            told,
            [
                "eos_rank takes 70 registers on sm_90, 64 are allowed",
                "helper spills 512 bytes on sm_90, 0 are allowed"
            ]
        );
        let told = faults("sm_75", &kernels).join("\n");
        assert!(
            told.contains("eos_scan_direct spills 48 bytes on sm_75, 0 are allowed"),
            "{told}"
        );
        let shown = table(&[("sm_75", BTreeMap::new()), ("sm_90", kernels)]);
        let lines: Vec<&str> = shown.lines().collect();
        let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!(lines.len(), 5, "{shown}");
        assert!(lines[0].ends_with("sm_75           sm_90"), "{shown}");
        assert_eq!(
            (of("eos_scan_direct"), of("eos_gather"), of("helper")),
            (1, 1, 1)
        );
        let direct = lines.iter().find(|line| line.contains("scan_direct"));
        let cells: Vec<&str> = direct.expect("a line").split_whitespace().collect();
        assert_eq!(cells, ["eos_scan_direct", "-", "128/48/30224"]);
    }

    #[test]
    fn a_log_that_tells_nothing_is_a_fault() {
        for log in ["", "ptxas info    : 304 bytes gmem", "something new"] {
            let told = faults("sm_80", &parse(log));
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("sm_80"), "{told:?}");
        }
    }
}
