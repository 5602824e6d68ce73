//! What a plugin wants made, checked, and how rows are made of it.

use crate::error::Error;
use eos_tensor::{Backend, Interpolation, Recipe, Rows, first_not_finite};
use std::alloc::{Layout, alloc_zeroed};
use std::ops::AddAssign;

/// Synthetic rows, class by class, within a class in the plugin's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// Class of each row, `[M]`, rising.
    pub labels: Vec<u32>,
    /// `[M, D]` row-major, finite.
    pub rows: Vec<f32>,
    /// How each row was made, `[M]`; `None` for a plugin that makes rows itself.
    pub recipe: Option<Vec<Recipe>>,
    /// What the plugin noted for the summary, such as how many rows a fallback made.
    pub notes: Vec<String>,
    /// What the plugin says that it trained.
    pub trained: Trained,
}

/// What a plugin trained to make its rows; zeros for most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trained {
    /// Parameters.
    pub parameters: u64,
    /// Steps of training them.
    pub steps: u64,
}

impl AddAssign for Trained {
    fn add_assign(&mut self, more: Self) {
        self.parameters = self.parameters.saturating_add(more.parameters);
        self.steps = self.steps.saturating_add(more.steps);
    }
}

/// What a plugin said during a call that ended well.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub notes: Vec<String>,
    pub trained: Trained,
}

/// M synthetic rows that are not made yet, class by class, within a class in the plugin's order.
///
/// A recipe is 20 bytes, where its row is 4 · D: [`windows`](Self::windows) makes a few rows at a
/// time, [`make`](Self::make) all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The plugin.
    pub(crate) id: String,
    /// What it wants made.
    pub(crate) content: Content,
    pub(crate) told: Told,
}

/// What a plan is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A recipe for each row, `[M]`.
    Recipes(Vec<Recipe>),
    /// Rows that the plugin has made itself.
    Rows {
        /// Class of each row, `[M]`, rising.
        labels: Vec<u32>,
        /// `[M, D]` row-major, finite.
        rows: Vec<f32>,
    },
}

impl Plan {
    /// M, rows that it makes.
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Recipes(recipes) => recipes.len(),
            Content::Rows { labels, .. } => labels.len(),
        }
    }

    /// Whether it makes no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Recipes, or rows.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Recipes, or rows, of a plan that is no longer needed.
    pub fn into_content(self) -> Content {
        self.content
    }

    /// What the plugin noted for the summary, such as how many rows a fallback made.
    pub fn notes(&self) -> &[String] {
        &self.told.notes
    }

    /// What the plugin says that it trained.
    pub fn trained(&self) -> Trained {
        self.told.trained
    }

    /// Class of each row, `[M]`, rising.
    pub fn labels(&self) -> Vec<u32> {
        match &self.content {
            Content::Recipes(recipes) => recipes.iter().map(|r| r.label).collect(),
            Content::Rows { labels, .. } => labels.clone(),
        }
    }

    /// Makes the rows in order, a window of at most `values` values (and at least a row) at a time,
    /// and gives each window `[m, D]` to `take`. Of recipes no more than a window is held.
    ///
    /// `rows` are those of the request that the plan answers. The size of a window decides nothing
    /// about the rows.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a recipe whose row leaves f32, [`Error::Backend`], and what `take`
    /// refuses.
    pub fn windows<E: From<Error>>(
        &self,
        rows: Rows<'_>,
        backend: &dyn Backend,
        values: usize,
        mut take: impl FnMut(&[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let dims = rows.dims();
        let height = (values / dims).max(1);
        let maker = Maker::new(&self.id, rows, backend);
        match &self.content {
            Content::Rows { rows, .. } => rows.chunks(height * dims).try_for_each(take),
            Content::Recipes(recipes) => {
                let mut window = zeros(height.min(recipes.len()), dims)?;
                for (number, part) in recipes.chunks(height).enumerate() {
                    let window = &mut window[..part.len() * dims];
                    maker.make(number * height, part, window)?;
                    take(window)?;
                }
                Ok(())
            }
        }
    }

    /// Makes all rows; `rows` are those of the request that the plan answers.
    ///
    /// # Errors
    /// As [`windows`](Self::windows), and [`Error::Memory`].
    pub fn make(self, rows: Rows<'_>, backend: &dyn Backend) -> Result<Synthetic, Error> {
        let Self { id, content, told } = self;
        let Told { notes, trained } = told;
        let recipes = match content {
            Content::Recipes(recipes) => recipes,
            Content::Rows { labels, rows } => {
                return Ok(Synthetic {
                    labels,
                    rows,
                    recipe: None,
                    notes,
                    trained,
                });
            }
        };
        let mut made = zeros(recipes.len(), rows.dims())?;
        let maker = Maker::new(&id, rows, backend);
        maker.make(0, &recipes, &mut made)?;
        Ok(Synthetic {
            labels: recipes.iter().map(|r| r.label).collect(),
            rows: made,
            recipe: Some(recipes),
            notes,
            trained,
        })
    }
}

/// Makes rows of recipes.
struct Maker<'a> {
    /// The plugin whose recipes they are.
    id: &'a str,
    rows: Rows<'a>,
    backend: &'a dyn Backend,
    /// The rows made ready on it.
    made: Box<dyn Interpolation + 'a>,
}

impl<'a> Maker<'a> {
    fn new(id: &'a str, rows: Rows<'a>, backend: &'a dyn Backend) -> Self {
        Self {
            id,
            rows,
            backend,
            made: backend.interpolation(rows),
        }
    }

    /// Makes the rows of `recipes`, the first of which is number `first`, and finds them finite.
    fn make(&self, first: usize, recipes: &[Recipe], out: &mut [f32]) -> Result<(), Error> {
        let made = self.made.interpolate(recipes, out);
        made.map_err(|source| Error::Backend {
            id: self.id.to_owned(),
            backend: self.backend.name().to_owned(),
            source,
        })?;
        let Some(at) = first_not_finite(out) else {
            return Ok(());
        };
        let row = at / self.rows.dims();
        let recipe = &recipes[row];
        Err(Error::NotFinite {
            id: self.id.to_owned(),
            row: first + row,
            base: recipe.base,
            from: recipe.from,
            to: recipe.to,
            ratio: recipe.ratio,
        })
    }
}

/// Room for `rows` rows of `dims` values, in memory that nothing has touched yet: the first to write
/// to a page, on whatever thread, pays for it.
pub(crate) fn zeros(rows: usize, dims: usize) -> Result<Vec<f32>, Error> {
    let values = rows.saturating_mul(dims);
    let refused = || Error::memory(rows as u128, dims);
    let layout = Layout::array::<f32>(values).map_err(|_| refused())?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout has a size.
    let at = unsafe { alloc_zeroed(layout) }.cast::<f32>();
    if at.is_null() {
        return Err(refused());
    }
    // SAFETY: the allocator that vectors use gave this memory for as many f32, and zeros are f32.
    Ok(unsafe { Vec::from_raw_parts(at, values, values) })
}
