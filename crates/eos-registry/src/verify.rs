//! Checks what a plugin wrote, and makes the rows of recipes. Nothing is believed.

use crate::call::Synthetic;
use crate::error::Error;
use crate::guarded::Column;
use crate::request::Request;
use eos_plugin::abi;
use eos_tensor::{Backend, Recipe};

/// The columns as the plugin left them.
pub(crate) enum Written {
    Recipes(Vec<abi::Recipe>),
    /// Labels and rows.
    Rows(Vec<u32>, Vec<f32>),
}

/// The result, once all of it is what was asked for.
pub(crate) fn check(
    id: &str,
    request: &Request<'_>,
    written: Written,
    backend: &dyn Backend,
) -> Result<Synthetic, Error> {
    let judge = Judge { id, request };
    match written {
        Written::Recipes(recipes) => judge.recipes(recipes, backend),
        Written::Rows(labels, rows) => judge.rows(labels, rows),
    }
}

struct Judge<'a> {
    id: &'a str,
    request: &'a Request<'a>,
}

impl Judge<'_> {
    fn recipes(
        &self,
        written: Vec<abi::Recipe>,
        backend: &dyn Backend,
    ) -> Result<Synthetic, Error> {
        self.counts(written.iter().map(|r| r.label))?;
        for (row, recipe) in written.iter().enumerate() {
            self.recipe(row, recipe)?;
        }
        let mut recipe: Vec<Recipe> = written
            .into_iter()
            .map(
                |abi::Recipe {
                     label,
                     base,
                     from,
                     to,
                     ratio,
                 }| Recipe {
                    label,
                    base,
                    from,
                    to,
                    ratio,
                },
            )
            .collect();
        // Stable: within a class the rows keep the plugin's order.
        recipe.sort_by_key(|r| r.label);
        let dims = self.request.rows.dims();
        let mut rows = self.room(recipe.len() * dims)?;
        backend
            .interpolate(self.request.rows, &recipe, &mut rows)
            .map_err(|source| Error::Backend {
                id: self.id.to_owned(),
                backend: backend.name().to_owned(),
                source,
            })?;
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            let Recipe {
                base,
                from,
                to,
                ratio,
                ..
            } = recipe[at / dims];
            let (id, row) = (self.id.to_owned(), at / dims);
            return Err(Error::NotFinite {
                id,
                row,
                base,
                from,
                to,
                ratio,
            });
        }
        let labels = recipe.iter().map(|r| r.label).collect();
        Ok(Synthetic {
            labels,
            rows,
            recipe: Some(recipe),
            notes: Vec::new(),
        })
    }

    fn rows(&self, labels: Vec<u32>, rows: Vec<f32>) -> Result<Synthetic, Error> {
        let dims = self.request.rows.dims();
        self.counts(labels.iter().copied())?;
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            let (row, column, value) = (at / dims, at % dims, rows[at]);
            return Err(self.broken(format!("row {row} holds {value} in column {column}")));
        }
        if labels.is_sorted() {
            return Ok(Synthetic {
                labels,
                rows,
                recipe: None,
                notes: Vec::new(),
            });
        }
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&i| labels[i]);
        let mut sorted = self.room(rows.len())?;
        for (to, &from) in sorted.chunks_exact_mut(dims).zip(&order) {
            to.copy_from_slice(&rows[from * dims..][..dims]);
        }
        let labels = order.iter().map(|&i| labels[i]).collect();
        Ok(Synthetic {
            labels,
            rows: sorted,
            recipe: None,
            notes: Vec::new(),
        })
    }

    /// Exactly the wanted rows of each class.
    fn counts(&self, labels: impl Iterator<Item = u32>) -> Result<(), Error> {
        let wanted = self.request.wanted;
        let mut counts = vec![0u64; wanted.len()];
        for (row, label) in labels.enumerate() {
            let Some(count) = counts.get_mut(label as usize) else {
                if label.is_blank() {
                    return Err(self.broken(format!("it says it wrote row {row}, and did not")));
                }
                let classes = wanted.len();
                return Err(self.broken(format!(
                    "row {row} has label {label}, there are {classes} classes"
                )));
            };
            *count += 1;
        }
        match counts
            .iter()
            .zip(wanted)
            .position(|(count, wanted)| count != wanted)
        {
            None => Ok(()),
            Some(class) => {
                let (count, wanted) = (counts[class], wanted[class]);
                Err(self.broken(format!(
                    "it wrote {count} rows of class {class}, {wanted} were wanted"
                )))
            }
        }
    }

    fn recipe(&self, row: usize, recipe: &abi::Recipe) -> Result<(), Error> {
        let n = self.request.rows.len();
        for (what, named) in [
            ("base", recipe.base),
            ("from", recipe.from),
            ("to", recipe.to),
        ] {
            if named as usize >= n {
                return Err(self.broken(format!(
                    "row {row} names {what} row {named}, the data has {n}"
                )));
            }
        }
        let class = self.request.labels[recipe.base as usize];
        if class != recipe.label {
            let (base, label) = (recipe.base, recipe.label);
            return Err(self.broken(format!(
                "row {row} has label {label}, its base row {base} is of class {class}"
            )));
        }
        if !recipe.ratio.is_finite() {
            return Err(self.broken(format!("row {row} has ratio {}", recipe.ratio)));
        }
        Ok(())
    }

    /// `values` zeros.
    fn room(&self, values: usize) -> Result<Vec<f32>, Error> {
        let too_large = |_| {
            self.request
                .too_large((values / self.request.rows.dims()) as u128)
        };
        let mut rows = Vec::new();
        rows.try_reserve_exact(values).map_err(too_large)?;
        rows.resize(values, 0.0);
        Ok(rows)
    }

    fn broken(&self, message: String) -> Error {
        Error::Contract {
            id: self.id.to_owned(),
            message,
        }
    }
}
