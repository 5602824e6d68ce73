//! What a plugin is asked for, checked before the plugin hears of it.

use crate::error::Error;
use eos_tensor::Rows;

/// What to oversample.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `[N, D]`.
    pub rows: Rows<'a>,
    /// Class of each row, `[N]`, below the number of classes.
    pub labels: &'a [u32],
    /// Rows to add to each class, `[C]`; it gives the number of classes.
    pub wanted: &'a [u64],
    /// Of everything random.
    pub seed: u64,
    /// The run's parameters, over the registry's and the plugin's defaults.
    pub params: &'a toml::Table,
}

impl Request<'_> {
    /// Refuses what cannot be answered; returns the rows wanted in all.
    pub(crate) fn check(&self) -> Result<usize, Error> {
        let counts = self.count()?;
        let lacking = |(&count, &wanted): (&u64, &u64)| count == 0 && wanted > 0;
        if let Some(class) = counts.iter().zip(self.wanted).position(lacking) {
            let wanted = self.wanted[class];
            return Err(Error::Request(format!(
                "class {class} has no rows, and {wanted} are wanted: there is nothing to make \
                 them from; want 0 of it"
            )));
        }
        let total: u128 = self.wanted.iter().map(|&wanted| u128::from(wanted)).sum();
        let total = usize::try_from(total).map_err(|_| self.too_large(total))?;
        match total.checked_mul(4 * self.rows.dims()) {
            Some(bytes) if isize::try_from(bytes).is_ok() => Ok(total),
            _ => Err(self.too_large(total as u128)),
        }
    }

    /// Rows of each class.
    fn count(&self) -> Result<Vec<u64>, Error> {
        let (labels, rows, classes) = (self.labels.len(), self.rows.len(), self.wanted.len());
        if labels != rows {
            return Err(Error::Request(format!(
                "{labels} labels for {rows} rows; give one label a row"
            )));
        }
        // Streams of random numbers from 2³¹ up are not for classes.
        if classes >= 1 << 31 {
            return Err(Error::Request(format!(
                "{classes} classes are too many; there may be 2147483647"
            )));
        }
        let mut counts = vec![0; classes];
        for (row, &label) in self.labels.iter().enumerate() {
            let Some(count) = counts.get_mut(label as usize) else {
                return Err(Error::Request(format!(
                    "row {row} has label {label}, but there are {classes} classes; labels count \
                     from 0"
                )));
            };
            *count += 1;
        }
        Ok(counts)
    }

    /// The refusal of a result of `rows` rows, which memory does not hold.
    pub(crate) fn too_large(&self, rows: u128) -> Error {
        Error::memory(rows, self.rows.dims())
    }
}
