//! [`Backend`] on the processor: blocked, parallel, and equal to [`exact`](crate::exact) on every path.
//!
//! A fast pass ([`kernel`]) over packed rows ([`block`]) drops what provably is no neighbour
//! ([`bound`]); what is left is measured in the canonical form. Where the first pass would not pay,
//! [`scan`] measures all rows.
//!
//! The pass multiplies f32 or, with VNNI, 16-bit integers, two in the time of one f32 ([`mod@format`]). Queries
//! are taken by the panel ([`crowd`]); queries that fill panels of the rows share their products ([`search`]).

mod best;
mod block;
pub(crate) mod bound;
mod crowd;
pub(crate) mod format;
mod kernel;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod lanes_x86;
mod least;
mod path;
mod pending;
mod query;
mod scan;
mod search;
mod step;

pub use path::SimdPath;

use crate::{
    Backend, Classes, Error, Neighbours, Recipe, Rows, Search,
    backend::{check_queries, check_recipe},
    exact::blend,
};
use format::{Form, Format};
use rayon::prelude::*;
use scan::Scan;
use search::{Coarse, Prepared};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Fewer queries of one set of rows than this are not worth a packed copy of it.
const FEW_QUERIES: usize = 16;
/// Where k is more than one in so many rows, the first pass drops too little.
const DENSE: usize = 8;
/// Queries of a task that measures all rows.
const SCAN_TILE: usize = 6;
/// Samples that one task interpolates.
const SAMPLE_TILE: usize = 256;

/// Neighbours and interpolation on the current rayon pool.
///
/// The instruction set is chosen at run time ([`SimdPath::detect`]); each gives the same bits.
/// A search over many queries holds a packed copy of the rows beside its result, 4 · N · D bytes or, with
/// VNNI, half of that, and up to some kilobytes for each query that waits (16 · k + 400 bytes). What
/// does not fit into its [memory](Self::with_memory) is done part by part. With
/// [`search`](Backend::search) the copy is made once for many calls, where all of it fits.
///
/// ```
/// use eos_tensor::{Backend, Classes, CpuBackend, Rows};
/// let rows = Rows::new(&[0.0, 1.0, 3.0, 7.0], 1)?;
/// let found = CpuBackend::new().neighbours(rows, &[0, 1, 0, 1], &[0, 3], 2, Classes::Other)?;
/// assert_eq!(found.of(0), [1, 3]);
/// assert_eq!(found.distance, [1.0, 49.0, 16.0, 49.0]);
/// # Ok::<(), eos_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CpuBackend {
    forced: Option<SimdPath>,
    memory: usize,
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl CpuBackend {
    /// Bytes that a search holds at most beside its rows and its result, where nothing else is asked.
    pub const MEMORY: usize = 192 << 20;

    /// The backend on the widest instructions there are, or those that `EOS_SIMD` names.
    pub fn new() -> Self {
        Self {
            forced: None,
            memory: Self::MEMORY,
        }
    }

    /// The backend on one path, whatever `EOS_SIMD` says.
    ///
    /// # Errors
    /// [`Error::SimdUnavailable`] where this processor does not have it.
    pub fn on(path: SimdPath) -> Result<Self, Error> {
        let forced = Some(path.checked()?);
        Ok(Self {
            forced,
            ..Self::new()
        })
    }

    /// The backend with so many bytes for a search, beside its rows and its result, instead of
    /// [`MEMORY`](Self::MEMORY). It decides how fast a search is, never what it finds; the least it needs, it takes.
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            memory: bytes,
            ..self
        }
    }

    fn path(self) -> Result<SimdPath, Error> {
        self.forced.map_or_else(SimdPath::detect, Ok)
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &str {
        "cpu"
    }

    fn neighbours(
        &self,
        rows: Rows<'_>,
        labels: &[u32],
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, Error> {
        CpuSearch::new(*self, rows, labels).neighbours(queries, k, classes)
    }

    fn search<'a>(&'a self, rows: Rows<'a>, labels: &'a [u32]) -> Box<dyn Search + 'a> {
        Box::new(CpuSearch::new(*self, rows, labels))
    }

    fn interpolate(&self, rows: Rows<'_>, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error> {
        check_recipe(rows, recipe, out)?;
        let dims = rows.dims();
        out.par_chunks_mut(SAMPLE_TILE * dims)
            .zip(recipe.par_chunks(SAMPLE_TILE))
            .for_each(|(out, recipe)| {
                for (out, recipe) in out.chunks_exact_mut(dims).zip(recipe) {
                    blend(rows, recipe, out);
                }
            });
        Ok(())
    }
}

/// Searches over one set of rows. They share its packed form, which is made when it pays.
struct CpuSearch<'a> {
    backend: CpuBackend,
    rows: Rows<'a>,
    labels: &'a [u32],
    /// In pairs of integers and in floats.
    pairs: OnceLock<Prepared<'a>>,
    floats: OnceLock<Prepared<'a>>,
    /// Whether integers proved too coarse.
    coarse: AtomicBool,
    /// Queries answered so far.
    answered: AtomicUsize,
}

impl<'a> CpuSearch<'a> {
    fn new(backend: CpuBackend, rows: Rows<'a>, labels: &'a [u32]) -> Self {
        Self {
            backend,
            rows,
            labels,
            pairs: OnceLock::new(),
            floats: OnceLock::new(),
            coarse: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
        }
    }

    /// The search with a first pass, in the fastest form that tells rows apart.
    fn first_pass(&self, path: SimdPath, jobs: &mut [Job<'_>], k: usize, classes: Classes) {
        let prepare = |form| {
            move || {
                let format = Format::new(self.rows, form, path);
                Prepared::new(format, self.labels, path, self.backend.memory)
            }
        };
        if path == SimdPath::Avx512Vnni && !self.coarse.load(Ordering::Relaxed) {
            let prepared = self.pairs.get_or_init(prepare(Form::Pairs));
            match prepared.search(jobs, k, classes) {
                Ok(()) => return,
                Err(Coarse) => self.coarse.store(true, Ordering::Relaxed),
            }
        }
        let prepared = self.floats.get_or_init(prepare(Form::Floats));
        let found = prepared.search(jobs, k, classes);
        found.expect("a search in floats goes on however few rows they tell apart");
    }
}

impl Search for CpuSearch<'_> {
    fn neighbours(&self, queries: &[u32], k: usize, classes: Classes) -> Result<Neighbours, Error> {
        let (rows, labels) = (self.rows, self.labels);
        check_queries(rows, labels, queries, k)?;
        let path = self.backend.path()?;
        let mut found = Neighbours::empty(queries.len(), k);
        let mut jobs = Job::all(queries, &mut found);
        let k = k.min(rows.len());
        let before = self.answered.fetch_add(queries.len(), Ordering::Relaxed);
        if before + queries.len() < FEW_QUERIES || k > rows.len() / DENSE {
            let scan = Scan {
                rows,
                labels,
                k,
                classes,
                path,
            };
            jobs.par_chunks_mut(SCAN_TILE)
                .for_each(|jobs| scan.run(jobs));
        } else {
            jobs.sort_by_key(|job| labels[job.query as usize]);
            // On a thread of the pool: each step would else wait for one to wake up.
            rayon::scope(|_| self.first_pass(path, &mut jobs, k, classes));
        }
        Ok(found)
    }
}

/// A query and its slots in the result.
struct Job<'a> {
    query: u32,
    index: &'a mut [u32],
    distance: &'a mut [f32],
}

impl<'a> Job<'a> {
    fn all(queries: &[u32], found: &'a mut Neighbours) -> Vec<Self> {
        let k = found.k;
        let slots = found.index.chunks_mut(k).zip(found.distance.chunks_mut(k));
        let jobs = queries.iter().zip(slots);
        jobs.map(|(&query, (index, distance))| Job {
            query,
            index,
            distance,
        })
        .collect()
    }

    /// The same, borrowed.
    fn again(&mut self) -> Job<'_> {
        Job {
            query: self.query,
            index: self.index,
            distance: self.distance,
        }
    }
}
