//! The group `training`: steps of a network's training, each side's after the other's.
//!
//! A step takes less than a second, and what disturbs a machine lasts longer: the sides stay alive and do one step each
//! in turn.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::measured::{Line, Side};
use super::rounds::Raw;
use super::table::table;
use super::{Bench, example, memory, peers};

/// Turns of each side and piece of work.
const TURNS: u32 = 40;
/// What is asked for, and how the table calls it.
const WORKS: [(&str, &str); 2] = [("step", "training step"), ("embed", "embedding of 128")];
/// The ways in which torch can be told to run.
const MODES: [(&str, &str); 3] = [
    ("torch", "default"),
    ("torch channels_last", "channels_last"),
    ("torch compile", "compile"),
];

/// Measures ours beside torch in each of its modes, prints the table and every side's peak memory.
pub fn run(bench: &Bench<'_>) -> Result<()> {
    let mut command = Command::new(example("time_training")?);
    command.envs(bench.machine.ours());
    let mut workers = vec![Worker::start("eos", command)?];
    for (name, mode) in MODES {
        if !bench.options.peers {
            break;
        }
        if let Some(mut command) = peers::python(bench, name, &["torch"]) {
            command.arg(bench.script("time_training.py")).arg(mode);
            command.arg(bench.machine.threads().to_string());
            workers.push(Worker::start(name, command)?);
        }
    }
    let mut raw = Raw::open(bench, "training")?;
    for turn in 0..TURNS {
        for (asked, work) in WORKS {
            for worker in &mut workers {
                if let Some(mut value) = worker.take(asked)? {
                    value["work"] = json!(work);
                    let operations = value["operations"].as_f64();
                    value["floor"] = json!(operations.map(|n| n / bench.machine.fma_peak()));
                    worker.side.add(Line::deserialize(&value)?);
                    value["side"] = json!(worker.side.name);
                    value["turn"] = json!(turn);
                    raw.keep(&value)?;
                }
            }
        }
    }
    for worker in &workers {
        if let Some(peak) = memory::so_far(&worker.child) {
            println!(
                "{}: at most {:.0} MiB resident",
                worker.side.name,
                peak.resident as f64 / 1024.0
            );
        }
    }
    let sides: Vec<Side> = workers
        .into_iter()
        .map(Worker::end)
        .collect::<Result<_>>()?;
    if let Some((ours, peers)) = sides.split_first() {
        let title = format!("training: ResNet-32, 3 x 32 x 32, batch 128, {TURNS} turns");
        println!("\n{}", table(&title, ours, peers).trim_end());
    }
    println!("raw: {}\n", bench.raw("training").display());
    Ok(())
}

/// A side that lives as long as it is measured.
struct Worker {
    side: Side,
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    /// It has said that it cannot do this.
    refused: bool,
}

impl Worker {
    /// Starts it, and waits until it is warm.
    fn start(name: &'static str, mut command: Command) -> Result<Self> {
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            started.with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let (Some(requests), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{name} has no standard input and output");
        };
        let mut worker = Self {
            side: Side::new(name),
            child,
            requests,
            replies: BufReader::new(replies),
            refused: false,
        };
        let told = worker.reply()?;
        worker.side.on = told["on"].as_str().map(str::to_owned);
        if let Some(why) = told["refused"].as_str() {
            worker.refused = true;
            for (_, work) in WORKS {
                let line = json!({ "work": work, "refused": why });
                worker.side.add(Line::deserialize(&line)?);
            }
        }
        Ok(worker)
    }

    /// What it answers to one request; nothing where it refuses them all.
    fn take(&mut self, asked: &str) -> Result<Option<Value>> {
        if self.refused {
            return Ok(None);
        }
        writeln!(self.requests, "{asked}")
            .with_context(|| format!("{} has ended", self.side.name))?;
        self.reply().map(Some)
    }

    fn reply(&mut self) -> Result<Value> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.replies.read_line(&mut line)?;
            ensure!(read > 0, "{} ended before it answered", self.side.name);
            if line.starts_with('{') {
                return serde_json::from_str(&line).with_context(|| format!("'{}'", line.trim()));
            }
        }
    }

    /// Its figures, once its process has ended.
    fn end(mut self) -> Result<Side> {
        drop(self.requests);
        self.child.wait().context("cannot wait for a side's end")?;
        Ok(self.side)
    }
}
