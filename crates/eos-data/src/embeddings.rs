//! Labelled rows: checked, with the labels' own values kept.

use crate::{
    Labels,
    error::{DataError, Fault},
    image_set::class_counts,
    shared_rows::{SharedRows, Values},
};
use eos_tensor::{Error, Rows};

/// N finite rows of D values with a class each; the form in which embeddings go through the program.
///
/// The rows may lie in place in a file, see [`read_embeddings`](crate::read_embeddings); a clone
/// shares them.
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
    rows: SharedRows,
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
        Self::checked(Values::Owned(rows), dims, labels, label_values, |at| {
            Fault::argument("embeddings", at)
                .wanted("a finite value")
                .next("clean the embeddings first")
        })
    }

    /// The same from values in memory or in a file; `unusable` begins the fault of a value that is
    /// not finite, at this row and column.
    pub(crate) fn checked(
        values: Values,
        dims: usize,
        labels: Vec<u32>,
        label_values: Labels,
        unusable: impl FnOnce(String) -> Fault,
    ) -> Result<Self, DataError> {
        let fault = |field: &str| Fault::argument("embeddings", field);
        let (count, len) = (labels.len(), values.len());
        if dims == 0 || count == 0 || count >= u32::MAX as usize {
            return Err(fault("shape")
                .got(format!("{count} rows of {dims} values"))
                .wanted("at least one of each and fewer than 2³² − 1 rows")
                .next("check what was selected")
                .shape());
        }
        if len / dims != count || !len.is_multiple_of(dims) {
            return Err(fault("rows")
                .got(format!("{len} values"))
                .wanted(format!("{count} rows of {dims}, one for each label"))
                .next("give one label a row")
                .shape());
        }
        let rows = SharedRows::new(values, dims).map_err(|error| match error {
            Error::NotFinite { row, column, value } => {
                let at = format!("row {row}, column {column}");
                unusable(at).got(value.to_string()).value()
            }
            other => fault("rows").got(other.to_string()).shape(),
        })?;
        let classes = label_values.classes();
        if let Some(row) = labels.iter().position(|label| *label as usize >= classes) {
            return Err(fault(&format!("label of row {row}"))
                .got(labels[row].to_string())
                .wanted(format!("a class index below {classes}"))
                .next("correct the label or name every class")
                .value());
        }
        Ok(Self {
            rows,
            labels,
            label_values,
            narrowed: false,
        })
    }

    /// All values, `[N, D]` row-major.
    pub fn rows(&self) -> &[f32] {
        self.as_rows().data()
    }

    /// The rows as they were checked, `[N, D]`.
    pub fn as_rows(&self) -> Rows<'_> {
        self.rows.view()
    }

    /// Whether the rows lie in place in a mapped file rather than in memory.
    pub fn is_mapped(&self) -> bool {
        self.rows.is_mapped()
    }

    /// D, values in a row.
    pub fn dims(&self) -> usize {
        self.as_rows().dims()
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
