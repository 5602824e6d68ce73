//! The first pass: how close the rows of one panel are to a strip of queries, in registers.

use super::lanes::{Floats, Words};

/// Columns of a panel at most: one bit each.
pub(super) const WIDEST: usize = 64;
/// Queries of a strip at most.
pub(super) const TALLEST: usize = 8;

/// The closeness of the rows of one panel to each query of a strip.
pub(super) type Scores = [[f32; WIDEST]; TALLEST];

/// The rows of a panel: `[words, width]`, and half their squared norms `[width]`.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) words: &'a [u32],
    pub(super) halves: &'a [f32],
}

/// Queries in neighbouring columns of a panel, from `first` on.
#[derive(Clone, Copy)]
pub(super) struct Strip<'a> {
    pub(super) panel: Panel<'a>,
    pub(super) first: usize,
    /// The least closeness that matters to the query of each column of the panel.
    pub(super) floors: &'a [f32],
}

/// One bit for each row of a panel, for each query of a strip.
#[derive(Clone, Copy, Default)]
pub(super) struct Near {
    /// Rows near to the query.
    pub(super) rows: [u64; TALLEST],
    /// Rows that the query is near to, where both are asked.
    pub(super) back: [u64; TALLEST],
}

/// Finds the pairs of `S` queries and a panel's rows that are not farther apart than their floors say.
/// Where there is any for a query, its closeness to all rows goes to `scores`.
///
/// The closeness of row b to query a is a · b − ½|b|², that is ½(|a|² − |a − b|²). With `BACK`, that
/// of a to b is looked at as well: the same less ½|a|², against `lowered`, which holds the floor of
/// each row less half its squared norm.
///
/// # Safety
/// The caller is compiled for W's instructions and the processor has them.
#[inline(always)]
pub(super) unsafe fn near<W: Words, const S: usize, const R: usize, const BACK: bool>(
    panel: Panel<'_>,
    strip: Strip<'_>,
    lowered: &[f32],
    scores: &mut Scores,
) -> Near {
    let lanes = <W::Floats as Floats>::N;
    let width = R * lanes;
    assert!(width <= WIDEST && S <= TALLEST && strip.first + S <= width);
    assert!(panel.halves.len() == width && strip.panel.halves.len() == width);
    assert!(strip.floors.len() == width && (!BACK || lowered.len() == width));
    assert!(panel.words.len() == strip.panel.words.len());
    let words = panel.words.len() / width;
    let (mut rows, mut points) = (panel.words.as_ptr(), strip.panel.words.as_ptr());
    let mut near = Near::default();
    // SAFETY: the caller vouches for the instructions. Both panels hold `words` times `width` words, and
    // a strip lies within the width, so every read of the loop is inside of them.
    unsafe {
        let mut starts = [W::start(panel.halves); R];
        for (r, start) in starts.iter_mut().enumerate() {
            *start = W::start(&panel.halves[r * lanes..]);
        }
        let mut sums = [starts; S];
        points = points.add(strip.first);
        for _ in 0..words {
            let mut values = [W::load(rows); R];
            for (r, value) in values.iter_mut().enumerate() {
                *value = W::load(rows.add(r * lanes));
            }
            for (q, sums) in sums.iter_mut().enumerate() {
                let point = W::splat(points.add(q));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = W::add_products(*sum, point, value);
                }
            }
            rows = rows.wrapping_add(width);
            points = points.wrapping_add(width);
        }
        for (q, sums) in sums.into_iter().enumerate() {
            let floor = W::Floats::splat(strip.floors[strip.first + q]);
            // Loops, not closures: those are compiled without W's instructions.
            let mut closeness = [floor; R];
            for (closeness, sum) in closeness.iter_mut().zip(sums) {
                *closeness = W::floats(sum);
            }
            for (r, closeness) in closeness.iter().enumerate() {
                near.rows[q] |= closeness.not_below(floor) << (r * lanes);
            }
            if BACK {
                let half = W::Floats::splat(strip.panel.halves[strip.first + q]);
                for (r, closeness) in closeness.iter().enumerate() {
                    let lowered = W::Floats::load(&lowered[r * lanes..]);
                    near.back[q] |= closeness.minus(half).not_below(lowered) << (r * lanes);
                }
            }
            if near.rows[q] | near.back[q] != 0 {
                for (r, closeness) in closeness.into_iter().enumerate() {
                    closeness.store(&mut scores[q][r * lanes..]);
                }
            }
        }
    }
    near
}
