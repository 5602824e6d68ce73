//! In which order rows lie on the card.
//!
//! Stages of the first pass look at ever more rows, and what the first found drops most of what the next see. That needs
//! early rows to be like late ones: positions are cut at 128, 256, 512, … and each chunk between two cuts holds its
//! share of every class, picked at random (the same for every set of this shape). Within a chunk rows lie class by class,
//! so that a tile of queries of one class skips what the class filter refuses.

use eos_tensor::{Classes, PhiloxRng, stream};
use std::ops::Range;

/// Rows up to the first cut.
const FIRST: usize = 128;
/// Turns class sizes into shares that no two classes round alike.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Positions of rows.
pub(crate) struct Layout {
    /// Row number of each position, `[N]`.
    pub(crate) order: Vec<u32>,
    /// Position of each row, `[N]`.
    pub(crate) positions: Vec<u32>,
    /// Class of each row, 0 … C − 1 by rising label, `[N]`.
    pub(crate) class: Vec<u32>,
    /// Where chunks begin, and N: rising from 0.
    pub(crate) cuts: Vec<u32>,
    /// Of each chunk, where each class begins, and the chunk's end: `[chunks][C + 1]`.
    pub(crate) runs: Vec<Vec<u32>>,
}

impl Layout {
    pub(crate) fn new(labels: &[u32]) -> Self {
        let n = labels.len();
        let mut by_class: Vec<u32> = (0..n as u32).collect();
        by_class.sort_by_key(|row| labels[*row as usize]);
        let mut class = vec![0; n];
        let mut members: Vec<&mut [u32]> = Vec::new();
        for rows in by_class.chunk_by_mut(|a, b| labels[*a as usize] == labels[*b as usize]) {
            for row in rows.iter() {
                class[*row as usize] = members.len() as u32;
            }
            shuffle(rows, members.len() as u32);
            members.push(rows);
        }
        let mut layout = Self {
            order: Vec::with_capacity(n),
            positions: vec![0; n],
            class,
            cuts: vec![0],
            runs: Vec::new(),
        };
        let mut taken = vec![0; members.len()];
        let mut cut = FIRST;
        while layout.order.len() < n {
            let share = cut.min(n) as f64 / n as f64;
            let mut runs = Vec::with_capacity(members.len() + 1);
            for (c, rows) in members.iter().enumerate() {
                runs.push(layout.order.len() as u32);
                let until = match cut < n {
                    true => ((share * rows.len() as f64 + (GOLDEN * c as f64).fract()) as usize)
                        .clamp(taken[c], rows.len()),
                    false => rows.len(),
                };
                layout.order.extend_from_slice(&rows[taken[c]..until]);
                taken[c] = until;
            }
            runs.push(layout.order.len() as u32);
            if layout.order.len() as u32 > layout.cuts[layout.cuts.len() - 1] {
                layout.cuts.push(layout.order.len() as u32);
                layout.runs.push(runs);
            }
            cut *= 2;
        }
        for (position, row) in layout.order.iter().enumerate() {
            layout.positions[*row as usize] = position as u32;
        }
        layout
    }

    /// Ranges of the chunks `from .. to` in which a query of a class finds neighbours.
    pub(crate) fn ranges(
        &self,
        chunks: Range<usize>,
        class: usize,
        classes: Classes,
    ) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut push = |from: u32, to: u32| match ranges.last_mut() {
            _ if from == to => {}
            Some((_, end)) if *end == from => *end = to,
            _ => ranges.push((from, to)),
        };
        for chunk in chunks {
            let (begin, end) = (self.cuts[chunk], self.cuts[chunk + 1]);
            let (own, behind) = (self.runs[chunk][class], self.runs[chunk][class + 1]);
            match classes {
                Classes::Any => push(begin, end),
                Classes::Same => push(own, behind),
                Classes::Other => {
                    push(begin, own);
                    push(behind, end);
                }
            }
        }
        ranges
    }
}

/// The same permutation for every list of this length and class.
fn shuffle(rows: &mut [u32], class: u32) {
    let mut random = PhiloxRng::new(0, stream::LAYOUT, u64::from(class));
    for i in (1..rows.len()).rev() {
        rows.swap(i, random.below(i as u32 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_position_and_chunks_their_share_of_each_class() {
        let labels: Vec<u32> = (0..3000)
            .map(|i| if i % 10 == 0 { 7 } else { 40 })
            .collect();
        let layout = Layout::new(&labels);
        let mut seen = layout.order.clone();
        seen.sort_unstable();
        assert!(seen.iter().enumerate().all(|(i, row)| i as u32 == *row));
        for (row, position) in layout.positions.iter().enumerate() {
            assert_eq!(layout.order[*position as usize] as usize, row);
        }
        for (chunk, runs) in layout.runs.iter().enumerate() {
            let size = layout.cuts[chunk + 1] - layout.cuts[chunk];
            let rare = runs[1] - runs[0];
            assert!(rare.abs_diff(size / 10) <= 2, "{rare} of {size}");
            for position in runs[0]..runs[1] {
                assert_eq!(labels[layout.order[position as usize] as usize], 7);
            }
        }
    }

    #[test]
    fn ranges_leave_out_what_the_filter_refuses() {
        let labels: Vec<u32> = (0..1000).map(|i| i % 5).collect();
        let layout = Layout::new(&labels);
        let chunks = 0..layout.runs.len();
        for (classes, wanted) in [
            (Classes::Any, 1000),
            (Classes::Same, 200),
            (Classes::Other, 800),
        ] {
            let ranges = layout.ranges(chunks.clone(), 3, classes);
            let rows: u32 = ranges.iter().map(|(from, to)| to - from).sum();
            assert_eq!(rows, wanted);
        }
        assert_eq!(layout.ranges(chunks, 3, Classes::Any), [(0, 1000)]);
    }
}
