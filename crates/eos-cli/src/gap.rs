//! `eos gap`.

use crate::inputs::{Rows, read_test};
use eos_data::Embeddings;
use eos_model::Head;
use eos_pipeline::gap::{self, EqualRows, Options, Request, RunRows, Set};
use eos_pipeline::phases::Labelled;
use eos_pipeline::{Error, read_head};
use std::path::{Path, PathBuf};

/// What to compare.
#[derive(clap::Args)]
#[command(
    after_help = "Examples: eos gap --run runs/demo --equal-rows --out gap\n          \
    eos gap --x train.npz --test-x test.npz --head head.safetensors --with smote=smote.npz"
)]
pub struct Arguments {
    /// Folder of a run: its embeddings, and every balanced set and head in it
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["x", "y", "test_x", "test_y", "head"])]
    run: Option<PathBuf>,
    #[command(flatten)]
    rows: Option<Rows>,
    /// Embeddings that the network has not seen
    #[arg(long, value_name = "FILE")]
    test_x: Option<PathBuf>,
    /// Their labels, where --test-x is no npz
    #[arg(long, value_name = "FILE")]
    test_y: Option<PathBuf>,
    /// A head (or a network's checkpoint): the gap also by what it makes of each unseen row
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Another set in the stead of the training rows, such as one that `eos sample` has balanced; repeatable
    #[arg(long, value_name = "NAME=FILE")]
    with: Vec<Named>,
    /// The head that goes with the set of that name; repeatable
    #[arg(long, value_name = "NAME=FILE")]
    with_head: Vec<Named>,
    /// Ranges from this quantile to 1 minus it in place of the least and greatest value: 0 to below 0.5
    #[arg(long, value_name = "Q", default_value_t = 0.0)]
    quantile: f64,
    /// Also with equally many rows of every class: as many as the smallest has, drawn at random
    #[arg(long)]
    equal_rows: bool,
    /// Draws of equal rows whose gaps are averaged
    #[arg(long, default_value_t = 100, requires = "equal_rows")]
    draws: u32,
    /// Of the draws
    #[arg(long, default_value_t = 0, requires = "equal_rows")]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write the ranges and the gap of each set, outcome, class and dimension
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write gap.json, gap.csv and plots into a folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A file under a name.
#[derive(Debug, Clone)]
struct Named {
    name: String,
    path: PathBuf,
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(Self {
                name: name.to_owned(),
                path: path.into(),
            }),
            _ => Err("wanted NAME=FILE, such as smote=smote.npz".to_owned()),
        }
    }
}

/// A set of `--with`.
struct With<'a> {
    name: &'a str,
    rows: Embeddings,
    head: Option<Head>,
}

/// Prints how far the test rows leave the range of the training rows, class by class.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match (&arguments.run, &arguments.rows, &arguments.test_x) {
        (Some(folder), ..) => {
            let run = RunRows::read(folder)?;
            let with = arguments.with(&run.train)?;
            arguments.tell(&run.classes, run.sets(), &with, &run.test)
        }
        (None, Some(rows), Some(test)) => {
            let train = rows.read()?;
            let test = read_test(test, arguments.test_y.as_deref(), &train)?;
            let head = arguments.head.as_deref().map(read_head).transpose()?;
            let set = Set {
                name: "training rows",
                data: Labelled::of(&train),
                head: head.as_ref().map(|(head, _)| head),
            };
            let with = arguments.with(&train)?;
            arguments.tell(train.label_values().names(), vec![set], &with, &test)
        }
        _ => {
            let wanted = "give --run with the folder of a run, or --x and --test-x with embeddings";
            Err(Error::Request(wanted.to_owned()).into())
        }
    }
}

impl Arguments {
    /// The sets of `--with`, in the classes of the training rows.
    fn with(&self, train: &Embeddings) -> Result<Vec<With<'_>>, Error> {
        let unknown = |head: &&Named| self.with.iter().all(|set| set.name != head.name);
        if let Some(head) = self.with_head.iter().find(unknown) {
            return Err(Error::Request(format!(
                "--with-head {} names no set; give --with {0}=FILE too",
                head.name
            )));
        }
        let read = |set: &Named| -> Result<Embeddings, Error> { read_test(&set.path, None, train) };
        let head = |name: &str| -> Result<Option<Head>, Error> {
            let own = self.with_head.iter().find(|head| head.name == name);
            let head = |path: &Path| read_head(path).map(|(head, _)| head);
            own.map(|own| head(&own.path)).transpose()
        };
        let sets = self.with.iter().map(|set| {
            Ok(With {
                name: &set.name,
                rows: read(set)?,
                head: head(&set.name)?,
            })
        });
        sets.collect()
    }

    /// Measures and tells in every way that was asked for.
    fn tell<'a>(
        &self,
        classes: &[String],
        mut sets: Vec<Set<'a>>,
        with: &'a [With<'a>],
        test: &Embeddings,
    ) -> anyhow::Result<()> {
        sets.extend(with.iter().map(|set| Set {
            name: set.name,
            data: Labelled::of(&set.rows),
            head: set.head.as_ref(),
        }));
        let control = EqualRows {
            draws: self.draws,
            seed: self.seed,
        };
        let request = Request {
            classes,
            sets: &sets,
            test: Labelled::of(test),
            options: Options {
                quantile: self.quantile,
                equal_rows: self.equal_rows.then_some(control),
            },
        };
        let analysis = gap::analyse(&request)?;
        if let Some(path) = &self.csv {
            gap::write_csv(path, &request)?;
        }
        if let Some(folder) = &self.out {
            gap::write_files(folder, &request, &analysis)?;
        }
        match self.json {
            true => println!("{}", serde_json::to_string_pretty(&analysis)?),
            false => print!("{}", gap::render(&analysis)),
        }
        Ok(())
    }
}
