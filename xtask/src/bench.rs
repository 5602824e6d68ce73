//! `cargo xtask bench`: seconds of each oversampler, beside imbalanced-learn's in the same run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::cargo;
use crate::plugins;
use crate::workspace::Workspace;

/// Methods that imbalanced-learn has too.
const SHARED: [&str; 7] = [
    "random",
    "smoothed-bootstrap",
    "smote",
    "borderline-smote",
    "adasyn",
    "svm-smote",
    "kmeans-smote",
];
/// Methods of ours alone; the last compares linked and loaded calls of `eos`.
const OURS: [&str; 5] = ["eos", "transfer", "transfer-spread", "remix", "overhead"];

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// Run imbalanced-learn too; needs Python with xtask/peers/requirements.txt
    #[arg(long)]
    peers: bool,
    /// That Python
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Embeddings, labels beside them with y for x [default: the real ones of ../shared or EOS_SHARED]
    #[arg(long, value_name = "FILE.npy")]
    x: Option<PathBuf>,
    /// Times that ours and the peer take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// A line of either side's output.
#[derive(Deserialize)]
struct Line {
    method: String,
    seconds: Option<f64>,
    refused: Option<String>,
}

/// Seconds of each round, or why there are none, by method.
type Measured = BTreeMap<String, Result<Vec<f64>, String>>;

/// Measures both sides in turn, prints medians and ratios, and keeps what was printed.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let shared = std::env::var_os("EOS_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| workspace.root.join("../shared"));
    let given = shared.join("data/embeddings/cifar10_lt_train_x.npy");
    let x = options.x.clone().unwrap_or(given);
    if !x.is_file() {
        println!(
            "skipped: no embeddings at {}; name some with --x",
            x.display()
        );
        return Ok(());
    }
    plugins::build(workspace)?;
    let program = example()?;
    let (mut ours, mut theirs, mut raw) = (Measured::new(), Measured::new(), String::new());
    for _ in 0..options.rounds {
        let mut command = Command::new(&program);
        command.arg(&x).arg("5").args(SHARED).args(OURS);
        raw += &collect(&mut command, &mut ours)?;
        if options.peers {
            let mut command = Command::new(&options.python);
            let script = workspace.root.join("xtask/peers/time_methods.py");
            command.arg(script).arg(&x).arg("1").args(SHARED);
            raw += &collect(&mut command, &mut theirs)?;
        }
    }
    print!("{}", table(&ours, &theirs));
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join("methods.jsonl");
    fs::write(&file, raw)?;
    println!("raw: {}", file.display());
    Ok(())
}

fn example() -> Result<PathBuf> {
    let arguments = [
        "--release",
        "--package",
        "eos-tests",
        "--example",
        "time_methods",
    ];
    cargo::build(&arguments.map(String::from))?
        .into_iter()
        .filter(|artifact| artifact.target.name == "time_methods")
        .find_map(|artifact| artifact.executable)
        .context("cargo built no example 'time_methods'")
}

fn collect(command: &mut Command, into: &mut Measured) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).with_context(|| format!("'{line}'"))?;
        let entry = into.entry(line.method).or_insert_with(|| Ok(Vec::new()));
        match (entry.as_mut(), line.seconds) {
            (Ok(all), Some(seconds)) => all.push(seconds),
            (Ok(_), None) => *entry = Err(line.refused.unwrap_or_default()),
            (Err(_), _) => {}
        }
    }
    Ok(text)
}

fn median(seconds: &[f64]) -> Option<f64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn table(ours: &Measured, theirs: &Measured) -> String {
    let mut out = format!(
        "{:20} {:>10} {:>18} {:>8}\n",
        "method (seconds)", "eos", "imbalanced-learn", "ratio"
    );
    for (method, seconds) in ours {
        let Some(own) = seconds.as_ref().ok().and_then(|all| median(all)) else {
            continue;
        };
        let (peer, ratio) = match theirs.get(method) {
            Some(Ok(all)) => median(all).map_or_else(Default::default, |peer| {
                (format!("{peer:.4}"), format!("{:.1}", peer / own))
            }),
            Some(Err(_)) => ("refused".to_owned(), String::new()),
            None => Default::default(),
        };
        out += format!("{method:20} {own:>10.4} {peer:>18} {ratio:>8}").trim_end();
        out.push('\n');
    }
    for (method, seconds) in theirs {
        if let Err(why) = seconds {
            out += &format!("imbalanced-learn refuses {method}: {why}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios_stand_side_by_side() {
        let ours = BTreeMap::from([
            ("eos".to_owned(), Ok(vec![0.2])),
            ("smote".to_owned(), Ok(vec![0.1, 0.3, 0.2])),
        ]);
        let theirs = BTreeMap::from([
            ("adasyn".to_owned(), Err("too few rows".to_owned())),
            ("smote".to_owned(), Ok(vec![0.5])),
        ]);
        let text = table(&ours, &theirs);
        let line = |name: &str| text.lines().find(|line| line.starts_with(name));
        assert_eq!(
            line("smote").map(|line| line.split_whitespace().collect::<Vec<_>>()),
            Some(vec!["smote", "0.2000", "0.5000", "2.5"])
        );
        assert_eq!(line("eos"), Some("eos                      0.2000"));
        assert!(
            text.contains("imbalanced-learn refuses adasyn: too few rows"),
            "{text}"
        );
    }
}
