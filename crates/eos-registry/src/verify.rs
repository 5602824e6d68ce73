//! Checks what a plugin wrote. Nothing is believed.

use crate::error::Error;
use crate::guarded::Column;
use crate::plan::{Content, Plan, Told, zeros};
use crate::request::Request;
use eos_plugin::abi;
use eos_tensor::{Recipe, first_not_finite};

/// The columns as the plugin left them.
pub(crate) enum Written {
    Recipes(Vec<abi::Recipe>),
    /// Labels and rows.
    Rows(Vec<u32>, Vec<f32>),
}

/// What was written, once all of it is what was asked for. The rows of recipes are found finite
/// when they are made.
pub(crate) fn check(
    id: &str,
    request: &Request<'_>,
    written: Written,
    told: Told,
) -> Result<Plan, Error> {
    let judge = Judge { id, request };
    let content = match written {
        Written::Recipes(recipes) => judge.recipes(recipes),
        Written::Rows(labels, rows) => judge.rows(labels, rows),
    }?;
    Ok(Plan {
        id: id.to_owned(),
        content,
        told,
    })
}

struct Judge<'a> {
    id: &'a str,
    request: &'a Request<'a>,
}

impl Judge<'_> {
    fn recipes(&self, written: Vec<abi::Recipe>) -> Result<Content, Error> {
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
        if !recipe.is_sorted_by_key(|r| r.label) {
            // Stable: within a class the rows keep the plugin's order.
            recipe.sort_by_key(|r| r.label);
        }
        Ok(Content::Recipes(recipe))
    }

    fn rows(&self, labels: Vec<u32>, rows: Vec<f32>) -> Result<Content, Error> {
        let dims = self.request.rows.dims();
        self.counts(labels.iter().copied())?;
        if let Some(at) = first_not_finite(&rows) {
            let (row, column, value) = (at / dims, at % dims, rows[at]);
            return Err(self.broken(format!("row {row} holds {value} in column {column}")));
        }
        if labels.is_sorted() {
            return Ok(Content::Rows { labels, rows });
        }
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&i| labels[i]);
        let mut sorted = zeros(labels.len(), dims)?;
        for (to, &from) in sorted.chunks_exact_mut(dims).zip(&order) {
            to.copy_from_slice(&rows[from * dims..][..dims]);
        }
        let labels = order.iter().map(|&i| labels[i]).collect();
        let rows = sorted;
        Ok(Content::Rows { labels, rows })
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

    fn broken(&self, message: String) -> Error {
        Error::Contract {
            id: self.id.to_owned(),
            message,
        }
    }
}
