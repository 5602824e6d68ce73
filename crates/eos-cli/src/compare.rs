//! `eos compare`.

use crate::inputs::read_test;
use crate::show::Show;
use eos_data::read_embeddings;
use eos_pipeline::compare::{BuiltIn, Comparison, Given, LossSpec, Method, Place, Source, compare};
use eos_pipeline::config::Data;
use eos_pipeline::{Config, Error, Existing, RunOptions, read_head};
use eos_registry::{Discovery, Registry};
use std::path::{Path, PathBuf};

/// What to compare.
#[derive(clap::Args)]
#[command(after_help = "\
Methods: as-trained, retrained, reweighted:weights=inverse|effective, logit-adjusted:tau=1, tau-norm:tau=1, ncm (nearest
class mean), and every plugin (eos plugins list) as ID or ID:KEY=VALUE,…; `all` stands for all of them. eos:k=[10,50]
is a line for each value, eos:k=10|50 one line whose value validation rows choose. pixel/ID adds images before training.
Losses: ce, focal, ldam, asl, logit-adjusted, each also as focal:gamma=1, and with +inverse or +effective class weights,
which +drw defers.

Examples: eos compare mine.toml --methods as-trained,logit-adjusted,smote,eos:k=[10,50] --losses ce,ldam+effective+drw --seeds 0,1,2
          eos compare mine.toml --methods all
          eos compare --x train.npz --test-x test.npz --head head.safetensors --methods all --out runs/embeddings")]
pub struct Arguments {
    /// The configuration, a TOML file; `eos init` writes one
    #[arg(required_unless_present = "x")]
    config: Option<PathBuf>,
    /// Override a key of the configuration, such as train.epochs=10; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Methods, separated by commas or spaces [default: as-trained, those that need no training, and those of the
    /// configuration]
    #[arg(long, value_name = "METHOD", num_args = 1..)]
    methods: Vec<String>,
    /// Losses of phase one [default: that of the configuration]
    #[arg(long, value_name = "LOSS", num_args = 1..)]
    losses: Vec<String>,
    /// Seeds [default: that of the configuration]
    #[arg(long, value_name = "SEED", num_args = 1.., value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Where methods add rows that do not say: embedding or pixel
    #[arg(long = "where", value_name = "PLACE", default_value_t = Place::Embedding)]
    place: Place,
    /// What all lines are compared to, as METHOD or LOSS/METHOD [default: as-trained]
    #[arg(long, value_name = "LINE")]
    baseline: Option<String>,
    /// Training embeddings of a network from elsewhere, instead of a configuration's images
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "config",
        requires = "test_x"
    )]
    x: Option<PathBuf>,
    /// Their labels, where --x is no npz
    #[arg(long, value_name = "FILE", requires = "x")]
    y: Option<PathBuf>,
    /// Embeddings to measure on
    #[arg(long, value_name = "FILE", requires = "x")]
    test_x: Option<PathBuf>,
    /// Their labels, where --test-x is no npz
    #[arg(long, value_name = "FILE", requires = "test_x")]
    test_y: Option<PathBuf>,
    /// Embeddings that choose parameters, of rows neither trained nor measured on
    #[arg(long, value_name = "FILE", requires = "x")]
    validation_x: Option<PathBuf>,
    /// Their labels, where --validation-x is no npz
    #[arg(long, value_name = "FILE", requires = "validation_x")]
    validation_y: Option<PathBuf>,
    /// The network's own head, or its checkpoint
    #[arg(long, value_name = "FILE", requires = "x")]
    head: Option<PathBuf>,
    /// The comparison's folder [default: runs/, the configuration's name, and -compare]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Move a comparison that is there aside and start over
    #[arg(long)]
    fresh: bool,
    /// Registry of plugins to look in first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// Load only plugins whose SHA-256 their registry holds
    #[arg(long)]
    locked: bool,
    /// Print summary.json instead of the table
    #[arg(long)]
    json: bool,
}

/// Makes what is missing and prints the table.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let comparison = arguments.comparison()?;
    let mut show = Show::new()?;
    let folder = &comparison.run.folder;
    show.line(&format!("folder: {}", folder.display()));
    let summary = compare(&comparison, &mut show)?;
    show.done();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
        return Ok(());
    }
    println!("\n{}\n{}", summary.table(), summary.headline());
    println!(
        "* best of its column; intervals by paired bootstrap over {} {} rows, against {}",
        summary.setting.test_rows, summary.setting.measured_on, summary.baseline
    );
    println!("page: {}", folder.join("compare.html").display());
    Ok(())
}

impl Arguments {
    fn comparison(&self) -> Result<Comparison, Error> {
        let (config, source) = match (&self.config, &self.x) {
            (Some(path), _) => (Config::load(path, &self.set)?, Source::Images),
            (None, Some(x)) => self.given(x)?,
            (None, None) => {
                let wanted = "give a configuration, or embeddings with --x and --test-x";
                return Err(Error::Request(wanted.to_owned()));
            }
        };
        let losses = match self.losses.is_empty() {
            true => vec![LossSpec::of(&config)],
            false => LossSpec::read(&self.losses)?,
        };
        if matches!(source, Source::Embeddings(_)) && !self.losses.is_empty() {
            return Err(Error::Request(
                "--losses trains networks, and embeddings are of one that is trained; use --set head.loss for the \
                 loss of heads"
                    .to_owned(),
            ));
        }
        let seeds = match self.seeds.is_empty() {
            true => vec![config.run.seed],
            false => distinct(&self.seeds),
        };
        Ok(Comparison {
            methods: self.methods(&config, &source)?,
            losses,
            seeds,
            baseline: self.baseline.clone(),
            run: RunOptions {
                folder: self.folder()?,
                existing: match self.fresh {
                    true => Existing::MoveAside,
                    false => Existing::GoOn,
                },
                registry: self.registry.clone(),
                locked: self.locked,
            },
            config,
            source,
        })
    }

    fn folder(&self) -> Result<PathBuf, Error> {
        let of = self.config.as_ref().or(self.x.as_ref());
        match (&self.out, of.and_then(|path| path.file_stem())) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(name)) => {
                let name = format!("{}-compare", name.to_string_lossy());
                Ok(PathBuf::from("runs").join(name))
            }
            (None, None) => Err(Error::Request("give a folder with --out".to_owned())),
        }
    }

    /// A configuration whose data are embeddings, and these.
    fn given(&self, x: &Path) -> Result<(Config, Source), Error> {
        let train = read_embeddings(x, self.y.as_deref())?;
        let test_x = self.test_x.as_deref().unwrap_or(x);
        let test = read_test(test_x, self.test_y.as_deref(), &train)?;
        let held = self.validation_x.as_deref();
        let validation = held
            .map(|held| read_test(held, self.validation_y.as_deref(), &train))
            .transpose()?;
        let head = self.head.as_deref().map(|path| head_for(path, &train));
        let data = Data {
            train: Some(x.to_owned()),
            test: Some(test_x.to_owned()),
            ..Data::default()
        };
        let text = Config::of_data(data).to_toml();
        let config = Config::from_toml(&text, "--set", &self.set)?;
        let given = Given {
            train,
            test,
            validation,
            head: head.transpose()?,
        };
        Ok((config, Source::Embeddings(Box::new(given))))
    }

    fn methods(&self, config: &Config, source: &Source) -> Result<Vec<Method>, Error> {
        let has_head = match source {
            Source::Images => true,
            Source::Embeddings(given) => given.head.is_some(),
        };
        let of_head = ["as-trained", "logit-adjusted", "tau-norm"];
        let built_in = BuiltIn::names().filter(|name| has_head || !of_head.contains(name));
        let words = match &self.methods[..] {
            [] => {
                let free = built_in
                    .filter(|name| *name != "reweighted")
                    .map(str::to_owned);
                let mut words: Vec<String> = free.collect();
                words.extend(own_methods(config));
                words
            }
            [all] if all == "all" => {
                let registry = Registry::discover(&Discovery {
                    explicit: self.registry.clone(),
                    configured: config.oversample.registry.clone(),
                    locked: self.locked,
                })?;
                let listed = registry.list().into_iter().filter(|plugin| plugin.enabled);
                let plugins = listed.map(|plugin| plugin.id);
                built_in.map(str::to_owned).chain(plugins).collect()
            }
            words => words.to_vec(),
        };
        Method::read(&words, self.place)
    }
}

/// The configuration's methods with their parameters.
fn own_methods(config: &Config) -> Vec<String> {
    let chosen = &config.oversample;
    let params: Vec<String> = chosen
        .params
        .iter()
        .map(|(key, value)| match value {
            toml::Value::String(text) => format!("{key}={text}"),
            other => format!("{key}={other}"),
        })
        .collect();
    let own = match params.is_empty() {
        true => chosen.method.clone(),
        false => format!("{}:{}", chosen.method, params.join(",")),
    };
    chosen.beside.iter().cloned().chain([own]).collect()
}

/// A head for rows of these classes and dimensions.
fn head_for(path: &Path, train: &eos_data::Embeddings) -> Result<eos_model::Head, Error> {
    let (head, _) = read_head(path)?;
    let classes = train.label_values().classes();
    if (head.classes, head.dims) == (classes, train.dims()) {
        return Ok(head);
    }
    Err(Error::Request(format!(
        "{} takes rows of {} values and tells {} classes apart, the rows have {} values and {classes} classes; give the \
         head of these rows",
        path.display(),
        head.dims,
        head.classes,
        train.dims()
    )))
}

fn distinct(seeds: &[u64]) -> Vec<u64> {
    let mut kept = Vec::new();
    for seed in seeds {
        if !kept.contains(seed) {
            kept.push(*seed);
        }
    }
    kept
}
