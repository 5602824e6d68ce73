//! `cargo xtask reproduce`: a published experiment whole, and its table beside the published figures.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::bench::processor;
use crate::cargo;
use crate::plugins;
use crate::steps::{Outcome, Steps};
use crate::workspace::Workspace;

/// Heads that are trained for each method, with seeds 0, 1, ….
const HEADS: u64 = 5;
/// The training images that the authors' code picks from CIFAR-10 at 100:1 with seed 0, where a folder brings them.
const PICKED: &str = "lt_ir100_seed0_train.bin.gz";
/// The test images beside them: the first 500 of each class.
const PICKED_TEST: &str = "test_dev5000.bin.gz";

/// What to reproduce.
#[derive(Args)]
pub struct Options {
    /// The experiment
    name: Experiment,
    /// CIFAR-10 in its binary version (cifar-10-batches-bin), or a folder with the imbalanced images themselves;
    /// data/cifar10 of the folder in EOS_SHARED, else of ../shared, if absent
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The run's folder; one that was stopped goes on after its last whole epoch
    #[arg(long, value_name = "DIR", default_value = "runs/reproduce/cifar10-lt")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Experiment {
    /// CIFAR-10 at 100:1, ResNet-32, cross-entropy, 200 epochs; about an hour and a half on two cores
    Cifar10Lt,
}

/// A method of the table.
struct Method {
    name: &'static str,
    /// Arguments of `eos sample`.
    sample: &'static [&'static str],
    /// The balanced accuracy in per cent that this head reaches on the authors' checkpoint, on the first 500 test images of
    /// each class, with the same recipe.
    published: f64,
}

/// Of the authors' checkpoint, as trained.
const PUBLISHED_AS_TRAINED: f64 = 73.1;

const METHODS: [Method; 7] = [
    Method {
        name: "random",
        sample: &["--method", "random"],
        published: 74.1,
    },
    Method {
        name: "SMOTE",
        sample: &["--method", "smote"],
        published: 73.7,
    },
    Method {
        name: "EOS, K = 10",
        sample: &["--method", "eos", "--set", "k=10"],
        published: 76.0,
    },
    Method {
        name: "EOS, K = 10, the reference's",
        sample: &[
            "--method",
            "eos",
            "--set",
            "k=10",
            "--set",
            "compat=reference",
        ],
        published: 75.5,
    },
    Method {
        name: "EOS, K = 300",
        sample: &["--method", "eos", "--set", "k=300"],
        published: 76.7,
    },
    Method {
        name: "EOS, K = 300, the reference's",
        sample: &[
            "--method",
            "eos",
            "--set",
            "k=300",
            "--set",
            "compat=reference",
        ],
        published: 77.4,
    },
    Method {
        name: "transfer",
        sample: &["--method", "transfer"],
        published: 78.0,
    },
];

/// Trains, samples, fine-tunes, and writes the table to `reproduction.md` in the run's folder.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let Experiment::Cifar10Lt = options.name;
    let data = Data::find(workspace, options.data.as_deref())?;
    let run = workspace.root.join(&options.out);
    let mut steps = Steps::default();
    let mut eos = Eos::default();
    steps.run("build the command and its plugins", || {
        eos.program = plugins::build(workspace)?.program;
        Ok(Outcome::Done)
    })?;
    steps.run("train, embed", || {
        if run.join("summary.json").is_file() {
            data.require_in(&run)?;
            println!("the run in {} is finished", run.display());
            return Ok(Outcome::Done);
        }
        let mut command = Command::new(&eos.program);
        command
            .current_dir(&workspace.root)
            .args(["run", "examples/reproduce/cifar10-lt.toml"]);
        command.args(data.settings()).arg("--out").arg(&run);
        cargo::run(&mut command).map(|()| Outcome::Done)
    })?;
    let mut rows = vec![];
    steps.run("heads", || {
        for method in &METHODS {
            rows.push(eos.heads(&run, method)?);
            println!("{}", rows[rows.len() - 1].line());
        }
        Ok(Outcome::Done)
    })?;
    let summary: Summary = serde_json::from_slice(&std::fs::read(run.join("summary.json"))?)
        .context("the run's summary.json is not what this workflow knows")?;
    let text = report(&summary, &rows, &data)?;
    let path = run.join("reproduction.md");
    std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\n{text}\n{}", path.display());
    Ok(())
}

/// Where the images are.
#[derive(Debug, PartialEq)]
enum Data {
    /// All of CIFAR-10.
    Whole(PathBuf),
    /// The imbalanced images alone.
    Picked(PathBuf),
}

impl Data {
    fn find(workspace: &Workspace, given: Option<&Path>) -> Result<Self> {
        let folder = match given {
            Some(folder) => folder.to_path_buf(),
            None => std::env::var_os("EOS_SHARED")
                .map_or_else(|| workspace.root.join("../shared"), PathBuf::from)
                .join("data/cifar10"),
        };
        Self::of(&folder)
    }

    fn of(folder: &Path) -> Result<Self> {
        let folder = &folder.canonicalize().with_context(|| {
            format!(
                "there is no folder {}; give one with --data: CIFAR-10's binary version, cifar-10-batches-bin",
                folder.display()
            )
        })?;
        let holds = |name: &str| folder.join(name).is_file();
        if holds(PICKED) && holds(PICKED_TEST) {
            return Ok(Self::Picked(folder.clone()));
        }
        ensure!(
            holds("data_batch_1.bin") && holds("test_batch.bin"),
            "{} has neither data_batch_1.bin and test_batch.bin nor {PICKED} and {PICKED_TEST}; give the folder \
             cifar-10-batches-bin of CIFAR-10's binary version with --data",
            folder.display()
        );
        Ok(Self::Whole(folder.clone()))
    }

    fn train(&self) -> PathBuf {
        match self {
            Self::Picked(folder) => folder.join(PICKED),
            Self::Whole(folder) => folder.clone(),
        }
    }

    /// Was the finished run of this folder trained on these images?
    fn require_in(&self, run: &Path) -> Result<()> {
        let path = run.join("run.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let resolved: toml::Table = text
            .parse()
            .with_context(|| format!("{} is not TOML", path.display()))?;
        let train = resolved
            .get("data")
            .and_then(|data| data.get("train"))
            .with_context(|| format!("{} names no data.train", path.display()))?;
        ensure!(
            train.as_str().map(Path::new) == Some(&self.train()),
            "{} holds a run on {train}, not on {}; give another folder with --out",
            run.display(),
            self.train().display()
        );
        Ok(())
    }

    /// What the configuration lacks.
    fn settings(&self) -> Vec<String> {
        let (test, further) = match self {
            Self::Picked(folder) => (folder.join(PICKED_TEST), None),
            Self::Whole(folder) => (
                folder.clone(),
                Some(
                    r#"data.imbalance={ kind = "exp", ratio = 100, seed = 0, subset = "reference" }"#,
                ),
            ),
        };
        [
            format!("data.train={}", self.train().display()),
            format!("data.test={}", test.display()),
        ]
        .into_iter()
        .chain(further.map(String::from))
        .flat_map(|setting| ["--set".to_owned(), setting])
        .collect()
    }
}

/// The command.
#[derive(Default)]
struct Eos {
    program: PathBuf,
}

impl Eos {
    /// Balances the run's embeddings and trains heads on them.
    fn heads(&self, run: &Path, method: &Method) -> Result<Row> {
        let folder = run.join("heads");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let (balanced, head) = (folder.join("balanced.npz"), folder.join("head.safetensors"));
        let (train, test) = (run.join("phase2/train.npz"), run.join("phase2/test.npz"));
        self.output(|command| {
            command.arg("sample").arg("--x").arg(&train);
            command.args(method.sample).arg("--out").arg(&balanced);
        })?;
        let mut scores = vec![];
        for seed in 0..HEADS {
            self.output(|command| {
                command.arg("finetune").arg("--x").arg(&balanced);
                command.arg("--seed").arg(seed.to_string());
                command.arg("--out").arg(&head);
            })?;
            let scored = self.output(|command| {
                command.args(["eval", "--json", "--head"]).arg(&head);
                command.arg("--x").arg(&test);
            })?;
            scores.push(
                serde_json::from_slice(&scored).context("eos eval wrote something unexpected")?,
            );
        }
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
        Ok(Row {
            name: method.name,
            published: method.published,
            scores,
        })
    }

    fn output(&self, arguments: impl FnOnce(&mut Command)) -> Result<Vec<u8>> {
        let mut command = Command::new(&self.program);
        arguments(&mut command);
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        ensure!(
            output.status.success(),
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(output.stdout)
    }
}

/// What is read of a run's summary.
#[derive(Deserialize)]
struct Summary {
    version: String,
    train_counts: Vec<usize>,
    test_rows: usize,
    simd_path: String,
    train_seconds: f64,
    methods: Vec<Scores>,
}

/// What is read of a method's scores.
#[derive(Deserialize)]
struct Scores {
    recall: Vec<f64>,
    bac: f64,
    macro_f1: f64,
}

/// A line of the table.
struct Row {
    name: &'static str,
    published: f64,
    scores: Vec<Scores>,
}

impl Row {
    /// Mean and sample deviation over the heads, in per cent.
    fn over_heads(&self, figure: impl Fn(&Scores) -> f64) -> (f64, f64) {
        let figures: Vec<f64> = self
            .scores
            .iter()
            .map(|scores| 100.0 * figure(scores))
            .collect();
        let mean = figures.iter().sum::<f64>() / figures.len() as f64;
        let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
        let freedom = figures.len().saturating_sub(1).max(1);
        (mean, (squares / freedom as f64).sqrt())
    }

    fn line(&self) -> String {
        let (bac, deviation) = self.over_heads(|scores| scores.bac);
        let (rare, _) = self.over_heads(rarest);
        let (f1, _) = self.over_heads(|scores| scores.macro_f1);
        format!(
            "| {} | {bac:.2} ± {deviation:.2} | {rare:.2} | {f1:.2} | {:.1} |",
            self.name, self.published
        )
    }
}

/// Mean recall of the three rarest classes; those of CIFAR-10-LT are the last.
fn rarest(scores: &Scores) -> f64 {
    let last = &scores.recall[scores.recall.len().saturating_sub(3)..];
    last.iter().sum::<f64>() / last.len().max(1) as f64
}

fn report(summary: &Summary, rows: &[Row], data: &Data) -> Result<String> {
    let trained = summary
        .methods
        .first()
        .context("the run's summary.json has no method")?;
    let mut text = String::new();
    writeln!(
        text,
        "# CIFAR-10-LT\n\n`cargo xtask reproduce cifar10-lt`\n"
    )?;
    writeln!(
        text,
        "ResNet-32, cross-entropy, 200 epochs of {} images in classes of {:?}, seed 0, the last epoch; trained in {:.0} s \
         on {}, {} threads, {}. eos {}, {}.\n",
        summary.train_counts.iter().sum::<usize>(),
        summary.train_counts,
        summary.train_seconds,
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        summary.simd_path,
        summary.version,
        rustc()?,
    )?;
    writeln!(
        text,
        "On {} test images; heads of 20 epochs, cosine, batch 512: mean and deviation of {HEADS} seeds on the same \
         embeddings, in per cent. The last column is the authors' checkpoint, chosen on the test set, with the same heads on \
         the first 500 test images of each class{}.\n",
        summary.test_rows,
        match data {
            Data::Picked(_) => ", as here",
            Data::Whole(_) => "",
        }
    )?;
    writeln!(
        text,
        "| | balanced accuracy | recall of the three rarest | macro-F1 | authors' checkpoint |\n|---|---|---|---|---|"
    )?;
    writeln!(
        text,
        "| as trained | {:.2} | {:.2} | {:.2} | {PUBLISHED_AS_TRAINED:.1} |",
        100.0 * trained.bac,
        100.0 * rarest(trained),
        100.0 * trained.macro_f1
    )?;
    for row in rows {
        writeln!(text, "{}", row.line())?;
    }
    Ok(text)
}

fn rustc() -> Result<String> {
    let told = Command::new("rustc")
        .arg("--version")
        .output()
        .context("cannot run rustc --version")?;
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_tells_which_images_there_are() {
        let folder = std::env::temp_dir().join(format!("eos-reproduce-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let folder = folder.canonicalize().expect("it is there");
        let refused = Data::of(&folder).expect_err("it is empty").to_string();
        assert!(refused.contains("cifar-10-batches-bin"), "{refused}");
        for name in ["data_batch_1.bin", "test_batch.bin"] {
            std::fs::write(folder.join(name), []).expect("a file");
        }
        let whole = Data::of(&folder).expect("all of CIFAR-10");
        assert_eq!(whole, Data::Whole(folder.clone()));
        assert!(whole.settings()[5].contains(r#"subset = "reference""#));
        for name in [PICKED, PICKED_TEST] {
            std::fs::write(folder.join(name), []).expect("a file");
        }
        let picked = Data::of(&folder).expect("the images themselves");
        assert_eq!(picked.settings().len(), 4);
        std::fs::remove_dir_all(&folder).expect("it is there");
        let absent = Data::of(&folder).expect_err("it is gone");
        assert!(format!("{absent:#}").contains("--data"));
    }

    #[test]
    fn a_line_has_mean_and_deviation_in_per_cent() {
        let scores = |bac: f64| Scores {
            recall: vec![1.0, 0.5, 0.25, 0.75],
            bac,
            macro_f1: 0.5,
        };
        let row = Row {
            name: "m",
            published: 70.0,
            scores: vec![scores(0.70), scores(0.72)],
        };
        assert_eq!(row.line(), "| m | 71.00 ± 1.41 | 50.00 | 50.00 | 70.0 |");
    }
}
