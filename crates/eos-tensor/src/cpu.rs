//! [`Backend`] on the processor: blocked, parallel, and equal to [`exact`](crate::exact) on every path.

use crate::{
    Backend, Classes, Error, Neighbours, Recipe, Rows,
    backend::{check_queries, check_recipe},
    exact::{before, blend, squared_distance},
};
use rayon::prelude::*;

/// Queries that share one pass over the rows.
const QUERY_TILE: usize = 16;
/// Values of a row tile: 64 KiB of f32, so that a tile stays in the second-level cache while every
/// query of a query tile reads it.
const TILE_VALUES: usize = 16 * 1024;
/// Samples that one task interpolates.
const SAMPLE_TILE: usize = 256;

/// Neighbours and interpolation on the current rayon pool.
///
/// The instruction set is chosen at run time; since the canonical distance rounds every operation
/// separately, each gives the same bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuBackend;

impl CpuBackend {
    /// The backend; it holds no state.
    pub fn new() -> Self {
        Self
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
        check_queries(rows, labels, queries, k)?;
        let mut found = Neighbours::empty(queries.len(), k);
        let search = Search {
            rows,
            labels,
            k: k.min(rows.len()),
            classes,
        };
        let index = found.index.par_chunks_mut(QUERY_TILE * k);
        let distance = found.distance.par_chunks_mut(QUERY_TILE * k);
        (index, distance, queries.par_chunks(QUERY_TILE))
            .into_par_iter()
            .for_each(|(index, distance, queries)| {
                let lists = search.run(queries);
                let slots = index.chunks_mut(k).zip(distance.chunks_mut(k));
                for ((index, distance), list) in slots.zip(lists) {
                    for (slot, (d, row)) in list.into_iter().enumerate() {
                        index[slot] = row;
                        distance[slot] = d as f32;
                    }
                }
            });
        Ok(found)
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

/// One search: what all query tiles share.
#[derive(Clone, Copy)]
struct Search<'a> {
    rows: Rows<'a>,
    labels: &'a [u32],
    k: usize,
    classes: Classes,
}

impl Search<'_> {
    /// The k best of each query, in order, on the widest instructions there are.
    fn run(self, queries: &[u32]) -> Vec<Vec<(f64, u32)>> {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX-512F, just checked.
                return unsafe { avx512(self, queries) };
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2, just checked.
                return unsafe { avx2(self, queries) };
            }
        }
        self.scan(queries)
    }

    #[inline(always)]
    fn scan(self, queries: &[u32]) -> Vec<Vec<(f64, u32)>> {
        let mut lists: Vec<Best> = queries.iter().map(|_| Best::new(self.k)).collect();
        let tile = (TILE_VALUES / self.rows.dims()).max(1);
        for start in (0..self.rows.len()).step_by(tile) {
            let end = (start + tile).min(self.rows.len());
            for (query, best) in queries.iter().zip(&mut lists) {
                let own = *query as usize;
                let (point, label) = (self.rows.row(own), self.labels[own]);
                for row in start..end {
                    if row != own && self.classes.admit(label, self.labels[row]) {
                        best.offer(squared_distance(point, self.rows.row(row)), row as u32);
                    }
                }
            }
        }
        lists.into_iter().map(Best::into_sorted).collect()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(search: Search<'_>, queries: &[u32]) -> Vec<Vec<(f64, u32)>> {
    search.scan(queries)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(search: Search<'_>, queries: &[u32]) -> Vec<Vec<(f64, u32)>> {
    search.scan(queries)
}

/// The k least candidates seen, as a heap with the greatest on top.
struct Best {
    k: usize,
    heap: Vec<(f64, u32)>,
}

impl Best {
    fn new(k: usize) -> Self {
        Self {
            k,
            heap: Vec::new(),
        }
    }

    #[inline(always)]
    fn offer(&mut self, distance: f64, row: u32) {
        let candidate = (distance, row);
        if self.heap.len() < self.k {
            self.heap.push(candidate);
            self.rise();
        } else if before(candidate, self.heap[0]) {
            self.heap[0] = candidate;
            self.sink();
        }
    }

    #[cold]
    fn rise(&mut self) {
        let mut child = self.heap.len() - 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if !before(self.heap[parent], self.heap[child]) {
                break;
            }
            self.heap.swap(parent, child);
            child = parent;
        }
    }

    #[cold]
    fn sink(&mut self) {
        let mut parent = 0;
        loop {
            let mut child = 2 * parent + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && before(self.heap[child], self.heap[child + 1]) {
                child += 1;
            }
            if !before(self.heap[parent], self.heap[child]) {
                break;
            }
            self.heap.swap(parent, child);
            parent = child;
        }
    }

    fn into_sorted(self) -> Vec<(f64, u32)> {
        let mut list = self.heap;
        list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        list
    }
}
