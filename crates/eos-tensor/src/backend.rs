//! The two batched operations that every device offers, and what they take and return.

use crate::{Error, Rows};
use rayon::prelude::*;

/// Which rows may be a query's neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classes {
    /// Every row.
    Any,
    /// Rows with the query's label.
    Same,
    /// Rows with another label: enemies.
    Other,
}

impl Classes {
    /// Whether a row labelled `row` may be a neighbour of a query labelled `query`.
    #[inline]
    pub fn admit(self, query: u32, row: u32) -> bool {
        match self {
            Self::Any => true,
            Self::Same => query == row,
            Self::Other => query != row,
        }
    }
}

/// Neighbours of Q queries, nearest first: two `[Q, k]` tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Slots of each query.
    pub k: usize,
    /// Row numbers `[Q, k]`; `u32::MAX` where there are fewer than k.
    pub index: Vec<u32>,
    /// Squared Euclidean distances `[Q, k]`; +∞ in empty slots.
    pub distance: Vec<f32>,
}

impl Neighbours {
    /// `queries` rows of `k` empty slots.
    pub fn empty(queries: usize, k: usize) -> Self {
        Self {
            k,
            index: filled(u32::MAX, queries * k),
            distance: filled(f32::INFINITY, queries * k),
        }
    }

    /// Rows found for query `q`, nearest first, without empty slots.
    pub fn of(&self, q: usize) -> &[u32] {
        let slots = &self.index[q * self.k..][..self.k];
        let filled = slots.partition_point(|row| *row != u32::MAX);
        &slots[..filled]
    }
}

/// `count` times a value; where that is much, each thread touches its part of the fresh memory.
fn filled<T: Copy + Send + Sync>(value: T, count: usize) -> Vec<T> {
    const MUCH: usize = 1 << 20;
    if count < MUCH {
        return vec![value; count];
    }
    let mut values = Vec::new();
    values.par_extend(rayon::iter::repeat_n(value, count));
    values
}

/// How one synthetic row is made: `base + ratio · (to − from)`, labelled `label`. 20 bytes.
///
/// Plain interpolation has `from == base`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Class of the synthetic row.
    pub label: u32,
    /// Row it starts from.
    pub base: u32,
    /// Row subtracted.
    pub from: u32,
    /// Row added: the neighbour.
    pub to: u32,
    /// Step along `to − from`.
    pub ratio: f32,
}

/// A device that finds neighbours and interpolates. Every backend returns the same bits.
pub trait Backend: Send + Sync {
    /// "cpu", "cuda:0".
    fn name(&self) -> &str;

    /// The `k` nearest rows of each query, itself excluded, by (distance, row number).
    ///
    /// `queries` are row numbers of `rows` in any order, repeats allowed; `labels` is `[N]`.
    /// Distances are those of [`exact::squared_distance`](crate::exact::squared_distance), rounded to f32.
    ///
    /// # Errors
    /// Labels that do not match the rows, a query that is no row, `k == 0`, a k for which the result
    /// cannot be addressed.
    fn neighbours(
        &self,
        rows: Rows<'_>,
        labels: &[u32],
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, Error>;

    /// A set of rows made ready for many searches. Each gives what
    /// [`neighbours`](Self::neighbours) gives; what they share is done once.
    fn search<'a>(&'a self, rows: Rows<'a>, labels: &'a [u32]) -> Box<dyn Search + 'a> {
        Box::new(Afresh {
            backend: self,
            rows,
            labels,
        })
    }

    /// A set of rows made ready for many interpolations.
    fn interpolation<'a>(&'a self, rows: Rows<'a>) -> Box<dyn Interpolation + 'a> {
        Box::new(Unprepared {
            backend: self,
            rows,
        })
    }

    /// Makes the rows of `recipe` in `out`, `[M · D]`: `base + ratio · (to − from)` in f32, each
    /// operation rounded.
    ///
    /// # Errors
    /// A recipe that names a row that is not there, an output of another length.
    fn interpolate(&self, rows: Rows<'_>, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error>;
}

/// Searches over one set of rows; see [`Backend::search`].
pub trait Search: Send + Sync {
    /// The `k` nearest rows of each query, as [`Backend::neighbours`] has them.
    ///
    /// # Errors
    /// As there.
    fn neighbours(&self, queries: &[u32], k: usize, classes: Classes) -> Result<Neighbours, Error>;
}

/// Each search begun afresh, for backends that have nothing to make ready.
struct Afresh<'a, B: ?Sized> {
    backend: &'a B,
    rows: Rows<'a>,
    labels: &'a [u32],
}

impl<B: Backend + ?Sized> Search for Afresh<'_, B> {
    fn neighbours(&self, queries: &[u32], k: usize, classes: Classes) -> Result<Neighbours, Error> {
        let (rows, labels) = (self.rows, self.labels);
        self.backend.neighbours(rows, labels, queries, k, classes)
    }
}

/// Interpolations of one set of rows; see [`Backend::interpolation`].
pub trait Interpolation: Send + Sync {
    /// Makes the rows of `recipe`, as [`Backend::interpolate`] has them.
    ///
    /// # Errors
    /// As there.
    fn interpolate(&self, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error>;
}

/// Each interpolation begun afresh.
struct Unprepared<'a, B: ?Sized> {
    backend: &'a B,
    rows: Rows<'a>,
}

impl<B: Backend + ?Sized> Interpolation for Unprepared<'_, B> {
    fn interpolate(&self, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error> {
        self.backend.interpolate(self.rows, recipe, out)
    }
}

/// Refuses queries that cannot be answered; for backends.
///
/// # Errors
/// As [`Backend::neighbours`].
pub fn check_queries(
    rows: Rows<'_>,
    labels: &[u32],
    queries: &[u32],
    k: usize,
) -> Result<(), Error> {
    if k == 0 {
        return Err(Error::ZeroK);
    }
    let fits = |slots: &usize| *slots <= isize::MAX as usize / size_of::<u32>();
    if queries.len().checked_mul(k).filter(fits).is_none() {
        let queries = queries.len();
        return Err(Error::Slots { queries, k });
    }
    let (labels, rows) = (labels.len(), rows.len());
    if labels != rows {
        return Err(Error::Labels { labels, rows });
    }
    match queries.iter().position(|q| *q as usize >= rows) {
        None => Ok(()),
        Some(position) => Err(Error::NoSuchRow {
            what: "query",
            position,
            row: queries[position],
            rows,
        }),
    }
}

/// Refuses a recipe that names rows that are not there, and an output of another length; for backends.
///
/// # Errors
/// As [`Backend::interpolate`].
pub fn check_recipe(rows: Rows<'_>, recipe: &[Recipe], out: &[f32]) -> Result<(), Error> {
    let wanted = recipe.len() * rows.dims();
    if out.len() != wanted {
        let got = out.len();
        return Err(Error::Output { got, wanted });
    }
    let rows = rows.len();
    for (position, r) in recipe.iter().enumerate() {
        for (what, row) in [
            ("base of recipe", r.base),
            ("from of recipe", r.from),
            ("to of recipe", r.to),
        ] {
            if row as usize >= rows {
                return Err(Error::NoSuchRow {
                    what,
                    position,
                    row,
                    rows,
                });
            }
        }
    }
    Ok(())
}
