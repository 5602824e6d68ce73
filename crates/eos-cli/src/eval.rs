//! `eos eval`.

use crate::inputs::{Ready, Trained, read_head};
use crate::show::Show;
use eos_data::Part;
use eos_pipeline::metrics::{Confusion, Scores};
use eos_pipeline::{phases, table};
use serde::Serialize;
use std::path::PathBuf;

/// What to evaluate.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos eval --checkpoint w.safetensors --arch resnet32 --test cifar-10-batches-bin --format cifar10"
)]
pub struct Arguments {
    #[command(flatten)]
    trained: Trained,
    /// Folder (its test part) or file of images
    #[arg(long, value_name = "PATH")]
    test: PathBuf,
    /// A head to put on the network first, as `eos finetune` writes it
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Evaluation<'a> {
    network: String,
    classes: &'a [String],
    counts: Vec<usize>,
    #[serde(flatten)]
    scores: Scores,
    confusion: Confusion,
}

/// Prints balanced accuracy, G-means, F1 and the recall of each class.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Ready {
        mut network,
        images,
        normalization,
    } = arguments.trained.read(&arguments.test, Part::Test)?;
    if let Some(path) = &arguments.head {
        network
            .set_head(&read_head(path)?)
            .map_err(eos_pipeline::Error::from)?;
    }
    let mut show = Show::new()?;
    let rows = phases::embed(&network, &images, &normalization, &mut show)?;
    show.done();
    let predicted = network.head().predict(&rows)?;
    let confusion = Confusion::new(images.labels(), &predicted, network.spec().classes);
    let scores = confusion.scores();
    if arguments.json {
        let evaluation = Evaluation {
            network: network.spec().to_string(),
            classes: images.classes(),
            counts: images.class_counts(),
            scores,
            confusion,
        };
        println!("{}", serde_json::to_string_pretty(&evaluation)?);
    } else {
        println!("{}, {} images", network.spec(), images.len());
        print!(
            "{}",
            table::scores(images.classes(), &images.class_counts(), &scores)
        );
    }
    Ok(())
}
