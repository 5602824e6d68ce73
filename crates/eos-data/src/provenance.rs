//! Where each synthetic row of a balanced set came from.

use crate::{
    embeddings_write::announced,
    npy::sink::{Announced, ArraySink, write_items},
};
use eos_tensor::Recipe;
use std::io;

/// How the M synthetic rows came about, in the rows' order.
#[derive(Debug, Clone, Copy)]
pub enum Provenance<'a> {
    /// By a recipe each.
    Recipes(&'a [Recipe]),
    /// Otherwise: only the class index of each is known. Row numbers are written as −1, ratios as
    /// NaN.
    Labels(&'a [u32]),
}

impl Provenance<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Recipes(recipes) => recipes.len(),
            Self::Labels(labels) => labels.len(),
        }
    }

    pub(crate) fn label(&self, row: usize) -> u32 {
        match self {
            Self::Recipes(recipes) => recipes[row].label,
            Self::Labels(labels) => labels[row],
        }
    }

    fn number(&self, row: usize, of: fn(&Recipe) -> u32) -> i64 {
        match self {
            Self::Recipes(recipes) => i64::from(of(&recipes[row])),
            Self::Labels(_) => -1,
        }
    }

    fn ratio(&self, row: usize) -> f32 {
        match self {
            Self::Recipes(recipes) => recipes[row].ratio,
            Self::Labels(_) => f32::NAN,
        }
    }
}

/// A column of the provenance.
#[derive(Clone, Copy)]
enum Column {
    Base,
    From,
    Neighbour,
    Ratio,
}

impl Column {
    const ALL: [Self; 4] = [Self::Base, Self::From, Self::Neighbour, Self::Ratio];

    fn array(self, rows: u64) -> io::Result<Announced> {
        match self {
            Self::Base => announced("base", "<i8", 8, &[rows]),
            Self::From => announced("from", "<i8", 8, &[rows]),
            Self::Neighbour => announced("neighbour", "<i8", 8, &[rows]),
            Self::Ratio => announced("ratio", "<f4", 4, &[rows]),
        }
    }

    fn put(self, sink: &mut impl ArraySink, provenance: &Provenance<'_>) -> io::Result<()> {
        let rows = provenance.len();
        sink.begin(&self.array(rows as u64)?)?;
        let number = |row, of| provenance.number(row, of).to_le_bytes();
        match self {
            Self::Base => write_items(sink, rows, |row| number(row, |r| r.base))?,
            Self::From => write_items(sink, rows, |row| number(row, |r| r.from))?,
            Self::Neighbour => write_items(sink, rows, |row| number(row, |r| r.to))?,
            Self::Ratio => write_items(sink, rows, |row| provenance.ratio(row).to_le_bytes())?,
        }
        sink.end()
    }
}

/// The columns' arrays for so many synthetic rows.
pub(crate) fn arrays(rows: u64) -> io::Result<Vec<Announced>> {
    Column::ALL
        .map(|column| column.array(rows))
        .into_iter()
        .collect()
}

/// Writes the columns, one after the other.
pub(crate) fn put_provenance(
    sink: &mut impl ArraySink,
    provenance: &Provenance<'_>,
) -> io::Result<()> {
    let mut columns = Column::ALL.into_iter();
    columns.try_for_each(|column| column.put(sink, provenance))
}
