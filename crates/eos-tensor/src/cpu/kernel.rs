//! The first pass: scores of six queries against one panel of rows, in registers.

use super::lanes::Lanes;

/// Queries of one strip. With a panel of R vectors, 6 · R sums fill 16 (R = 2) or 32 (R = 4) registers.
pub(super) const STRIP: usize = 6;
/// Rows of a panel at most: one bit each.
pub(super) const WIDEST: usize = 64;

/// The scores of each query of a strip against the rows of one panel.
pub(super) type Scores = [[f32; WIDEST]; STRIP];

/// For each query of a strip, one bit for each row of a panel whose score is not above the query's
/// limit. Where there is any, all scores of that query go to `scores`.
///
/// The score of row b for query a is ½|b|² − a · b, that is ½(|a − b|² − |a|²). `panel` is
/// `[D, R · N]`, `halves` the ½|b|² `[R · N]`, `strip` the queries `[D, STRIP]`. R · N is [`WIDEST`] at most.
///
/// # Safety
/// The caller is compiled for V's instructions and the processor has them.
#[inline(always)]
pub(super) unsafe fn near<V: Lanes, const R: usize>(
    panel: &[f32],
    halves: &[f32],
    strip: &[f32],
    limits: &[f32; STRIP],
    scores: &mut Scores,
) -> [u64; STRIP] {
    let width = R * V::N;
    assert!(halves.len() == width && width <= WIDEST);
    // SAFETY: the caller vouches for the instructions, the assertion for the lengths.
    unsafe {
        let mut halves_of = [V::splat(0.0); R];
        for (r, half) in halves_of.iter_mut().enumerate() {
            *half = V::load(&halves[r * V::N..]);
        }
        let mut sums = [halves_of; STRIP];
        for (rows, points) in panel.chunks_exact(width).zip(strip.chunks_exact(STRIP)) {
            let mut lanes = [V::splat(0.0); R];
            for (r, lanes) in lanes.iter_mut().enumerate() {
                *lanes = V::load(&rows[r * V::N..]);
            }
            for (sums, point) in sums.iter_mut().zip(points) {
                let point = V::splat(*point);
                for (sum, lanes) in sums.iter_mut().zip(lanes) {
                    *sum = sum.minus_product(point, lanes);
                }
            }
        }
        let mut near = [0u64; STRIP];
        for (q, sums) in sums.into_iter().enumerate() {
            let limit = V::splat(limits[q]);
            for (r, sum) in sums.iter().enumerate() {
                near[q] |= sum.not_above(limit) << (r * V::N);
            }
            if near[q] != 0 {
                for (r, sum) in sums.into_iter().enumerate() {
                    sum.store(&mut scores[q][r * V::N..]);
                }
            }
        }
        near
    }
}
