//! `eos data info`.

use eos_data::{Format, Part, ReadOptions, describe};
use eos_pipeline::Error;
use std::path::PathBuf;

/// Looks at data sets.
#[derive(clap::Subcommand)]
pub enum Arguments {
    /// Format, shape, classes and counts of images or embeddings
    Info {
        /// The folder or file
        path: PathBuf,
        /// idx, cifar10, cifar100, svhn, folder, npy, npz; guessed from the content if absent
        #[arg(long)]
        format: Option<Format>,
        /// The test part of a folder
        #[arg(long)]
        test: bool,
        /// Height and width that a folder's images are resized to
        #[arg(long, num_args = 2, value_names = ["HEIGHT", "WIDTH"])]
        size: Option<Vec<usize>>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Prints them.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments::Info {
        path,
        format,
        test,
        size,
        json,
    } = arguments;
    let options = ReadOptions {
        format: *format,
        part: if *test { Part::Test } else { Part::Train },
        size: size.as_ref().map(|size| [size[0], size[1]]),
        ..ReadOptions::default()
    };
    let description = describe(path, &options).map_err(Error::from)?;
    if *json {
        println!("{}", serde_json::to_string_pretty(&description)?);
    } else {
        print!("{description}");
    }
    Ok(())
}
