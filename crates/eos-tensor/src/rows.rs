//! A checked view of dense rows.

use crate::Error;
use rayon::prelude::*;

/// `[N, D]` f32 values, row-major, all finite, N below 2³² − 1.
///
/// ```
/// use eos_tensor::Rows;
/// let rows = Rows::new(&[0.0, 1.0, 2.0, 3.0], 2)?;
/// assert_eq!((rows.len(), rows.dims()), (2, 2));
/// assert_eq!(rows.row(1), [2.0, 3.0]);
/// # Ok::<(), eos_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    data: &'a [f32],
    dims: usize,
}

impl<'a> Rows<'a> {
    /// Checks `data` as rows of `dims` values each.
    ///
    /// # Errors
    /// [`Error::Shape`] where the values do not make whole rows, [`Error::TooManyRows`], and
    /// [`Error::NotFinite`] naming the first NaN or infinity.
    pub fn new(data: &'a [f32], dims: usize) -> Result<Self, Error> {
        if dims == 0 || !data.len().is_multiple_of(dims) {
            let values = data.len();
            return Err(Error::Shape { values, dims });
        }
        let rows = data.len() / dims;
        if rows >= u32::MAX as usize {
            return Err(Error::TooManyRows { rows });
        }
        if let Some(at) = not_finite(data) {
            let (row, column, value) = (at / dims, at % dims, data[at]);
            return Err(Error::NotFinite { row, column, value });
        }
        Ok(Self { data, dims })
    }

    /// Number of rows, N.
    pub fn len(self) -> usize {
        self.data.len() / self.dims
    }

    /// Whether there is no row.
    pub fn is_empty(self) -> bool {
        self.data.is_empty()
    }

    /// Values in a row, D.
    pub fn dims(self) -> usize {
        self.dims
    }

    /// Row `i`, `[D]`. Panics where `i` is not below [`len`](Self::len).
    pub fn row(self, i: usize) -> &'a [f32] {
        &self.data[i * self.dims..][..self.dims]
    }

    /// All values, `[N · D]`.
    pub fn data(self) -> &'a [f32] {
        self.data
    }
}

/// Values looked at together, without a branch on each.
const PORTION: usize = 1 << 10;
/// Portions that are worth a thread.
const SHARE: usize = 64 * PORTION;

/// Where the first NaN or infinity is.
pub(crate) fn not_finite(values: &[f32]) -> Option<usize> {
    let portions = values.chunks(PORTION).enumerate();
    let spoilt = |(_, portion): &(usize, &[f32])| {
        let spoilt = portion.iter().map(|value| u32::from(!value.is_finite()));
        spoilt.fold(0, |any, one| any | one) != 0
    };
    let (number, portion) = portions.into_iter().find(spoilt)?;
    let at = portion.iter().position(|value| !value.is_finite())?;
    Some(number * PORTION + at)
}

/// Where the first NaN or infinity is, looked for on the current rayon pool.
///
/// ```
/// assert_eq!(eos_tensor::first_not_finite(&[0.0, f32::NAN, f32::INFINITY]), Some(1));
/// assert_eq!(eos_tensor::first_not_finite(&[f32::MAX, -0.0]), None);
/// ```
pub fn first_not_finite(values: &[f32]) -> Option<usize> {
    let shares = values.par_chunks(SHARE).enumerate();
    let find = |(share, values)| not_finite(values).map(|at| share * SHARE + at);
    shares.filter_map(find).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_that_is_not_finite_is_found_wherever_it_is() {
        let mut values = vec![1.0; 3 * SHARE + 5];
        assert_eq!(first_not_finite(&values), None);
        for at in [3 * SHARE + 4, 2 * SHARE, PORTION, PORTION - 1, 0] {
            values[at] = f32::NEG_INFINITY;
            assert_eq!(
                [first_not_finite(&values), not_finite(&values)],
                [Some(at); 2]
            );
        }
    }

    #[test]
    fn what_is_not_rows_is_refused() {
        let values = [1.0, 2.0, f32::NAN, 4.0];
        let told = |dims| Rows::new(&values, dims).unwrap_err().to_string();
        assert!(told(2).starts_with("row 1, column 0 holds NaN"));
        assert!(told(3).starts_with("4 values do not make rows of 3"));
        assert!(told(0).starts_with("4 values do not make rows of 0"));
        assert!(Rows::new(&[], 7).unwrap().is_empty());
    }
}
