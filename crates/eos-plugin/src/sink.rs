//! Where a plugin puts what it makes: memory of the host.

use crate::abi::{self, Recipe};
use crate::error::Error;
use crate::host::Host;
use crate::service::{Draw, Sample};

/// Samples drawn between two reports of progress: some tenths of a millisecond.
const SAMPLES_A_REPORT: u64 = 1 << 14;
/// Samples that one thread makes at a time.
const SAMPLES_A_PORTION: u64 = 1 << 9;
/// Portions held at once: what bounds the memory, and how far apart reports of progress are.
const PORTIONS: u64 = 1 << 7;

/// Which of the two forms a plugin's result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// [`Sink::push`]: recipes, from which the host makes the rows on its device.
    Recipes,
    /// [`Sink::push_row`]: finished rows, for methods that make new points.
    Rows,
}

/// Takes the synthetic rows, in any order; the host puts them class by class.
#[derive(Debug)]
pub struct Sink<'a> {
    out: &'a mut abi::Output,
    mode: Mode,
    dims: usize,
}

impl<'a> Sink<'a> {
    /// Opens the host's table.
    ///
    /// # Safety
    /// `table` is null or a table whose columns are writable for `'a` as [`abi::Output`] promises.
    pub(crate) unsafe fn open(
        table: *mut abi::Output,
        mode: Mode,
        dims: usize,
    ) -> Result<Self, Error> {
        // SAFETY: a table starts with a header, by the caller's promise.
        let fits = unsafe { table.cast::<abi::Header>().as_ref() };
        if !fits.is_some_and(|h| h.fits(abi::size::OUTPUT)) {
            return Err(Error::failed("the host's output has another layout"));
        }
        // SAFETY: the header says that the table reaches as far as version 1.0 does.
        let out = unsafe { &mut *table };
        let missing = match mode {
            Mode::Recipes => out.recipes.is_null(),
            Mode::Rows => out.labels.is_null() || out.rows.is_null(),
        };
        if missing && out.capacity > 0 {
            return Err(Error::failed(
                "the host's output lacks the columns of this mode",
            ));
        }
        out.written = 0;
        Ok(Self { out, mode, dims })
    }

    /// Rows that there is still room for.
    pub fn room(&self) -> u64 {
        self.out.capacity - self.out.written
    }

    /// Appends the row `base + ratio · (to − from)`, in [`Mode::Recipes`].
    ///
    /// # Errors
    /// Where there is no room left, or the plugin's mode is the other one.
    pub fn push(&mut self, recipe: Recipe) -> Result<(), Error> {
        let i = self.next(Mode::Recipes)?;
        // SAFETY: i is below the capacity, for which the host has allocated this column.
        unsafe { self.out.recipes.add(i).write(recipe) };
        self.out.written += 1;
        Ok(())
    }

    /// Appends `wanted` rows of class `label`, each by the recipe that `recipe` makes of its
    /// sample's [`Draw`]. Reports progress, and stops where the host says so.
    ///
    /// # Errors
    /// Those of [`push`](Self::push), of [`Host::rng`] and of [`Host::progress`].
    pub fn draw(
        &mut self,
        host: &Host<'_>,
        label: u32,
        wanted: u64,
        recipe: impl Fn(Draw) -> Recipe,
    ) -> Result<(), Error> {
        let rng = host.rng()?;
        for i in 0..wanted {
            if i % SAMPLES_A_REPORT == 0 {
                host.progress(self.out.written, self.out.capacity)?;
            }
            self.push(recipe(rng.draw(label, i)))?;
        }
        Ok(())
    }

    /// Appends `wanted` rows of class `label`, each by the recipe that `recipe` makes of its
    /// [`Sample`], on all the threads that the host allows: for methods that look at rows.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn draw_parallel(
        &mut self,
        host: &Host<'_>,
        label: u32,
        wanted: u64,
        recipe: impl Fn(Sample<'_>) -> Recipe + Sync,
    ) -> Result<(), Error> {
        let rng = host.rng()?;
        let make = |i, made: &mut Vec<Recipe>| made.push(recipe(rng.sample(label, i)));
        self.in_portions(host, wanted, make, |sink, made| {
            made.into_iter().try_for_each(|recipe| sink.push(recipe))
        })
    }

    /// Appends `wanted` finished rows of class `label`: `row` adds the D values of its [`Sample`]
    /// to what it is given. On all the threads that the host allows.
    ///
    /// # Errors
    /// As [`draw`](Self::draw), and as [`push_row`](Self::push_row); a row that left the range of
    /// f32.
    pub fn draw_rows(
        &mut self,
        host: &Host<'_>,
        label: u32,
        wanted: u64,
        row: impl Fn(Sample<'_>, &mut Vec<f32>) + Sync,
    ) -> Result<(), Error> {
        let rng = host.rng()?;
        let make = |i, made: &mut Vec<f32>| row(rng.sample(label, i), made);
        let dims = self.dims;
        self.in_portions(host, wanted, make, |sink, made| {
            made.chunks(dims.max(1)).try_for_each(|row| {
                finite(label, row)?;
                sink.push_row(label, row)
            })
        })
    }

    /// Makes samples `0..wanted` portion by portion and hands each portion on, in order.
    fn in_portions<T: Send>(
        &mut self,
        host: &Host<'_>,
        wanted: u64,
        make: impl Fn(u64, &mut Vec<T>) + Sync,
        mut keep: impl FnMut(&mut Self, Vec<T>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let step = SAMPLES_A_PORTION * PORTIONS;
        let mut start = 0;
        while start < wanted {
            host.progress(self.out.written, self.out.capacity)?;
            let end = wanted.min(start.saturating_add(step));
            let portions = (end - start).div_ceil(SAMPLES_A_PORTION) as usize;
            let made = host.parallel(portions, |p| {
                let first = start + p as u64 * SAMPLES_A_PORTION;
                let mut made = Vec::new();
                (first..end.min(first + SAMPLES_A_PORTION)).for_each(|i| make(i, &mut made));
                Ok(made)
            })?;
            made.into_iter()
                .try_for_each(|portion| keep(self, portion))?;
            start = end;
        }
        Ok(())
    }

    /// Appends a finished row `[D]`, in [`Mode::Rows`].
    ///
    /// # Errors
    /// Where there is no room left, the row has another length than D, or the plugin's mode is
    /// the other one.
    pub fn push_row(&mut self, label: u32, row: &[f32]) -> Result<(), Error> {
        let i = self.next(Mode::Rows)?;
        if row.len() != self.dims {
            let (got, dims) = (row.len(), self.dims);
            return Err(Error::failed(format_args!(
                "pushed a row of {got} values; it has {dims}"
            )));
        }
        // SAFETY: i is below the capacity, for which the host has allocated both columns, and the
        // row has the D values of one of its rows.
        unsafe {
            self.out.labels.add(i).write(label);
            self.out
                .rows
                .add(i * self.dims)
                .copy_from_nonoverlapping(row.as_ptr(), self.dims);
        }
        self.out.written += 1;
        Ok(())
    }

    fn next(&self, mode: Mode) -> Result<usize, Error> {
        if mode != self.mode {
            let (got, wanted) = (mode, self.mode);
            return Err(Error::failed(format_args!(
                "pushed {got:?}, its MODE is {wanted:?}"
            )));
        }
        if self.room() == 0 {
            let capacity = self.out.capacity;
            return Err(Error::failed(format_args!(
                "pushed more than the {capacity} rows wanted"
            )));
        }
        Ok(self.out.written as usize)
    }
}

/// Refuses a row that the method's arithmetic drove out of f32, in words for users.
fn finite(label: u32, row: &[f32]) -> Result<(), Error> {
    match row.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(column) => Err(Error::failed(format_args!(
            "a new row of class {label} has {} in column {column}: these rows are too far apart \
             for f32; scale the embeddings down",
            row[column]
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: Mode, work: impl FnOnce(&mut Sink<'_>) -> Result<(), Error>) -> (String, u64) {
        let (mut recipes, mut labels, mut rows) = (
            [Recipe {
                label: 0,
                base: 0,
                from: 0,
                to: 0,
                ratio: 0.0,
            }; 2],
            [0; 2],
            [0.0; 6],
        );
        let mut out = abi::Output {
            header: abi::Header::of::<abi::Output>(),
            capacity: 2,
            written: 77,
            recipes: recipes.as_mut_ptr(),
            labels: labels.as_mut_ptr(),
            rows: rows.as_mut_ptr(),
        };
        // SAFETY: the columns hold two rows of three values and live as long as the sink.
        let mut sink = unsafe { Sink::open(&mut out, mode, 3) }.unwrap();
        let said = work(&mut sink)
            .err()
            .map_or(String::new(), |e| e.to_string());
        (said, out.written)
    }

    const RECIPE: Recipe = Recipe {
        label: 1,
        base: 2,
        from: 3,
        to: 4,
        ratio: 0.5,
    };

    #[test]
    fn what_does_not_fit_is_refused_and_not_written() {
        let fill = |s: &mut Sink<'_>| (0..3).try_for_each(|_| s.push(RECIPE));
        assert_eq!(
            check(Mode::Recipes, fill),
            ("pushed more than the 2 rows wanted".into(), 2)
        );
        let other = |s: &mut Sink<'_>| s.push(RECIPE);
        assert_eq!(
            check(Mode::Rows, other),
            ("pushed Recipes, its MODE is Rows".into(), 0)
        );
        let short = |s: &mut Sink<'_>| s.push_row(0, &[1.0, 2.0]);
        assert_eq!(
            check(Mode::Rows, short),
            ("pushed a row of 2 values; it has 3".into(), 0)
        );
        let far = finite(7, &[1.0, f32::INFINITY]).unwrap_err().to_string();
        assert!(
            far.starts_with("a new row of class 7 has inf in column 1"),
            "{far}"
        );
        let fits = |s: &mut Sink<'_>| s.push_row(0, &[1.0, 2.0, 3.0]);
        assert_eq!(check(Mode::Rows, fits), (String::new(), 1));
    }
}
