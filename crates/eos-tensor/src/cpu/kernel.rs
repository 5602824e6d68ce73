//! The first pass: scores of six queries against one panel of rows, in registers.

use super::lanes::Lanes;

/// Queries of one strip. With a panel of R vectors, 6 · R sums fill 16 (R = 2) or 32 (R = 4) registers.
pub(super) const STRIP: usize = 6;

/// For each query of a strip, one bit for each row of a panel whose score is not above the query's limit.
///
/// The score of row b for query a is ½|b|² − a · b, that is ½(|a − b|² − |a|²). `panel` is
/// `[D, R · N]`, `halves` the ½|b|² `[R · N]`, `strip` the queries `[D, STRIP]`. R · N is 64 at most.
///
/// # Safety
/// The caller is compiled for V's instructions and the processor has them.
#[inline(always)]
pub(super) unsafe fn near<V: Lanes, const R: usize>(
    panel: &[f32],
    halves: &[f32],
    strip: &[f32],
    limits: &[f32; STRIP],
) -> [u64; STRIP] {
    let width = R * V::N;
    assert!(halves.len() == width && width <= 64);
    // SAFETY: the caller vouches for the instructions, the assertion for the lengths.
    unsafe {
        let mut halves_of = [V::splat(0.0); R];
        for (r, half) in halves_of.iter_mut().enumerate() {
            *half = V::load(&halves[r * V::N..]);
        }
        let mut scores = [halves_of; STRIP];
        for (rows, points) in panel.chunks_exact(width).zip(strip.chunks_exact(STRIP)) {
            let mut lanes = [V::splat(0.0); R];
            for (r, lanes) in lanes.iter_mut().enumerate() {
                *lanes = V::load(&rows[r * V::N..]);
            }
            for (scores, point) in scores.iter_mut().zip(points) {
                let point = V::splat(*point);
                for (score, lanes) in scores.iter_mut().zip(lanes) {
                    *score = score.minus_product(point, lanes);
                }
            }
        }
        let mut near = [0u64; STRIP];
        for (near, (scores, limit)) in near.iter_mut().zip(scores.iter().zip(limits)) {
            let limit = V::splat(*limit);
            for (r, score) in scores.iter().enumerate() {
                *near |= score.not_above(limit) << (r * V::N);
            }
        }
        near
    }
}
