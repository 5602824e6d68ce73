//! Labelled rows: checked, with the labels' own values kept.

use crate::{
    Labels,
    error::{DataError, Fault},
    image_set::class_counts,
};

/// N finite rows of D values with a class each; the form in which embeddings go through the program.
///
/// ```
/// use eos_data::{Embeddings, Labels};
/// let two = Embeddings::new(vec![0.0, 1.0, 2.0, 3.0], 2, vec![1, 0], Labels::indices(2))?;
/// assert_eq!((two.len(), two.dims()), (2, 2));
/// assert!(Embeddings::new(vec![f32::NAN], 1, vec![0], Labels::indices(1)).is_err());
/// # Ok::<(), eos_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    rows: Vec<f32>,
    dims: usize,
    labels: Vec<u32>,
    label_values: Labels,
    narrowed: bool,
}

impl Embeddings {
    /// Checked rows `[N, dims]` with the class of each; `label_values` says what each class is called.
    ///
    /// # Errors
    /// [`DataError::Shape`] where lengths disagree or there is no row; [`DataError::Value`] for NaN
    /// or infinity, by row and column, and for a label without a class.
    pub fn new(
        rows: Vec<f32>,
        dims: usize,
        labels: Vec<u32>,
        label_values: Labels,
    ) -> Result<Self, DataError> {
        let fault = |field: String| Fault::argument("embeddings", field);
        let count = labels.len();
        if dims == 0 || count == 0 || labels.len() >= u32::MAX as usize {
            return Err(fault("shape".into())
                .got(format!("{count} rows of {dims} values"))
                .wanted("at least one of each and fewer than 2³² − 1 rows")
                .next("check what was selected")
                .shape());
        }
        if rows.len() / dims != count || !rows.len().is_multiple_of(dims) {
            return Err(fault("rows".into())
                .got(format!("{} values", rows.len()))
                .wanted(format!("{count} rows of {dims}, one for each label"))
                .next("give one label a row")
                .shape());
        }
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            return Err(fault(format!("row {}, column {}", at / dims, at % dims))
                .got(rows[at].to_string())
                .wanted("a finite value")
                .next("clean the embeddings first")
                .value());
        }
        let classes = label_values.classes();
        if let Some(row) = labels.iter().position(|label| *label as usize >= classes) {
            return Err(fault(format!("label of row {row}"))
                .got(labels[row].to_string())
                .wanted(format!("a class index below {classes}"))
                .next("correct the label or name every class")
                .value());
        }
        Ok(Self {
            rows,
            dims,
            labels,
            label_values,
            narrowed: false,
        })
    }

    /// All values, `[N, D]` row-major.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// D, values in a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Class index of each row, `[N]`.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// What the classes are in the user's own values.
    pub fn label_values(&self) -> &Labels {
        &self.label_values
    }

    /// Whether the rows were f64 in the file and are rounded to f32 here.
    pub fn narrowed(&self) -> bool {
        self.narrowed
    }

    /// N, at least 1.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true: there is at least one row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows of each class, `[classes]`.
    pub fn class_counts(&self) -> Vec<usize> {
        class_counts(&self.labels, self.label_values.classes())
    }

    /// The same rows with the class indices of `values`, matched by name: a test set in the classes
    /// of its training set.
    ///
    /// # Errors
    /// [`DataError::Value`] for a class that `values` does not have.
    pub fn relabel(mut self, values: &Labels) -> Result<Self, DataError> {
        let class = self.label_values.onto(values)?;
        for label in &mut self.labels {
            *label = class[*label as usize];
        }
        self.label_values = values.clone();
        Ok(self)
    }

    pub(crate) fn with_narrowed(mut self, narrowed: bool) -> Self {
        self.narrowed = narrowed;
        self
    }
}
