//! `eos embed`.

use crate::inputs::{Ready, Trained};
use crate::show::Show;
use eos_data::{Embeddings, Labels, Part, write_embeddings_npz};
use eos_pipeline::phases;
use std::path::PathBuf;

/// What to embed.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos embed --checkpoint runs/demo/phase1/network.safetensors --data images --out x.npz"
)]
pub struct Arguments {
    #[command(flatten)]
    trained: Trained,
    /// Folder or file of images
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// The test part of a folder
    #[arg(long)]
    test: bool,
    /// Where to write x, the rows in f32, and y, the class numbers in the network's order
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
}

/// Writes the embeddings in evaluation mode.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let part = if arguments.test {
        Part::Test
    } else {
        Part::Train
    };
    let Ready {
        network,
        images,
        normalization,
    } = arguments.trained.read(&arguments.data, part)?;
    let mut show = Show::new()?;
    let rows = phases::embed(&network, &images, &normalization, &mut show)?;
    show.done();
    let dims = network.embedding_width();
    let classes = Labels::indices(network.spec().classes);
    let embeddings = Embeddings::new(rows, dims, images.labels().to_vec(), classes)?;
    write_embeddings_npz(&arguments.out, &embeddings)?;
    println!(
        "{} embeddings of {dims} values: {}",
        embeddings.len(),
        arguments.out.display()
    );
    Ok(())
}
