//! Sides taking turns, and the raw figures that stay.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Bench;
use super::measured::{Line, Side};
use super::sets::Set;

/// A program that measures, or is measured.
pub struct Runner {
    /// As the table calls it.
    pub name: &'static str,
    pub command: Command,
    /// Work that the whole run of the process is, from its start to its end.
    pub whole: &'static [&'static str],
    /// Runs of the process in a round.
    pub runs: usize,
}

impl Runner {
    /// A program that measures by itself and prints lines of JSON.
    pub fn lines(name: &'static str, command: Command) -> Self {
        Self {
            name,
            command,
            whole: &[],
            runs: 1,
        }
    }

    fn run(&mut self) -> Result<Vec<Value>> {
        let start = Instant::now();
        let output = self
            .command
            .output()
            .with_context(|| format!("cannot run {}", self.command.get_program().display()))?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(
            output.status.success(),
            "{:?} failed: {}",
            self.command,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let whole = self
            .whole
            .iter()
            .map(|work| Ok(json!({ "work": work, "seconds": seconds })));
        let text = String::from_utf8_lossy(&output.stdout);
        let printed = text.lines().filter(|line| line.starts_with('{'));
        let printed =
            printed.map(|line| serde_json::from_str(line).with_context(|| format!("'{line}'")));
        whole.chain(printed).collect()
    }
}

/// Runs each side once a round, and adds up what they print; the first is ours.
pub fn alternate(
    bench: &Bench<'_>,
    group: &str,
    set: &Set,
    runners: &mut [Runner],
) -> Result<Vec<Side>> {
    let mut raw = Raw::open(bench, group)?;
    let mut sides: Vec<Side> = runners
        .iter()
        .map(|runner| Side::new(runner.name))
        .collect();
    for round in 0..bench.options.rounds {
        for (runner, side) in runners.iter_mut().zip(&mut sides) {
            for _ in 0..runner.runs {
                for mut value in runner.run()? {
                    side.add(Line::deserialize(&value)?);
                    value["set"] = json!(set.name);
                    value["side"] = json!(runner.name);
                    value["round"] = json!(round);
                    raw.keep(&value)?;
                }
            }
        }
    }
    Ok(sides)
}

/// The file of a group's raw figures, to which every run of the benchmark adds.
pub struct Raw {
    file: File,
    run: u64,
}

impl Raw {
    /// Opens it and notes the machine.
    pub fn open(bench: &Bench<'_>, group: &str) -> Result<Self> {
        let path = bench.raw(group);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let run = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut raw = Self { file, run };
        raw.keep(&json!({ "machine": bench.machine }))?;
        Ok(raw)
    }

    /// Adds a line, with the second in which this run began.
    pub fn keep(&mut self, value: &Value) -> Result<()> {
        let mut value = value.clone();
        value["run"] = json!(self.run);
        writeln!(self.file, "{value}").context("cannot keep raw figures")
    }
}
