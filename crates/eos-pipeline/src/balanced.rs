//! Synthetic rows with where they came from, as files.

use crate::{Error, Observer};
use eos_data::{BalancedFiles, BalancedWriter, Embeddings, Provenance};
use eos_registry::{Content, Plan};
use eos_tensor::Backend;

/// Values of synthetic rows that are made and written at a time: 1 MiB, which the processor's cache
/// holds from one to the other.
pub(crate) const WINDOW: usize = 1 << 18;

/// Writes the given rows, the synthetic ones behind them, and the provenance of each: −1 and NaN for
/// a plugin that makes rows itself. Rows of recipes are made a window at a time, on the way into the
/// file.
///
/// # Errors
/// [`Error::Data`], [`Error::Plugin`] for a recipe whose row leaves f32, [`Error::Interrupted`]
/// between windows; the files then are as they were before.
pub fn write_balanced(
    files: &BalancedFiles,
    original: &Embeddings,
    plan: &Plan,
    backend: &dyn Backend,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    let mut writer = BalancedWriter::create(files, original, plan.len() as u64)?;
    let rows = original.as_rows();
    plan.windows(rows, backend, WINDOW, |window| {
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        Ok(writer.push_rows(window)?)
    })?;
    writer.finish(&match plan.content() {
        Content::Recipes(recipes) => Provenance::Recipes(recipes),
        Content::Rows { labels, .. } => Provenance::Labels(labels),
    })?;
    Ok(())
}
