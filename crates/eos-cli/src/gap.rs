//! `eos gap`.

use crate::inputs::{Rows, read_test};
use eos_pipeline::gap::{Gap, OutcomeGap, gap, gap_by_outcome};
use eos_pipeline::phases::Labelled;
use eos_pipeline::{Error, read_head, table};
use serde::Serialize;
use std::path::PathBuf;

/// What to compare.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos gap --x runs/demo/phase2/eos.npz --test-x runs/demo/phase2/test.npz --head runs/demo/phase3/eos.safetensors"
)]
pub struct Arguments {
    #[command(flatten)]
    rows: Rows,
    /// Embeddings that the network has not seen
    #[arg(long, value_name = "FILE")]
    test_x: PathBuf,
    /// Their labels, where --test-x is no npz
    #[arg(long, value_name = "FILE")]
    test_y: Option<PathBuf>,
    /// A head (or a network's checkpoint): the gap also by what it makes of each row
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Measured<'a> {
    classes: &'a [String],
    train_counts: Vec<usize>,
    test_counts: Vec<usize>,
    gap: Gap,
    #[serde(flatten)]
    by_outcome: Option<OutcomeGap>,
}

/// Prints how far the test rows leave the range of the training rows, class by class.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let train = arguments.rows.read()?;
    let test = read_test(&arguments.test_x, arguments.test_y.as_deref(), &train)?;
    let (known, unseen) = (Labelled::of(&train), Labelled::of(&test));
    let classes = train.label_values().classes();
    let of_head = |path: &PathBuf| -> Result<OutcomeGap, Error> {
        let (head, _) = read_head(path)?;
        if head.classes != classes {
            return Err(Error::Request(format!(
                "{} tells {} classes apart, the rows have {classes}; give the head of these rows",
                path.display(),
                head.classes
            )));
        }
        let named = head.predict(test.rows())?;
        let (rows, labels) = (known.rows, known.labels);
        Ok(gap_by_outcome(
            rows,
            labels,
            unseen.rows,
            unseen.labels,
            &named,
            classes,
        ))
    };
    let by_outcome = arguments.head.as_ref().map(of_head).transpose()?;
    let gap = gap(
        known.rows,
        known.labels,
        unseen.rows,
        unseen.labels,
        classes,
    );
    let names = train.label_values().names();
    if arguments.json {
        let measured = Measured {
            classes: names,
            train_counts: train.class_counts(),
            test_counts: test.class_counts(),
            gap,
            by_outcome,
        };
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        print!(
            "{}",
            table::gaps(names, &train.class_counts(), &gap, by_outcome.as_ref())
        );
    }
    Ok(())
}
