//! Synthetic rows with where they came from, as a file.

use crate::Error;
use eos_data::{BalancedWriter, Embeddings, SyntheticColumns};
use eos_registry::Synthetic;
use std::path::Path;

/// Writes the given rows, the synthetic ones behind them, and the provenance of each as npz: `x`
/// f32 `[N + M, D]`, `y` in the labels' own type, `base`, `from` and `neighbour` i64 `[M]`, `ratio`
/// f32 `[M]`; −1 and NaN for a plugin that makes rows itself.
///
/// # Errors
/// [`Error::Data`]; the file then is as it was before.
pub fn write_balanced(
    path: &Path,
    original: &Embeddings,
    synthetic: &Synthetic,
) -> Result<(), Error> {
    let count = synthetic.labels.len();
    let mut columns = (vec![-1; count], vec![-1; count], vec![-1; count]);
    let mut ratio = vec![f32::NAN; count];
    for (row, recipe) in synthetic.recipe.iter().flatten().enumerate() {
        columns.0[row] = i64::from(recipe.base);
        columns.1[row] = i64::from(recipe.from);
        columns.2[row] = i64::from(recipe.to);
        ratio[row] = recipe.ratio;
    }
    let mut writer = BalancedWriter::create(path, original, count as u64)?;
    writer.push_rows(&synthetic.rows)?;
    writer.finish(&SyntheticColumns {
        labels: &synthetic.labels,
        base: &columns.0,
        from: &columns.1,
        neighbour: &columns.2,
        ratio: &ratio,
    })?;
    Ok(())
}
