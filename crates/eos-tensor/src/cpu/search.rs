//! The search with a first pass: panels against strips of queries, survivors measured exactly.

use super::{
    SimdPath,
    best::Best,
    kernel::{STRIP, WIDEST, near},
    lanes::{Lanes, Portable},
    packed::Packed,
    query::{Admitted, Query},
};
use crate::{Classes, Rows};

#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};

/// Vectors of a panel on each path: what the registers hold next to six queries.
const AVX512_VECTORS: usize = 4;
const AVX2_VECTORS: usize = 2;
const PORTABLE_VECTORS: usize = 2;

/// Rows of a panel on a path.
pub(super) fn panel_width(path: SimdPath) -> usize {
    match path {
        SimdPath::Avx512 => AVX512_VECTORS * 16,
        SimdPath::Avx2 => AVX2_VECTORS * 8,
        SimdPath::Portable => PORTABLE_VECTORS * Portable::N,
    }
}

/// One search: what all query tiles share.
pub(super) struct Pass<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) labels: &'a [u32],
    pub(super) k: usize,
    pub(super) classes: Classes,
    /// Must be available.
    pub(super) path: SimdPath,
    /// In panels of the path's width.
    pub(super) packed: &'a Packed<'a>,
}

impl Pass<'_> {
    /// The k best of each query. Fastest where queries of one class stand together.
    pub(super) fn run(&self, queries: &[u32]) -> Vec<Best> {
        match self.path {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512 => unsafe { avx512(self, queries) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx2 => unsafe { avx2(self, queries) },
            // SAFETY: the portable path needs no instructions of its own.
            _ => unsafe { self.tile::<Portable, PORTABLE_VECTORS>(queries) },
        }
    }

    /// One pass of all panels over a tile of queries.
    ///
    /// # Safety
    /// The caller is compiled for V's instructions and the processor has them.
    #[inline(always)]
    unsafe fn tile<V: Lanes, const R: usize>(&self, queries: &[u32]) -> Vec<Best> {
        let mut strips: Vec<Strip> = queries.chunks(STRIP).map(|q| Strip::new(self, q)).collect();
        let mut scores = [[0.0; WIDEST]; STRIP];
        let panels = self.packed.panels();
        let rows = self.rows.len();
        // Rows of the query's own class are often near: the limit falls early.
        let first = queries.first().map_or(0, |q| self.position(*q));
        for p in 0..panels {
            let p = (p + first / self.packed.width) % panels;
            let (panel, halves) = self.packed.panel(p);
            let start = p * self.packed.width;
            let positions = start..(start + self.packed.width).min(rows);
            for strip in &mut strips {
                if !strip.queries.iter().any(|q| q.admitted.meets(&positions)) {
                    continue;
                }
                let limits = &mut strip.limits;
                // SAFETY: as the caller vouches.
                let near =
                    unsafe { near::<V, R>(panel, halves, &strip.points, limits, &mut scores) };
                for (q, query) in strip.queries.iter_mut().enumerate() {
                    if near[q] != 0 && query.take(near[q], &scores[q], &positions) {
                        limits[q] = query.narrow(self, limits[q]);
                    }
                }
            }
        }
        let mut found = Vec::with_capacity(queries.len());
        // A loop, not an iterator's closure: closures are compiled without V's instructions.
        for strip in strips {
            for (mut query, limit) in strip.queries.into_iter().zip(strip.limits) {
                query.narrow(self, limit);
                query.measure(self);
                found.push(query.best);
            }
        }
        found
    }

    /// Where the first row of the query's class stands.
    fn position(&self, query: u32) -> usize {
        let label = self.labels[query as usize];
        self.packed.class(self.labels, label).start
    }
}

/// Queries that pass through the kernel together.
struct Strip {
    /// The packed queries, `[D, STRIP]`; zero where there are fewer.
    points: Vec<f32>,
    /// Scores above these are out; −∞ where there is no query.
    limits: [f32; STRIP],
    queries: Vec<Query>,
}

impl Strip {
    fn new(search: &Pass<'_>, queries: &[u32]) -> Self {
        let mut points = vec![0.0; search.rows.dims() * STRIP];
        let mut limits = [f32::NEG_INFINITY; STRIP];
        let make = |(column, row): (usize, &u32)| {
            limits[column] = f32::INFINITY;
            let class = || {
                search
                    .packed
                    .class(search.labels, search.labels[*row as usize])
            };
            let admitted = Admitted::new(search.classes, search.rows.len(), class);
            let norm = search.packed.put(*row, &mut points, STRIP, column);
            Query::new(*row, norm, admitted, search)
        };
        let queries = queries.iter().enumerate().map(make).collect();
        Self {
            points,
            limits,
            queries,
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(search: &Pass<'_>, queries: &[u32]) -> Vec<Best> {
    // SAFETY: this function is compiled for AVX-512F, and its caller vouches for the processor.
    unsafe { search.tile::<Avx512, AVX512_VECTORS>(queries) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(search: &Pass<'_>, queries: &[u32]) -> Vec<Best> {
    // SAFETY: this function is compiled for AVX2 and FMA, and its caller vouches for the processor.
    unsafe { search.tile::<Avx2, AVX2_VECTORS>(queries) }
}
