//! `eos eval`.

use crate::inputs::{Ready, Rows, Trained};
use crate::show::Show;
use eos_data::Part;
use eos_pipeline::metrics::{Confusion, Scores};
use eos_pipeline::{Error, phases, read_head, table};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to evaluate.
#[derive(clap::Args)]
#[command(
    after_help = "Examples: eos eval --checkpoint w.safetensors --arch resnet32 --test cifar-10-batches-bin --format cifar10\n          \
    eos eval --head head.safetensors --x test.npz"
)]
pub struct Arguments {
    #[command(flatten)]
    trained: Option<Trained>,
    /// Folder (its test part) or file of images
    #[arg(long, value_name = "PATH", requires = "checkpoint")]
    test: Option<PathBuf>,
    #[command(flatten)]
    rows: Option<Rows>,
    /// A head, as `eos finetune` writes it: to put on the network first, or to score on embeddings
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Evaluation {
    network: String,
    classes: Vec<String>,
    counts: Vec<usize>,
    #[serde(flatten)]
    scores: Scores,
    confusion: Confusion,
}

/// Prints balanced accuracy, G-means, F1 and the recall of each class.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let head = arguments.head.as_deref();
    let evaluation = match (&arguments.trained, &arguments.test, &arguments.rows, head) {
        (Some(trained), Some(test), None, head) => of_network(trained, test, head)?,
        (None, None, Some(rows), Some(head)) => of_head(rows, head)?,
        _ => {
            let wanted = "give --checkpoint and --test to score a network on images, or --head and \
                          --x to score a head on embeddings";
            return Err(Error::Request(wanted.to_owned()).into());
        }
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&evaluation)?);
    } else {
        let Evaluation {
            network,
            classes,
            counts,
            scores,
            ..
        } = &evaluation;
        println!("{network}, {} rows", counts.iter().sum::<usize>());
        print!("{}", table::scores(classes, counts, scores));
    }
    Ok(())
}

fn of_network(trained: &Trained, test: &Path, head: Option<&Path>) -> anyhow::Result<Evaluation> {
    let Ready {
        mut network,
        images,
        normalization,
    } = trained.read(test, Part::Test)?;
    if let Some(path) = head {
        let (head, _) = read_head(path)?;
        network.set_head(&head).map_err(Error::from)?;
    }
    let mut show = Show::new()?;
    let rows = phases::embed(&network, &images, &normalization, &mut show)?;
    show.done();
    let predicted = network.head().predict(&rows)?;
    let confusion = Confusion::new(images.labels(), &predicted, network.spec().classes);
    Ok(Evaluation {
        network: network.spec().to_string(),
        classes: images.classes().to_vec(),
        counts: images.class_counts(),
        scores: confusion.scores(),
        confusion,
    })
}

fn of_head(rows: &Rows, head: &Path) -> anyhow::Result<Evaluation> {
    let (head, classes) = read_head(head)?;
    let rows = rows.read_for(&head, &classes)?;
    let predicted = head.predict(rows.rows())?;
    let confusion = Confusion::new(rows.labels(), &predicted, head.classes);
    Ok(Evaluation {
        network: format!(
            "{} head of {} classes on {} values",
            head.kind, head.classes, head.dims
        ),
        classes: classes.names().to_vec(),
        counts: rows.class_counts(),
        scores: confusion.scores(),
        confusion,
    })
}
