//! `eos init`.

use eos_data::{Content, Description, Format, Part, ReadOptions, describe};
use eos_pipeline::{Config, Error};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What to write a configuration for.
#[derive(clap::Args)]
#[command(after_help = "Example: eos init path/to/images --out mine.toml && eos run mine.toml")]
pub struct Arguments {
    /// Folder or file of training images
    data: PathBuf,
    /// Folder or file of test images; the test part of the folder if absent, where it has one
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    /// idx, cifar10, cifar100, svhn, folder, npy, npz; guessed from the content if absent
    #[arg(long)]
    format: Option<Format>,
    /// Height and width that a folder's images are resized to
    #[arg(long, num_args = 2, value_names = ["HEIGHT", "WIDTH"])]
    size: Option<Vec<usize>>,
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE", default_value = "eos.toml")]
    out: PathBuf,
}

/// Looks at the data and writes a commented configuration.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut options = ReadOptions {
        format: arguments.format,
        size: arguments.size.as_ref().map(|size| [size[0], size[1]]),
        ..ReadOptions::default()
    };
    let train = described(&arguments.data, &options)?;
    options.part = Part::Test;
    options.format = Some(train.format);
    options.classes = Some(train.classes.iter().map(|c| c.name.clone()).collect());
    let test = match &arguments.test {
        Some(path) => {
            described(path, &options)?;
            Some(path.clone())
        }
        None => test_part(&arguments.data, &options),
    };
    let text = written(&train, test.as_deref(), options.size);
    // What a user is given must be what `run` takes.
    Config::from_toml(&text, "the configuration", &[])?;
    create(&arguments.out, &text)?;
    print!("{train}");
    println!("configuration: {}", arguments.out.display());
    println!("next: eos run {}", arguments.out.display());
    Ok(())
}

/// The test part of a folder, where it is one of its own.
fn test_part(data: &Path, options: &ReadOptions) -> Option<PathBuf> {
    let whole = options.format == Some(Format::Folder) && !data.join("test").is_dir();
    if !data.is_dir() || whole {
        return None;
    }
    describe(data, options).ok().map(|_| data.to_owned())
}

fn described(path: &Path, options: &ReadOptions) -> Result<Description, Error> {
    let description = describe(path, options)?;
    match description.content {
        Content::Images { .. } => Ok(description),
        Content::Embeddings { .. } => Err(Error::Request(format!(
            "{} holds embeddings, wanted images; balance them with eos sample --x {}",
            path.display(),
            path.display()
        ))),
    }
}

fn create(out: &Path, text: &str) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).open(out);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Request(format!(
            "{} is there already, and is left as it is; choose another file with --out",
            out.display()
        )),
        _ => Error::writing(out, error),
    })
}

fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

fn written(train: &Description, test: Option<&Path>, size: Option<[usize; 2]>) -> String {
    let counts: Vec<usize> = train.classes.iter().map(|class| class.rows).collect();
    let (most, least) = (counts.iter().max(), counts.iter().min());
    let mut text = String::new();
    let mut line = |words: &str| {
        let _ = writeln!(text, "{words}");
    };
    line(&format!(
        "# {} images in {} classes, from {} to {} each.",
        train.rows,
        counts.len(),
        most.unwrap_or(&0),
        least.unwrap_or(&0)
    ));
    line("# eos run FILE trains, oversamples and fine-tunes; --set key=value overrides a key.");
    line("");
    line("[data]");
    line(&format!("train = {}", quoted(&train.path)));
    match test {
        Some(path) => line(&format!("test = {}", quoted(path))),
        None => line("# test = \"…\"   without it a tenth of each class is held out to measure on"),
    }
    line(&format!("format = \"{}\"", train.format));
    if let Some([height, width]) = size {
        line(&format!("size = [{height}, {width}]"));
    }
    line("# mean = […] and deviation = […], one a channel; else the format's, else measured");
    line(
        "# imbalance = { kind = \"exp\", ratio = 100 }   thins the later classes, for experiments",
    );
    line("");
    line("[model]");
    line("arch = \"resnet32\"          # resnet20, resnet32, resnet44, resnet56, resnet110");
    line("# width-factor = 2         channels of every layer, times 2");
    line("loss = \"ce\"                # \"focal\", \"ldam\", \"asl\", \"logit-adjusted\"");
    line("");
    line("[train]");
    line("epochs = 200               # the paper's; with schedule \"one-cycle\" 20 to 60 often do");
    line("batch = 128");
    line("schedule = \"reference\"     # \"cosine\", \"one-cycle\", \"constant\"");
    line("learning-rate = 0.1");
    line("weight-decay = 2e-4");
    line(
        "# class-weights = \"effective\", drw-from = 160: weigh rare classes up, late in training",
    );
    line("crop-padding = 4           # 0 takes no random crop");
    line("flip = true                # mirror half of the images; false where left is not right");
    line("");
    line("[oversample]");
    line("method = \"eos\"             # eos plugins list");
    line("params = { k = 10 }        # eos plugins show eos");
    line("wanted = \"auto\"            # every class as large as the largest; or { cap = 500 }");
    line("beside = [\"random\", \"smote\"]   # methods to compare with, on the same embeddings");
    line("");
    line("[head]");
    line("epochs = 20");
    line("batch = 512");
    line("start = \"fresh\"            # \"trained\" begins with the network's own head");
    line("");
    line("[run]");
    line("seed = 0");
    line("select = \"auto\"            # which epoch is kept: \"last\", \"validation\"");
    line("");
    line("[report]");
    line("tsne = false               # true adds a map by t-SNE; also for a run that is finished");
    text
}
