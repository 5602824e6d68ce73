//! A whole run: the three phases, measured once, in a folder.

use crate::folder::{Existing, RunFolder};
use crate::log::Log;
use crate::phases::Trained;
use crate::runner::Runner;
use crate::source::load_data;
use crate::{Config, Error, Observer, Summary};
use eos_registry::{Discovery, Plugin, Registry};
use std::path::PathBuf;

/// Where a run lives.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The run's folder.
    pub folder: PathBuf,
    /// What to do with a run that is there.
    pub existing: Existing,
    /// Registry to look in before any other.
    pub registry: Option<PathBuf>,
    /// Whether every plugin needs a hash in its registry.
    pub locked: bool,
}

/// Trains, oversamples and fine-tunes; writes the run folder and returns its summary.
///
/// An interrupted run with the same configuration goes on after its last whole epoch, to the same bits as one that was
/// not interrupted.
///
/// # Errors
/// Any [`Error`]; what was finished before stays.
pub fn run(
    config: &Config,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Summary, Error> {
    on_threads(config.run.threads, || {
        // Everything that can be refused is refused before anything is trained.
        let plugins = load_plugins(config, options)?;
        let backend = config.run.device.open()?;
        let images = load_data(config)?;
        let wanted = &config.oversample.wanted;
        let wanted = wanted.rows(&images.train.class_counts(), images.train.classes())?;
        let config = images.resolve(config);
        let folder = RunFolder::open(&options.folder, &config, options.existing)?;
        let mut log = Log::open(&folder.path("events.jsonl"), observer)?;
        let mut runner = Runner {
            config: &config,
            folder: &folder,
            images: &images,
            backend: &*backend,
            observer: &mut log,
        };
        let trained = runner.trained()?;
        let heads = runner.methods(&trained.network, &plugins, &wanted)?;
        runner.finish(trained, heads)
    })
}

/// Phase one alone; a later [`run()`] of the same configuration goes on from it.
///
/// # Errors
/// As [`run()`].
pub fn train(
    config: &Config,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Trained, Error> {
    on_threads(config.run.threads, || {
        let backend = config.run.device.open()?;
        let images = load_data(config)?;
        let config = images.resolve(config);
        let folder = RunFolder::open(&options.folder, &config, options.existing)?;
        let mut log = Log::open(&folder.path("events.jsonl"), observer)?;
        let mut runner = Runner {
            config: &config,
            folder: &folder,
            images: &images,
            backend: &*backend,
            observer: &mut log,
        };
        runner.trained()
    })
}

/// Runs `work` on a pool of `threads` threads; 0 is the pool that is there.
pub(crate) fn on_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    if threads == 0 {
        return work();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Error::Request(format!("run.threads = {threads}: {e}")))?;
    pool.install(work)
}

/// Every method's plugin, with the chosen one's parameters checked.
fn load_plugins(config: &Config, options: &RunOptions) -> Result<Vec<Plugin>, Error> {
    let registry = Registry::discover(&Discovery {
        explicit: options.registry.clone(),
        configured: config.oversample.registry.clone(),
        locked: options.locked,
    })?;
    let methods = config.methods();
    let plugins: Vec<Plugin> = methods
        .iter()
        .map(|id| registry.load(id))
        .collect::<Result<_, _>>()?;
    let chosen = plugins.last().expect("a configuration names a method");
    chosen.resolve(&config.oversample.params)?;
    Ok(plugins)
}
