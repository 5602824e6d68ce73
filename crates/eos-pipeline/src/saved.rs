//! Training under way, in a run's folder: written after every epoch, gone once phase one is whole.
//!
//! The state is written first, then the network of the best epoch if it has changed. Killed in between, the best epoch is
//! the state's last, whose network the state holds itself; its file is written before the next epoch.

use crate::folder::RunFolder;
use crate::phases::{Training, network_spec};
use crate::source::Images;
use crate::{Config, Error};
use eos_model::Network;

/// Weights, velocities and figures of the epochs so far.
const STATE: &str = "phase1/training.safetensors";
/// The network that validation likes best so far.
const BEST: &str = "phase1/best.safetensors";

/// Writes what to go on from. `file` makes the file of a network.
pub(crate) fn save(
    folder: &RunFolder,
    training: &mut Training<'_>,
    file: impl Fn(&Network) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    folder.write(STATE, &training.state()?)?;
    save_best(folder, training, file)
}

/// Writes the network of the best epoch where that is the last.
fn save_best(
    folder: &RunFolder,
    training: &Training<'_>,
    file: impl Fn(&Network) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    let last = training.epochs().len();
    match training.best().filter(|best| best.epoch == last) {
        Some(best) => folder.write(BEST, &file(&best.network)?),
        None => Ok(()),
    }
}

/// The training that the folder holds, if any; both files are whole then.
pub(crate) fn load<'a>(
    folder: &RunFolder,
    config: &'a Config,
    images: &'a Images,
    file: impl Fn(&Network) -> Result<Vec<u8>, Error>,
) -> Result<Option<Training<'a>>, Error> {
    let Some(state) = folder.read(STATE)? else {
        return Ok(None);
    };
    let named = |name, error: Error| {
        let path = folder.path(name);
        Error::Request(format!(
            "{}: {error}; --fresh starts the run over",
            path.display()
        ))
    };
    let best = folder.read(BEST)?.map(|bytes| {
        let network = Network::from_safetensors(&bytes, network_spec(config, &images.train));
        network.map_err(|error| named(BEST, error.into()))
    });
    let training = Training::resume(config, images, &state, best.transpose()?)
        .map_err(|error| named(STATE, error))?;
    save_best(folder, &training, file)?;
    Ok(Some(training))
}

/// Removes both files, which the network of phase one stands for from now on.
pub(crate) fn remove(folder: &RunFolder) -> Result<(), Error> {
    for name in [BEST, STATE] {
        folder.remove(name)?;
    }
    Ok(())
}
