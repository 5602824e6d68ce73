//! The rows that a plugin oversamples, as a safe view.

use crate::abi;
use crate::error::Error;
use std::ops::Range;

/// Labelled rows `[N, D]` and how many rows each class wants, borrowed for one call.
///
/// The host has checked it: every value is finite, every label below the number of classes, and
/// no class without rows wants any.
#[derive(Clone, Copy, Debug)]
pub struct Dataset<'a> {
    rows: &'a [f32],
    dims: usize,
    labels: &'a [u32],
    wanted: &'a [u64],
    seed: u64,
}

impl<'a> Dataset<'a> {
    /// Reads the host's table.
    ///
    /// # Safety
    /// `table` is null or a table whose pointers hold for `'a` what [`abi::Dataset`] promises.
    pub(crate) unsafe fn read(table: *const abi::Dataset) -> Result<Self, Error> {
        // SAFETY: a table starts with a header, by the caller's promise.
        let fits = unsafe { table.cast::<abi::Header>().as_ref() };
        if !fits.is_some_and(|h| h.fits(abi::size::DATASET)) {
            return Err(Error::failed("the host's dataset has another layout"));
        }
        // SAFETY: the header says that the table reaches as far as version 1.0 does.
        let table = unsafe { &*table };
        let too_large = || Error::failed("the host's dataset is larger than this process can see");
        let len = usize::try_from(table.len).map_err(|_| too_large())?;
        let dims = usize::try_from(table.dims).map_err(|_| too_large())?;
        let values = len.checked_mul(dims).ok_or_else(too_large)?;
        // SAFETY: the host promises these lengths for the whole call.
        unsafe {
            Ok(Self {
                rows: slice(table.rows, values)?,
                dims,
                labels: slice(table.labels, len)?,
                wanted: slice(table.wanted, table.classes as usize)?,
                seed: table.seed,
            })
        }
    }

    /// N, the number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// D, values in a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// C, the number of classes.
    pub fn classes(&self) -> usize {
        self.wanted.len()
    }

    /// All values, `[N, D]` row-major.
    pub fn rows(&self) -> &'a [f32] {
        self.rows
    }

    /// Row `i`, `[D]`. Panics where `i` is not below [`len`](Self::len).
    pub fn row(&self, i: u32) -> &'a [f32] {
        &self.rows[i as usize * self.dims..][..self.dims]
    }

    /// Class of each row, `[N]`.
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// Rows to add to each class, `[C]`.
    pub fn wanted(&self) -> &'a [u64] {
        self.wanted
    }

    /// Each class that wants rows, and how many.
    pub fn wanting(&self) -> impl Iterator<Item = (u32, u64)> + use<'a> {
        let all = self.wanted.iter().enumerate();
        all.filter(|(_, wanted)| **wanted > 0)
            .map(|(class, wanted)| (class as u32, *wanted))
    }

    /// The seed of the run. [`Host::rng`](crate::Host::rng) is keyed by it already.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The rows of each class, in rising order.
    pub fn members(&self) -> Members {
        let mut end = vec![0usize; self.classes()];
        for &label in self.labels {
            end[label as usize] += 1;
        }
        let mut sum = 0;
        for e in &mut end {
            sum += std::mem::replace(e, sum);
        }
        let mut rows = vec![0; self.len()];
        for (row, &label) in self.labels.iter().enumerate() {
            let slot = &mut end[label as usize];
            rows[*slot] = row as u32;
            *slot += 1;
        }
        Members { rows, end }
    }
}

/// Row numbers by class; of [`Dataset::members`].
#[derive(Clone, Debug)]
pub struct Members {
    rows: Vec<u32>,
    /// `end[c]` is one past the last of class c in `rows`.
    end: Vec<usize>,
}

impl Members {
    /// Rows of class `class`, rising. Panics where there is no such class.
    pub fn of(&self, class: u32) -> &[u32] {
        let class = class as usize;
        let range: Range<usize> = class.checked_sub(1).map_or(0, |c| self.end[c])..self.end[class];
        &self.rows[range]
    }
}

/// # Safety
/// `len` values from `ptr` are readable and unchanged for `'a`, unless `ptr` is null.
unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> Result<&'a [T], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() || !ptr.is_aligned() {
        return Err(Error::failed(
            "the host's dataset has a column that is missing",
        ));
    }
    // SAFETY: neither null nor unaligned; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset<'a>(rows: &'a [f32], labels: &'a [u32], wanted: &'a [u64]) -> abi::Dataset {
        abi::Dataset {
            header: abi::Header::of::<abi::Dataset>(),
            len: labels.len() as u64,
            dims: 2,
            classes: wanted.len() as u32,
            reserved: 0,
            rows: rows.as_ptr(),
            labels: labels.as_ptr(),
            wanted: wanted.as_ptr(),
            seed: 9,
        }
    }

    #[test]
    fn members_are_grouped_by_class_in_rising_order() {
        let (rows, labels, wanted) = ([0.0; 10], [2, 0, 2, 3, 0], [1, 5, 0, 2]);
        let table = dataset(&rows, &labels, &wanted);
        // SAFETY: the table's columns live as long as this test.
        let data = unsafe { Dataset::read(&table) }.unwrap();
        let members = data.members();
        let all: Vec<&[u32]> = (0..4).map(|c| members.of(c)).collect();
        assert_eq!(all, [&[1, 4][..], &[], &[0, 2], &[3]]);
        assert_eq!(data.wanting().collect::<Vec<_>>(), [(0, 1), (1, 5), (3, 2)]);
        assert_eq!((data.len(), data.dims()), (5, 2));
    }

    #[test]
    fn a_table_of_another_version_is_not_read() {
        let (rows, labels, wanted) = ([0.0; 2], [0], [1]);
        for spoil in [
            |t: &mut abi::Dataset| t.header.magic ^= 1,
            |t: &mut abi::Dataset| t.header.major += 1,
            |t: &mut abi::Dataset| t.header.size -= 8,
            |t: &mut abi::Dataset| t.rows = std::ptr::null(),
        ] {
            let mut table = dataset(&rows, &labels, &wanted);
            spoil(&mut table);
            // SAFETY: what is not spoiled lives as long as this test.
            assert!(unsafe { Dataset::read(&table) }.is_err());
        }
        // SAFETY: null is allowed.
        assert!(unsafe { Dataset::read(std::ptr::null()) }.is_err());
    }
}
