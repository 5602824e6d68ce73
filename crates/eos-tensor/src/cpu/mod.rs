//! [`Backend`] on the processor: blocked, parallel, and equal to [`exact`](crate::exact) on every path.
//!
//! A fast f32 pass ([`kernel`]) over packed rows ([`packed`]) drops what provably is no neighbour
//! ([`bound`]); what is left is measured in the canonical form. Where the first pass would not pay,
//! [`scan`] measures all rows.

mod best;
mod bound;
mod kernel;
mod lanes;
mod packed;
mod path;
mod pending;
mod query;
mod scan;
mod search;

pub use path::SimdPath;

use crate::{
    Backend, Classes, Error, Neighbours, Recipe, Rows, Search,
    backend::{check_queries, check_recipe},
    exact::blend,
};
use best::Best;
use packed::Packed;
use rayon::prelude::*;
use scan::Scan;
use search::{Pass, panel_width};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewer queries of one set of rows than this are not worth a packed copy of it.
const FEW_QUERIES: usize = 16;
/// Where k is more than one in so many rows, the first pass drops too little.
const DENSE: usize = 8;
/// Queries that share one pass over the rows: at most this many,
const TILE: usize = 32 * kernel::STRIP;
/// and at most this many values (½ MiB), so that they stay in the second-level cache.
const TILE_VALUES: usize = 128 * 1024;
/// Tiles for each thread, where there are enough queries: late tiles even out.
const TILES_PER_THREAD: usize = 4;
/// Samples that one task interpolates.
const SAMPLE_TILE: usize = 256;

/// Neighbours and interpolation on the current rayon pool.
///
/// The instruction set is chosen at run time ([`SimdPath::detect`]); each gives the same bits.
/// A search over many queries holds one packed copy of the rows, 4 · N · D bytes, beside its result;
/// with [`search`](Backend::search) it is made once for many calls.
///
/// ```
/// use eos_tensor::{Backend, Classes, CpuBackend, Rows};
/// let rows = Rows::new(&[0.0, 1.0, 3.0, 7.0], 1)?;
/// let found = CpuBackend::new().neighbours(rows, &[0, 1, 0, 1], &[0, 3], 2, Classes::Other)?;
/// assert_eq!(found.of(0), [1, 3]);
/// assert_eq!(found.distance, [1.0, 49.0, 16.0, 49.0]);
/// # Ok::<(), eos_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuBackend {
    forced: Option<SimdPath>,
}

impl CpuBackend {
    /// The backend on the widest instructions there are, or those that `EOS_SIMD` names.
    pub fn new() -> Self {
        Self::default()
    }

    /// The backend on one path, whatever `EOS_SIMD` says.
    ///
    /// # Errors
    /// [`Error::SimdUnavailable`] where this processor does not have it.
    pub fn on(path: SimdPath) -> Result<Self, Error> {
        let forced = Some(path.checked()?);
        Ok(Self { forced })
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

/// Searches over one set of rows. They share the packed copy, which is made when it pays.
struct CpuSearch<'a> {
    backend: CpuBackend,
    rows: Rows<'a>,
    labels: &'a [u32],
    /// With the path whose panels it is cut into.
    packed: OnceLock<(SimdPath, Packed<'a>)>,
    /// Queries answered so far.
    answered: AtomicUsize,
}

impl<'a> CpuSearch<'a> {
    fn new(backend: CpuBackend, rows: Rows<'a>, labels: &'a [u32]) -> Self {
        Self {
            backend,
            rows,
            labels,
            packed: OnceLock::new(),
            answered: AtomicUsize::new(0),
        }
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
            Job::run(&mut jobs, kernel::STRIP, |queries| scan.run(queries));
        } else {
            let pack = || (path, Packed::new(rows, labels, panel_width(path)));
            let (path, packed) = self.packed.get_or_init(pack);
            let pass = Pass {
                rows,
                labels,
                k,
                classes,
                path: *path,
                packed,
            };
            jobs.sort_by_key(|job| labels[job.query as usize]);
            let tile = tile(jobs.len(), rows.dims());
            Job::run(&mut jobs, tile, |queries| pass.run(queries));
        }
        Ok(found)
    }
}

/// Queries of a tile. It decides how fast a search is, never what it finds.
fn tile(queries: usize, dims: usize) -> usize {
    let even = queries.div_ceil(TILES_PER_THREAD * rayon::current_num_threads());
    let most = TILE.min(TILE_VALUES / dims);
    even.min(most)
        .next_multiple_of(kernel::STRIP)
        .max(kernel::STRIP)
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

    /// Searches tile after tile in parallel.
    fn run(jobs: &mut [Self], tile: usize, search: impl Fn(&[u32]) -> Vec<Best> + Sync) {
        jobs.par_chunks_mut(tile).for_each(|jobs| {
            let queries: Vec<u32> = jobs.iter().map(|job| job.query).collect();
            for (job, best) in jobs.iter_mut().zip(search(&queries)) {
                best.write(job.index, job.distance);
            }
        });
    }
}
