//! How the first pass stores a row: centred, scaled, and in words of 4 bytes.

use super::{SimdPath, bound::Bound, kernel::WIDTH};
use crate::Rows;
use rayon::prelude::*;

/// What a word holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One f32.
    Floats,
    /// Two i16, the second zero where D is odd and the word the last.
    Pairs,
}

/// The format of one set of rows.
pub(super) struct Format<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) form: Form,
    /// What a limit needs to know.
    pub(super) bound: Bound,
    mean: Vec<f64>,
    path: SimdPath,
}

/// Rows of a part when all are summed. Fixed, so that sums do not depend on the threads.
const PART: usize = 1024;
/// The greatest norm of a row in the units of [`Form::Pairs`]: each value rounds to an i16, and sums of
/// one product and half a square stay below 2³¹.
const LONGEST: f64 = 32_766.0;

impl<'a> Format<'a> {
    /// `path` must be available.
    pub(super) fn new(rows: Rows<'a>, form: Form, path: SimdPath) -> Self {
        let mean = mean(rows);
        let bound = match form {
            Form::Floats => Bound::floats(rows.dims(), unit_scale(rows, &mean)),
            Form::Pairs => Bound::pairs(rows.dims(), norm_scale(rows, &mean)),
        };
        Self {
            rows,
            form,
            bound,
            mean,
            path,
        }
    }

    /// Words of a row.
    pub(super) fn words(&self) -> usize {
        match self.form {
            Form::Floats => self.rows.dims(),
            Form::Pairs => self.rows.dims().div_ceil(2),
        }
    }

    /// Writes rows into the first columns of a panel `[words, WIDTH]`, and half their squared norms.
    pub(super) fn put(&self, rows: &[u32], panel: &mut [u32], halves: &mut [f32]) {
        match self.path {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512Vnni | SimdPath::Avx512 => unsafe { avx512(self, rows, panel, halves) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx2 => unsafe { avx2(self, rows, panel, halves) },
            _ => self.put_rows(rows, panel, halves),
        }
    }

    #[inline(always)]
    fn put_rows(&self, rows: &[u32], panel: &mut [u32], halves: &mut [f32]) {
        // One row after the other in a line, whose values are computed side by side.
        let mut line = vec![0u16; 2 * self.words()];
        for (column, row) in rows.iter().enumerate() {
            let values = self.rows.row(*row as usize);
            halves[column] = match self.form {
                Form::Floats => self.put_floats(values, panel, column),
                Form::Pairs => {
                    let norm = self.round(values, &mut line);
                    let slots = panel.chunks_exact_mut(WIDTH);
                    for (pair, slots) in line.chunks_exact(2).zip(slots) {
                        slots[column] = u32::from(pair[0]) | u32::from(pair[1]) << 16;
                    }
                    norm
                }
            };
        }
    }

    /// Writes a row into a column; returns half its squared norm.
    #[inline(always)]
    fn put_floats(&self, values: &[f32], panel: &mut [u32], column: usize) -> f32 {
        let scale = self.bound.scale;
        let mut norm = 0.0;
        let slots = panel.chunks_exact_mut(WIDTH);
        for ((x, mean), slots) in values.iter().zip(&self.mean).zip(slots) {
            let value = ((f64::from(*x) - mean) * scale) as f32;
            slots[column] = value.to_bits();
            norm += f64::from(value) * f64::from(value);
        }
        (0.5 * norm) as f32
    }

    /// Writes a row as integers; returns half its squared norm.
    #[inline(always)]
    fn round(&self, values: &[f32], line: &mut [u16]) -> f32 {
        let scale = self.bound.scale;
        for ((x, mean), value) in values.iter().zip(&self.mean).zip(line.iter_mut()) {
            *value = rounded((f64::from(*x) - mean) * scale) as u16;
        }
        // Below 2³¹, so exact in any order.
        let mut norm = 0u32;
        for value in line {
            let value = i32::from(*value as i16);
            norm = norm.wrapping_add((value * value) as u32);
        }
        (0.5 * f64::from(norm)) as f32
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(format: &Format<'_>, rows: &[u32], panel: &mut [u32], halves: &mut [f32]) {
    format.put_rows(rows, panel, halves)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(format: &Format<'_>, rows: &[u32], panel: &mut [u32], halves: &mut [f32]) {
    format.put_rows(rows, panel, halves)
}

/// The nearest integer of a number within ±32,767. Adding and taking off 1.5 · 2⁵² rounds without a
/// call to the C library, which `round` is where SSE4.1 is not.
#[inline(always)]
fn rounded(value: f64) -> i16 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT).to_bits() as i16
}

/// The mean of each column.
pub fn mean(rows: Rows<'_>) -> Vec<f64> {
    let dims = rows.dims();
    let parts = rows.data().par_chunks(PART * dims).map(|part| {
        let mut sums = vec![0.0; dims];
        for row in part.chunks_exact(dims) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += f64::from(*x);
            }
        }
        sums
    });
    let parts: Vec<Vec<f64>> = parts.collect();
    let sum = |j| parts.iter().map(|part| part[j]).sum::<f64>();
    (0..dims).map(|j| sum(j) / rows.len() as f64).collect()
}

/// The power of two that brings the greatest deviation into (½, 1], or less.
pub fn unit_scale(rows: Rows<'_>, mean: &[f64]) -> f64 {
    let greatest = greatest(rows, |row| {
        let deviations = row
            .iter()
            .zip(mean)
            .map(|(x, mean)| (f64::from(*x) - mean).abs());
        deviations.fold(0.0, f64::max)
    });
    if greatest == 0.0 {
        return 1.0;
    }
    2f64.powi(-(greatest.log2().ceil() as i32))
}

/// What brings the longest row to a norm of [`LONGEST`].
fn norm_scale(rows: Rows<'_>, mean: &[f64]) -> f64 {
    let greatest = greatest(rows, |row| {
        let mut sums = [0f64; 8];
        for (x, mean) in row.chunks(8).zip(mean.chunks(8)) {
            for (sum, (x, mean)) in sums.iter_mut().zip(x.iter().zip(mean)) {
                let deviation = f64::from(*x) - mean;
                *sum += deviation * deviation;
            }
        }
        sums.iter().sum()
    });
    if greatest == 0.0 {
        return 1.0;
    }
    LONGEST / greatest.sqrt()
}

/// The greatest of a measure over all rows.
fn greatest(rows: Rows<'_>, measure: impl Fn(&[f32]) -> f64 + Sync) -> f64 {
    let dims = rows.dims();
    let part = |part: &[f32]| part.chunks_exact(dims).map(&measure).fold(0.0, f64::max);
    rows.data()
        .par_chunks(PART * dims)
        .map(part)
        .reduce(|| 0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_the_nearest() {
        for (value, wanted) in [
            (0.4, 0),
            (-0.6, -1),
            (32_766.4, 32_766),
            (-32_766.9, -32_767),
        ] {
            assert_eq!(rounded(value), wanted);
        }
    }

    #[test]
    fn pairs_lie_side_by_side() {
        let data = [4.0, 0.0, -4.0, 0.0, 3.0, -3.0];
        let every = SimdPath::ALL.into_iter();
        for path in every.filter(|path| path.is_available()) {
            check(Format::new(Rows::new(&data, 3).unwrap(), Form::Pairs, path));
        }
    }

    fn check(format: Format<'_>) {
        assert_eq!(format.words(), 2);
        let (mut panel, mut halves) = ([7; 2 * WIDTH], [7.0; WIDTH]);
        format.put(&[0, 1], &mut panel, &mut halves);
        // The second row, (−2, 1.5, 0.5) from the mean, is as long as the first.
        let values = [-2.0, 1.5, 0.5].map(|x: f64| (x * format.bound.scale).round());
        let words = [
            panel[1] as u16,
            (panel[1] >> 16) as u16,
            panel[WIDTH + 1] as u16,
        ];
        assert_eq!(words.map(|w| f64::from(w as i16)), values);
        assert_eq!((panel[2], panel[WIDTH + 1] >> 16, halves[2]), (7, 0, 7.0));
        let norm: f64 = values.iter().map(|v| v * v).sum();
        assert_eq!(halves[1], (0.5 * norm) as f32);
        assert!((norm.sqrt() - LONGEST).abs() < 1.0);
    }
}
