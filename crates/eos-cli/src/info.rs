//! `eos data info`.

use eos_data::{Format, Part, ReadOptions, read_images};
use std::path::PathBuf;

/// Looks at data sets.
#[derive(clap::Subcommand)]
pub enum Arguments {
    /// Shape, classes and counts of a folder or file of images
    Info {
        /// The folder or file
        path: PathBuf,
        /// idx, cifar10, cifar100, svhn, folder; guessed from the content if absent
        #[arg(long)]
        format: Option<Format>,
        /// The test part of a folder
        #[arg(long)]
        test: bool,
    },
}

/// Prints them.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments::Info { path, format, test } = arguments;
    let part = if *test { Part::Test } else { Part::Train };
    let set = read_images(
        path,
        &ReadOptions {
            format: *format,
            part,
            ..ReadOptions::default()
        },
    )?;
    println!(
        "{} images of {} in {} classes",
        set.len(),
        set.shape(),
        set.classes().len()
    );
    for (class, count) in set.classes().iter().zip(set.class_counts()) {
        println!("{count:>8}  {class}");
    }
    Ok(())
}
