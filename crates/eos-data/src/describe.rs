//! What a path holds, found out from its content: for `eos data info`.

use crate::{
    Embeddings, Format, ImageSet, ImageShape, Normalization, ReadOptions,
    error::DataError,
    npy::bytes::Bytes,
    read::{arrays, read_images},
    read_embeddings,
};
use serde::Serialize;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Format, shape and classes of labelled data, all of which has been read and checked.
///
/// Displayed as a plain table of several lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// The path that was described.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// What a row is.
    pub content: Content,
    /// Images or embeddings in all.
    pub rows: usize,
    /// The classes in the order of their indices.
    pub classes: Vec<ClassCount>,
}

/// What the rows of a set are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Content {
    /// Images of one shape.
    Images {
        /// Shape of each.
        shape: ImageShape,
        /// Mean and deviation of each channel, measured on these images.
        normalization: Normalization,
    },
    /// Rows of numbers.
    Embeddings {
        /// Values in a row.
        dims: usize,
        /// NumPy's name of the labels' type.
        labels: String,
        /// Whether the rows are f64 and are rounded to f32 when read.
        narrowed: bool,
    },
}

/// A class and how many rows it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// The class's name.
    pub name: String,
    /// Its rows, zero for a class that is only named.
    pub rows: usize,
}

/// Reads the part of `path` that `options` name, and says what is in it.
///
/// npy and npz hold images where their array is of bytes in three or four dimensions, else
/// embeddings.
///
/// # Errors
/// As [`read_images`] and [`read_embeddings`].
pub fn describe(path: &Path, options: &ReadOptions) -> Result<Description, DataError> {
    let format = match options.format {
        Some(format) => format,
        None => Format::guess(path)?,
    };
    let embeddings = match format {
        Format::Npy | Format::Npz => !arrays::hold_images(path, &Bytes::load(path)?, options)?,
        _ => false,
    };
    if embeddings {
        let read = read_embeddings(path, options.labels.as_deref())?;
        return Ok(Description::of_embeddings(path, format, &read));
    }
    let options = ReadOptions {
        format: Some(format),
        ..options.clone()
    };
    let set = read_images(path, &options)?;
    Ok(Description::of_images(path, format, &set))
}

impl Description {
    fn of_images(path: &Path, format: Format, set: &ImageSet) -> Self {
        let content = Content::Images {
            shape: set.shape(),
            normalization: Normalization::measure(set),
        };
        let classes = counts(set.classes(), set.class_counts());
        Self::new(path, format, content, set.len(), classes)
    }

    fn of_embeddings(path: &Path, format: Format, set: &Embeddings) -> Self {
        let content = Content::Embeddings {
            dims: set.dims(),
            labels: set.label_values().dtype().to_owned(),
            narrowed: set.narrowed(),
        };
        let classes = counts(set.label_values().names(), set.class_counts());
        Self::new(path, format, content, set.len(), classes)
    }

    fn new(
        path: &Path,
        format: Format,
        content: Content,
        rows: usize,
        classes: Vec<ClassCount>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            format,
            content,
            rows,
            classes,
        }
    }

    /// Rows of the largest class over those of the smallest that has any.
    pub fn ratio(&self) -> f64 {
        let rows = self
            .classes
            .iter()
            .map(|class| class.rows)
            .filter(|rows| *rows > 0);
        let largest = rows.clone().max().unwrap_or(1);
        let smallest = rows.min().unwrap_or(1);
        largest as f64 / smallest as f64
    }
}

fn counts(names: &[String], rows: Vec<usize>) -> Vec<ClassCount> {
    let pairs = names.iter().cloned().zip(rows);
    pairs
        .map(|(name, rows)| ClassCount { name, rows })
        .collect()
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "path      {}", self.path.display())?;
        writeln!(f, "format    {}", self.format)?;
        match &self.content {
            Content::Images {
                shape,
                normalization,
            } => {
                writeln!(
                    f,
                    "images    {} of {shape} (channels × height × width)",
                    self.rows
                )?;
                writeln!(f, "mean      {:.4?}", normalization.mean)?;
                writeln!(f, "deviation {:.4?}", normalization.deviation)?;
            }
            Content::Embeddings {
                dims,
                labels,
                narrowed,
            } => {
                writeln!(f, "rows      {} of {dims} values", self.rows)?;
                let stored = if *narrowed {
                    "float64, rounded to float32 when read"
                } else {
                    "float32"
                };
                writeln!(f, "values    {stored}")?;
                writeln!(f, "labels    {labels}")?;
            }
        }
        writeln!(
            f,
            "classes   {}, largest : smallest = {:.1}",
            self.classes.len(),
            self.ratio()
        )?;
        let width = self
            .classes
            .iter()
            .map(|class| class.name.chars().count())
            .max();
        let width = width.unwrap_or(0);
        for class in &self.classes {
            let missing = if class.rows == 0 { "  no rows" } else { "" };
            writeln!(f, "  {:width$}  {:>8}{missing}", class.name, class.rows)?;
        }
        Ok(())
    }
}
