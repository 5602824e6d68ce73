//! The groups that are measured on sets: who takes part in each, and what it is told.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::rounds::{self, Runner};
use super::sets::Set;
use super::table::table;
use super::{Bench, Group, example, memory, peers, text, training};
use crate::{cargo, plugins};

/// Methods that imbalanced-learn has too; the last two take minutes on large sets.
const SHARED: [&str; 7] = [
    "random",
    "smoothed-bootstrap",
    "smote",
    "borderline-smote",
    "adasyn",
    "svm-smote",
    "kmeans-smote",
];
const SLOW: [&str; 2] = ["svm-smote", "kmeans-smote"];
/// Methods that the crate imbalance-rs has too.
const RUST: [&str; 3] = ["smote", "borderline-smote", "adasyn"];
/// Methods of ours alone; the last compares linked and loaded calls of `eos`.
const OURS: [&str; 5] = ["eos", "transfer", "transfer-spread", "remix", "overhead"];

/// At most so many runs of one piece of work in a process of ours, and of a peer.
const OUR_REPEATS: &str = "20";
const PEER_REPEATS: &str = "5";

/// Measures one group on each set, and prints its tables.
pub fn run(bench: &Bench<'_>, group: Group, sets: &[Set]) -> Result<()> {
    type Sides = fn(&Bench<'_>, &Set, Command) -> Result<Vec<Runner>>;
    let (program, sides): (_, Sides) = match group {
        Group::Neighbours => (example("time_neighbours")?, neighbours),
        Group::Methods => {
            plugins::build(bench.workspace)?;
            (example("time_methods")?, methods)
        }
        Group::Sample => (plugins::build(bench.workspace)?.program, sample),
        Group::Training => return training::run(bench),
    };
    for set in sets {
        let mut ours = Command::new(&program);
        ours.envs(bench.machine.ours());
        let mut runners = sides(bench, set, ours)?;
        let sides = rounds::alternate(bench, group.name(), set, &mut runners)?;
        let Some((ours, peers)) = sides.split_first() else {
            continue;
        };
        let title = format!("{}: {}{}", group.name(), set.about, asked(group, set));
        println!("\n{}", table(&title, ours, peers).trim_end());
        if group == Group::Sample && bench.options.memory {
            remember(&mut runners)?;
        }
    }
    println!("raw: {}\n", bench.raw(group.name()).display());
    Ok(())
}

fn asked(group: Group, set: &Set) -> String {
    if group == Group::Neighbours && set.every > 1 {
        format!(", every {}th row asked about", set.every)
    } else {
        String::new()
    }
}

/// Are programs that take minutes on large sets left out?
fn brief(bench: &Bench<'_>, set: &Set) -> bool {
    set.large && !bench.options.slow
}

fn neighbours(bench: &Bench<'_>, set: &Set, mut ours: Command) -> Result<Vec<Runner>> {
    let every = set.every.to_string();
    ours.arg(&set.x).args([OUR_REPEATS, &every]);
    let mut runners = vec![Runner::lines("eos", ours)];
    let peers = [("faiss", "faiss", false), ("scikit-learn", "sklearn", true)];
    for (name, module, slow) in peers {
        if !bench.options.peers || (slow && brief(bench, set)) {
            continue;
        }
        if let Some(mut command) = peers::python(bench, name, &[module]) {
            command.arg(bench.script("time_neighbours.py")).arg(name);
            command.arg(&set.x).args([PEER_REPEATS, &every]);
            runners.push(Runner::lines(name, command));
        }
    }
    Ok(runners)
}

fn methods(bench: &Bench<'_>, set: &Set, mut ours: Command) -> Result<Vec<Runner>> {
    let left_out = |method: &&str| brief(bench, set) && SLOW.contains(method);
    let shared: Vec<&str> = SHARED
        .into_iter()
        .filter(|method| !left_out(method))
        .collect();
    ours.arg(&set.x).arg(OUR_REPEATS).args(OURS).args(&shared);
    let mut runners = vec![Runner::lines("eos", ours)];
    if !bench.options.peers {
        return Ok(runners);
    }
    if let Some(mut command) = peers::python(bench, "imbalanced-learn", &["imblearn"]) {
        command.arg(bench.script("time_methods.py")).arg(&set.x);
        command.arg(PEER_REPEATS).args(&shared);
        runners.push(Runner::lines("imbalanced-learn", command));
    }
    if brief(bench, set) {
        return Ok(runners);
    }
    if let Some(mut command) = peers::python(bench, "reference EOS", &["sklearn"]) {
        command.arg(bench.script("reference_eos.py")).arg("arrays");
        command.arg(&set.x).arg(PEER_REPEATS);
        runners.push(Runner::lines("reference EOS", command));
    }
    if let Some(mut command) = peers::imbalance_rs(bench) {
        command.arg(&set.x).arg(PEER_REPEATS).args(RUST);
        runners.push(Runner::lines("imbalance-rs", command));
    }
    Ok(runners)
}

/// The whole command, npy to npz, and the script, CSV to CSV. A process of ours has no imports to exclude.
fn sample(bench: &Bench<'_>, set: &Set, mut ours: Command) -> Result<Vec<Runner>> {
    let folder = bench.folder.join("sample");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    ours.args(["sample", "--method", "eos", "--x"]).arg(&set.x);
    ours.arg("--out").arg(folder.join("balanced.npz"));
    let whole = &["eos, whole process", "eos, imports excluded"];
    let mut runners = vec![Runner {
        name: "eos",
        command: ours,
        whole,
        runs: 5,
    }];
    if bench.options.peers
        && !brief(bench, set)
        && let Some(command) = reference_files(bench, set, &folder)?
    {
        let whole = &["eos, whole process"];
        runners.push(Runner {
            name: "reference EOS",
            command,
            whole,
            runs: 1,
        });
    }
    Ok(runners)
}

/// The script on files, which are written here.
fn reference_files(bench: &Bench<'_>, set: &Set, folder: &Path) -> Result<Option<Command>> {
    let script = |verb: &str| {
        let mut command = peers::python(bench, "reference EOS", &["sklearn", "pandas"])?;
        command.arg(bench.script("reference_eos.py")).arg(verb);
        Some(command)
    };
    let (Some(mut prepare), Some(mut files)) = (script("prepare"), script("files")) else {
        return Ok(None);
    };
    cargo::run(prepare.args([text(&set.x), text(folder)]))?;
    files.arg(folder);
    Ok(Some(files))
}

/// One more run of each side, watched.
fn remember(runners: &mut [Runner]) -> Result<()> {
    for runner in runners {
        match memory::peak(&mut runner.command)? {
            Some(peak) => println!(
                "{}: at most {:.0} MiB resident, {:.0} MiB of them allocated",
                runner.name,
                peak.resident as f64 / 1024.0,
                peak.anonymous as f64 / 1024.0
            ),
            None => println!("skipped: memory of {}: only Linux tells it", runner.name),
        }
    }
    Ok(())
}
