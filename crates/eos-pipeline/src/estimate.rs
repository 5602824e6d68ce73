//! What sampling will take, told before it is done.

use crate::balanced::WINDOW;
use crate::phases::{self, Labelled};
use crate::{Error, Observer, write_balanced};
use eos_data::{BalancedFiles, Embeddings};
use eos_registry::Plugin;
use eos_tensor::{Backend, CpuBackend};
use std::path::Path;
use std::time::Instant;

/// Rows of the first part that is measured; each further one has twice as many.
const FIRST: usize = 512;
/// Rows of each class that a part keeps, where the class has as many.
const FEWEST: usize = 16;
/// The parts grow until sampling one takes so many seconds,
const LONG: f64 = 0.4;
/// all of them together so many,
const LONGEST: f64 = 2.0;
/// or one has so many values (64 MiB).
const MOST_VALUES: usize = 1 << 24;

/// A call of a method that is to be estimated.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub plugin: &'a Plugin,
    /// What is oversampled.
    pub original: &'a Embeddings,
    /// Rows to add to each class, `[C]`.
    pub wanted: &'a [u64],
    /// The method's parameters.
    pub params: &'a toml::Table,
    /// Of everything random.
    pub seed: u64,
    /// Where it runs.
    pub backend: &'a dyn Backend,
}

/// Seconds, and on how many rows they were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds {
    /// Of neighbours and whatever else the method does.
    pub sampling: f64,
    /// Of making rows and writing all of them.
    pub writing: f64,
    /// Rows of the largest part that was measured; all of them where that took no longer.
    pub measured: usize,
}

/// Bytes that are held at once, beside a mapped input: labels, and recipes with a window of rows or
/// the rows of a plugin that makes them itself.
///
/// What a method holds while it works comes on top, such as [`search_memory`].
pub fn buffers(asked: Asked<'_>) -> u64 {
    let (n, dims) = (asked.original.len() as u64, asked.original.dims() as u64);
    let added: u64 = asked.wanted.iter().sum();
    let input = if asked.original.is_mapped() {
        0
    } else {
        4 * n * dims
    };
    let window = (WINDOW as u64).max(dims).min(added * dims);
    let output = match asked.plugin.makes_recipes() {
        true => 20 * added + 4 * window,
        false => (4 + 4 * dims) * added,
    };
    input + 4 * n + output
}

/// Bytes that a search for neighbours on the processor holds at most: a packed copy of the rows, or of those parts of them
/// that fit into its memory.
pub fn search_memory(original: &Embeddings) -> u64 {
    size_of_val(original.rows()).min(CpuBackend::MEMORY) as u64
}

/// How long sampling and writing will take: it is done for parts of the rows, the result written to
/// `folder` and removed. Sampling is a · n + b · n² through the last two parts; writing a line through all of them,
/// since a file costs something however short it is.
///
/// # Errors
/// What the method refuses, [`Error::Io`] where `folder` cannot be written to,
/// [`Error::Interrupted`].
pub fn seconds(
    asked: Asked<'_>,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Seconds, Error> {
    let (len, dims) = (asked.original.len(), asked.original.dims());
    let all = len as u64 + asked.wanted.iter().sum::<u64>();
    let most = len.min(MOST_VALUES / dims).max(1);
    let began = Instant::now();
    let mut before = (0, 0.0);
    let mut writing = vec![];
    let mut rows = FIRST.min(most);
    loop {
        let part = Part::of(asked, rows)?;
        let time = part.time(asked, folder, observer)?;
        let now = (part.original.len(), time.sampling);
        let written = now.0 as u64 + part.wanted.iter().sum::<u64>();
        writing.push((written as f64, time.writing));
        let enough = time.sampling >= LONG || began.elapsed().as_secs_f64() >= LONGEST;
        if rows == most || enough {
            return Ok(Seconds {
                sampling: extrapolated(before, now, len),
                writing: on_line(&writing, all as f64),
                measured: now.0,
            });
        }
        before = now;
        rows = most.min(2 * rows);
    }
}

/// The value at `rows` of a + b · n with a and b ≥ 0, the nearest such line in squares to the measurements (n, seconds);
/// the last measurement itself where it is of `rows`.
fn on_line(measured: &[(f64, f64)], rows: f64) -> f64 {
    let Some(&(largest, seconds)) = measured.last() else {
        return 0.0;
    };
    if largest == rows {
        return seconds;
    }
    let mean =
        |of: fn(&(f64, f64)) -> f64| measured.iter().map(of).sum::<f64>() / measured.len() as f64;
    let (n, time, square, product) = (
        mean(|m| m.0),
        mean(|m| m.1),
        mean(|m| m.0 * m.0),
        mean(|m| m.0 * m.1),
    );
    let spread = square - n * n;
    let slope = if spread > 0.0 {
        (product - n * time) / spread
    } else {
        time / n
    };
    let start = time - slope * n;
    match (slope < 0.0, start < 0.0) {
        (true, _) => time,
        (_, true) => product / square * rows,
        _ => start + slope * rows,
    }
}

/// The value at `rows` of a · n + b · n² with a and b ≥ 0 through two measurements (n, seconds).
fn extrapolated(before: (usize, f64), now: (usize, f64), rows: usize) -> f64 {
    let each = |(n, seconds): (usize, f64)| seconds / n.max(1) as f64;
    let [small, large, rows] = [before.0, now.0, rows].map(|n| n as f64);
    let growth = (each(now) - each(before)) / (large - small).max(1.0);
    let square = growth.clamp(0.0, each(now) / large);
    let linear = each(now) - square * large;
    linear * rows + square * rows * rows
}

/// A part of the rows with as much of what is wanted.
struct Part {
    original: Embeddings,
    wanted: Vec<u64>,
}

impl Part {
    /// About `rows` rows, from each class at even steps.
    fn of(asked: Asked<'_>, rows: usize) -> Result<Self, Error> {
        let (all, dims) = (asked.original, asked.original.dims());
        let share = |count: usize| (count * rows).div_ceil(all.len()).max(FEWEST).min(count);
        let counts = all.class_counts();
        let mut met = vec![0; counts.len()];
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for (row, &label) in all.labels().iter().enumerate() {
            let (count, at) = (counts[label as usize], &mut met[label as usize]);
            // The share's rows are those at which this product passes a multiple of the count.
            let taken = |at: usize| at * share(count) / count;
            if taken(*at + 1) > taken(*at) {
                values.extend_from_slice(all.as_rows().row(row));
                labels.push(label);
            }
            *at += 1;
        }
        let part = labels.len() as u128;
        let scaled = |wanted: &u64| (u128::from(*wanted) * part / all.len() as u128) as u64;
        let names = all.label_values().clone();
        Ok(Self {
            wanted: asked.wanted.iter().map(scaled).collect(),
            original: Embeddings::new(values, dims, labels, names)?,
        })
    }

    /// How long sampling and writing it take.
    fn time(
        &self,
        asked: Asked<'_>,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Seconds, Error> {
        let passing = tempfile::Builder::new()
            .prefix(".eos-dry-run-")
            .tempdir_in(folder);
        let passing = passing.map_err(|error| Error::writing(folder, error))?;
        let files = BalancedFiles::Npz(passing.path().join("part.npz"));
        let began = Instant::now();
        let data = Labelled::of(&self.original);
        let (params, seed, backend) = (asked.params, asked.seed, asked.backend);
        let plan = phases::sample(
            asked.plugin,
            data,
            &self.wanted,
            params,
            seed,
            backend,
            observer,
        )?;
        let sampling = began.elapsed().as_secs_f64();
        write_balanced(&files, &self.original, &plan, backend, observer)?;
        Ok(Seconds {
            sampling,
            writing: began.elapsed().as_secs_f64() - sampling,
            measured: data.rows.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_costs_however_short_it_is_is_not_multiplied() {
        let near = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
        let line = |start: f64, each: f64| [10.0, 20.0, 40.0].map(|n| (n, start + each * n));
        near(on_line(&line(3.0, 0.5), 1000.0), 503.0);
        // Neither part is negative.
        near(on_line(&line(9.0, -0.1), 1000.0), 9.0 - 0.1 * 70.0 / 3.0);
        near(on_line(&[(10.0, 0.0), (20.0, 10.0)], 100.0), 40.0);
        // One part alone, and all rows.
        near(on_line(&[(10.0, 2.0)], 100.0), 20.0);
        near(on_line(&line(3.0, 0.5), 40.0), 23.0);
    }

    #[test]
    fn what_grows_linearly_or_squarely_is_told_exactly() {
        let near = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
        let linear = |n: usize| (n, 0.5 * n as f64);
        near(extrapolated(linear(10), linear(20), 100), 50.0);
        let square = |n: usize| (n, 0.25 * (n * n) as f64);
        near(extrapolated(square(10), square(20), 100), 2500.0);
        let both = |n: usize| (n, 0.5 * n as f64 + 0.25 * (n * n) as f64);
        near(extrapolated(both(10), both(20), 100), 2550.0);
        // All rows were measured, and nothing before.
        near(extrapolated((0, 0.0), (7, 3.0), 7), 3.0);
        // Noise makes neither part negative.
        near(extrapolated((10, 9.0), (20, 10.0), 40), 20.0);
        near(extrapolated((10, 0.1), (20, 10.0), 40), 40.0);
    }
}
