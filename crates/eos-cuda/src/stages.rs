//! How a search goes about it: how many candidates it keeps, in which stages it looks at rows, and in what pieces.

use crate::layout::Layout;
use crate::params::Task;
use eos_tensor::Classes;
use std::collections::HashMap;
use std::ops::Range;

/// Queries, and rows, of a tile.
pub(crate) const TILE: usize = 128;
/// The most neighbours that a search on the card serves.
pub(crate) const MOST: usize = 1024;
/// Blocks that work on a multiprocessor at a time, and how many turns they take at least where there is work enough:
/// what the last turn leaves idle is one part in so many.
const BLOCKS: usize = 2;
const TURNS: usize = 8;
/// Rows after a stage to those before it. Fewer stages bring more candidates: 3 and 4 took as long on an H200 or longer.
const GROWTH: usize = 2;
/// Row tiles of a task at most.
const LONGEST: usize = 64;

/// Sizes of a query's buffer of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffer {
    /// Neighbours asked for.
    pub(crate) k: usize,
    /// Candidates kept from stage to stage: k and a margin, from which the certificate takes its proof.
    pub(crate) kept: usize,
    /// Candidates a stage may bring.
    pub(crate) room: usize,
}

impl Buffer {
    pub(crate) fn new(k: usize) -> Self {
        let kept = (k + (k / 8).max(6)).next_multiple_of(32);
        // A stage brings (GROWTH − 1) · kept candidates in the mean, with a deviation of √((GROWTH − 1) · GROWTH · kept);
        // more than eight deviations above it come from no layout of rows, but from equal ones.
        let room = ((GROWTH - 1) * kept * 3 / 2 + 128).next_multiple_of(32);
        Self { k, kept, room }
    }

    pub(crate) fn capacity(self) -> usize {
        self.kept + self.room
    }

    /// Chunks of each stage, in order. All rows of the first find room.
    pub(crate) fn stages(self, cuts: &[u32]) -> Vec<Range<usize>> {
        let chunks = cuts.len() - 1;
        let mut stages = Vec::new();
        let mut from = 0;
        let mut reach = self.room as u64;
        while from < chunks {
            let fits = cuts.partition_point(|cut| u64::from(*cut) <= reach) - 1;
            let to = fits.max(from);
            if to > from {
                stages.push(from..to);
                from = to;
            } else if stages.is_empty() {
                // A first chunk too large for its room: a stage without rows, so that none is dense.
                stages.push(0..0);
            }
            reach = u64::from(cuts[from]).max(reach) * GROWTH as u64;
        }
        stages
    }
}

/// The work of a stage over rows `block.start .. block.end`, in pieces: those of the same rows side by side, so that
/// blocks at work at one time read the same rows. `tiles`: the class of each tile's queries, where the filter asks for it.
pub(crate) fn tasks(
    layout: &Layout,
    tiles: &[usize],
    chunks: Range<usize>,
    classes: Classes,
    block: Range<u32>,
    multiprocessors: usize,
) -> Vec<Task> {
    let ranges = |class| {
        let inside = |(from, to): (u32, u32)| {
            let (from, to) = (from.max(block.start), to.min(block.end));
            (from < to).then(|| (from - block.start, to - block.start))
        };
        let ranges = layout.ranges(chunks.clone(), class, classes);
        ranges.into_iter().filter_map(inside).collect::<Vec<_>>()
    };
    let mut of_class: HashMap<usize, Vec<(u32, u32)>> = HashMap::new();
    for class in tiles {
        of_class.entry(*class).or_insert_with(|| ranges(*class));
    }
    let heights = |class| {
        of_class[class]
            .iter()
            .map(|(from, to)| (to - from).div_ceil(TILE as u32) as usize)
    };
    let whole: usize = tiles.iter().flat_map(heights).sum();
    let length = (whole / (multiprocessors * BLOCKS * TURNS)).clamp(1, LONGEST) * TILE;
    let mut tasks = Vec::new();
    for (tile, class) in (0..).zip(tiles) {
        for (from, to) in &of_class[class] {
            tasks.extend((*from..*to).step_by(length).map(|begin| Task {
                tile,
                begin,
                end: (*to).min(begin + length as u32),
                unused: 0,
            }));
        }
    }
    tasks.sort_by_key(|task| (task.begin, task.tile));
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_cover_all_chunks_and_the_first_fits() {
        for k in [1, 10, 26, 27, 300, 1024] {
            let buffer = Buffer::new(k);
            assert!(buffer.kept >= k + 6 && buffer.kept.is_multiple_of(32));
            for n in [1, 100, 128, 129, 5000, 100_000] {
                let labels: Vec<u32> = (0..n).map(|i| i % 3).collect();
                let layout = Layout::new(&labels);
                let stages = buffer.stages(&layout.cuts);
                assert!(layout.cuts[stages[0].end] as usize <= buffer.room);
                assert_eq!(stages[0].start, 0);
                for pair in stages.windows(2) {
                    assert_eq!(pair[0].end, pair[1].start);
                }
                assert_eq!(stages[stages.len() - 1].end, layout.runs.len());
            }
        }
    }

    #[test]
    fn tasks_cover_each_tile_s_rows_once() {
        let labels: Vec<u32> = (0..5000).map(|i| i % 4).collect();
        let layout = Layout::new(&labels);
        let tiles: Vec<usize> = (0..6).map(|i| i % 4).collect();
        let chunks = 0..layout.runs.len();
        for (classes, wanted) in [
            (Classes::Any, 5000),
            (Classes::Same, 1250),
            (Classes::Other, 3750),
        ] {
            for cuts in [&[0, 5000][..], &[0, 1999, 2100, 5000]] {
                let mut rows = [0; 6];
                for block in cuts.windows(2).map(|cut| cut[0]..cut[1]) {
                    let chunks = chunks.clone();
                    for task in tasks(&layout, &tiles, chunks, classes, block.clone(), 3) {
                        assert!(task.begin < task.end && task.end <= block.end - block.start);
                        rows[task.tile as usize] += task.end - task.begin;
                    }
                }
                assert_eq!(rows, [wanted; 6]);
            }
        }
    }
}
