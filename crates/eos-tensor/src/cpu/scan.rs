//! The search without a first pass: every admitted distance in its canonical form.

use super::{Job, SimdPath, best::Best};
use crate::{Classes, Rows, exact::squared_distance};

/// Values of a row tile: 64 KiB of f32, so that a tile stays in the second-level cache while every
/// query of a query tile reads it.
const TILE_VALUES: usize = 16 * 1024;

/// One search: what all query tiles share.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) labels: &'a [u32],
    pub(super) k: usize,
    pub(super) classes: Classes,
    /// Must be available.
    pub(super) path: SimdPath,
}

impl Scan<'_> {
    /// Answers the jobs.
    pub(super) fn run(self, jobs: &mut [Job<'_>]) {
        match self.path {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx512Vnni | SimdPath::Avx512 => unsafe { avx512(self, jobs) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the path is available.
            SimdPath::Avx2 => unsafe { avx2(self, jobs) },
            _ => self.scan(jobs),
        }
    }

    #[inline(always)]
    fn scan(self, jobs: &mut [Job<'_>]) {
        let mut lists: Vec<Best> = jobs.iter().map(|_| Best::new(self.k)).collect();
        let tile = (TILE_VALUES / self.rows.dims()).max(1);
        for start in (0..self.rows.len()).step_by(tile) {
            let end = (start + tile).min(self.rows.len());
            for (job, best) in jobs.iter().zip(&mut lists) {
                let own = job.query as usize;
                let (point, label) = (self.rows.row(own), self.labels[own]);
                for row in start..end {
                    if row != own && self.classes.admit(label, self.labels[row]) {
                        best.offer(squared_distance(point, self.rows.row(row)), row as u32);
                    }
                }
            }
        }
        for (job, best) in jobs.iter_mut().zip(lists) {
            best.write(job.index, job.distance);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(scan: Scan<'_>, jobs: &mut [Job<'_>]) {
    scan.scan(jobs)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(scan: Scan<'_>, jobs: &mut [Job<'_>]) {
    scan.scan(jobs)
}
