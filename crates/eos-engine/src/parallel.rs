//! The batch in chunks, whose number depends on the batch alone: sums over a chunk run in the order
//! of its images, sums over chunks in the order of chunks, so that results do not depend on the
//! number of threads.

use std::ops::Range;

use rayon::prelude::*;

/// Most chunks a batch is split into; enough for sixteen threads.
const MOST: usize = 16;

/// How a batch is split: every chunk but the last holds `size` images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunks {
    images: usize,
    size: usize,
}

impl Chunks {
    pub(crate) fn of(images: usize) -> Chunks {
        Chunks {
            images,
            size: images.div_ceil(MOST).max(1),
        }
    }

    pub(crate) fn count(self) -> usize {
        self.images.div_ceil(self.size)
    }

    /// The images of chunk `k`.
    fn range(self, k: usize) -> Range<usize> {
        k * self.size..((k + 1) * self.size).min(self.images)
    }

    /// Calls `work` with each chunk's images. The results are in the order of chunks.
    pub(crate) fn each<T: Send>(self, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
        (0..self.count())
            .into_par_iter()
            .map(|k| work(self.range(k)))
            .collect()
    }

    /// Calls `work` with each chunk's images and its part of `out`, which holds `each` values an
    /// image. The results are in the order of chunks.
    pub(crate) fn map<T: Send>(
        self,
        out: &mut [f32],
        each: usize,
        work: impl Fn(Range<usize>, &mut [f32]) -> T + Sync,
    ) -> Vec<T> {
        assert_eq!(out.len(), self.images * each, "`each` values an image");
        out.par_chunks_mut(self.size * each)
            .enumerate()
            .map(|(k, part)| work(self.range(k), part))
            .collect()
    }

    /// As [`map`](Self::map), with two outputs.
    pub(crate) fn map2<T: Send>(
        self,
        first: (&mut [f32], usize),
        second: (&mut [f32], usize),
        work: impl Fn(Range<usize>, &mut [f32], &mut [f32]) -> T + Sync,
    ) -> Vec<T> {
        assert_eq!(
            first.0.len(),
            self.images * first.1,
            "so many values an image"
        );
        assert_eq!(
            second.0.len(),
            self.images * second.1,
            "so many values an image"
        );
        first
            .0
            .par_chunks_mut(self.size * first.1)
            .zip(second.0.par_chunks_mut(self.size * second.1))
            .enumerate()
            .map(|(k, (a, b))| work(self.range(k), a, b))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_batch_once_and_in_order() {
        for images in [1, 3, 15, 16, 17, 100, 128, 1000] {
            let chunks = Chunks::of(images);
            assert!(chunks.count() <= MOST);
            let mut out = vec![0.0; images * 2];
            let ranges = chunks.map(&mut out, 2, |range, part| {
                assert_eq!(part.len(), range.len() * 2);
                range
            });
            let covered: Vec<usize> = ranges.into_iter().flatten().collect();
            assert_eq!(covered, (0..images).collect::<Vec<_>>(), "{images} images");
        }
    }
}
