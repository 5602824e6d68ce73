//! The first pass: how close the rows of one panel are to a strip of queries, in registers.

use super::lanes::{Floats, Words};

/// Columns of a panel: a multiple of what each path's registers take at once, of rows and of queries.
pub(super) const WIDTH: usize = 48;
/// Queries of a strip at most.
pub(super) const TALLEST: usize = 8;

/// The closeness of the rows of one panel to each query of a strip.
pub(super) type Scores = [[f32; WIDTH]; TALLEST];

/// The rows of a panel: `[words, WIDTH]`, and half their squared norms `[WIDTH]`.
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
/// Where there is any for a query, its closeness to these rows and their neighbours goes to `scores`.
///
/// The closeness of row b to query a is a · b − ½|b|², that is ½(|a|² − |a − b|²). With `BACK`, that
/// of a to b is looked at as well: the closeness of b less its `lowered`, which is the floor of b less
/// ½|b|², against ½|a|². `R` vectors of rows are taken at a time.
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
    assert!(S <= TALLEST && strip.first + S <= WIDTH && WIDTH.is_multiple_of(R * lanes));
    assert!(panel.halves.len() == WIDTH && strip.panel.halves.len() == WIDTH);
    assert!(strip.floors.len() == WIDTH && (!BACK || lowered.len() == WIDTH));
    assert!(panel.words.len() == strip.panel.words.len());
    let words = panel.words.len() / WIDTH;
    let mut near = Near::default();
    // Loops throughout, not closures: those are compiled without W's instructions.
    for column in (0..WIDTH).step_by(R * lanes) {
        // SAFETY: the caller vouches for the instructions. Both panels hold `words` times `WIDTH` words,
        // and columns and strip lie within the width, so every read is inside of them.
        unsafe {
            let mut sums = [[W::start(&panel.halves[column..]); R]; S];
            for r in 1..R {
                let start = W::start(&panel.halves[column + r * lanes..]);
                for sums in &mut sums {
                    sums[r] = start;
                }
            }
            let mut rows = panel.words.as_ptr().add(column);
            let mut points = strip.panel.words.as_ptr().add(strip.first);
            for _ in 0..words {
                let mut values = [W::load(rows); R];
                for (r, value) in values.iter_mut().enumerate().skip(1) {
                    *value = W::load(rows.add(r * lanes));
                }
                for (q, sums) in sums.iter_mut().enumerate() {
                    let point = W::splat(points.add(q));
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = W::add_products(*sum, point, value);
                    }
                }
                rows = rows.wrapping_add(WIDTH);
                points = points.wrapping_add(WIDTH);
            }
            for (q, sums) in sums.into_iter().enumerate() {
                let floor = W::Floats::splat(strip.floors[strip.first + q]);
                let half = W::Floats::splat(strip.panel.halves[strip.first + q]);
                let mut closeness = [floor; R];
                for (closeness, sum) in closeness.iter_mut().zip(sums) {
                    *closeness = W::floats(sum);
                }
                // Most often none is near: the closest tells.
                let mut closest = closeness[0];
                for closeness in closeness.iter().skip(1) {
                    closest = closest.max(*closeness);
                }
                let mut any = closest.not_below(floor);
                let mut over = [floor; R];
                if BACK {
                    for (r, (over, closeness)) in over.iter_mut().zip(closeness).enumerate() {
                        let lowered = W::Floats::load(&lowered[column + r * lanes..]);
                        *over = closeness.minus(lowered);
                    }
                    let mut most = over[0];
                    for over in over.iter().skip(1) {
                        most = most.max(*over);
                    }
                    any |= most.not_below(half);
                }
                if any != 0 {
                    for (r, closeness) in closeness.into_iter().enumerate() {
                        let at = column + r * lanes;
                        near.rows[q] |= closeness.not_below(floor) << at;
                        if BACK {
                            near.back[q] |= over[r].not_below(half) << at;
                        }
                        closeness.store(&mut scores[q][at..]);
                    }
                }
            }
        }
    }
    near
}

/// A bit for each value that is not below `floor`.
///
/// # Safety
/// The caller is compiled for F's instructions and the processor has them.
#[inline(always)]
pub(super) unsafe fn not_below<F: Floats>(values: &[f32; WIDTH], floor: f32) -> u64 {
    let mut bits = 0;
    for at in (0..WIDTH).step_by(F::N) {
        // SAFETY: as the caller vouches; the width is a multiple of what F holds.
        unsafe { bits |= F::load(&values[at..]).not_below(F::splat(floor)) << at };
    }
    bits
}
