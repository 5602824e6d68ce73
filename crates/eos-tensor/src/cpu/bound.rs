//! How far the first pass can be wrong.

/// The unit roundoff of f32.
const U: f64 = 1.0 / 16_777_216.0;

/// Makes the limits that the first pass compares with, so that it drops no neighbour.
///
/// Let x_a and x_b be two rows, m the centre and s the power of two of [`Packed`](super::packed::Packed),
/// A = s(x_a − m), δ = s|x_a − x_b| = |A − B|, and a, b the f32 vectors that A and B are stored as.
/// Take a row whose canonical distance c is at most τ. Then:
///
/// 1. The canonical sum rounds each term fewer than D + 64 times and all terms have one sign:
///    δ² ≤ s²τ(1 + (D + 64)2⁻⁵²) =: T.
/// 2. A is made in f64 and rounded to f32: |a_j − A_j| ≤ 1.01u|A_j| + 2⁻¹⁴⁹ with u = 2⁻²⁴ (the second
///    term for subnormals). As |B| ≤ |A| + √T, all of |a|, |A|, |b|, |B| are at most
///    N := (|a| + √T)(1 + 2⁻²⁰) + D·2⁻¹⁴⁷.
/// 3. So |a − b| ≤ √T + e with e := 2.02uN + D·2⁻¹⁴⁸, and the score without rounding,
///    ½(|a − b|² − |a|²), is at most ½((√T + e)² − |a|²).
/// 4. The computed score starts from ½|b|² rounded once, then takes D products off, each step
///    rounding product and difference at most once. The textbook bound for such sums gives an error
///    of at most γ(½|b|² + Σ|a_j b_j|) + (D + 2)2⁻¹⁴⁷ ≤ 1.5γN² + (D + 2)2⁻¹⁴⁷, γ = (D + 2)u / (1 − (D + 2)u).
///    Nothing overflows: s keeps every |a_j| at 1 or less.
/// 5. The limit itself is computed in f64, its own rounding below N²(D + 64)2⁻⁵⁰, and rounded up to f32.
///
/// Hence a row whose score is above the limit has c > τ and cannot be among the k nearest once k rows
/// within τ are known. Data far from the origin is harmless, since m is its mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// D.
    pub(super) dims: usize,
    /// s.
    pub(super) scale: f64,
}

impl Bound {
    /// The limit of a query with |a|² = `norm` for rows within canonical distance `reach`.
    pub(super) fn limit(self, norm: f64, reach: f64) -> f32 {
        let dims = self.dims as f64;
        let roundings = (dims + 2.0) * U;
        if reach == f64::INFINITY || roundings > 0.5 {
            return f32::INFINITY;
        }
        let scaled = self.scale * self.scale * reach * (1.0 + (dims + 64.0) * 2f64.powi(-52));
        let radius = scaled.sqrt();
        let greatest = (norm.sqrt() + radius) * (1.0 + 2f64.powi(-20)) + dims * 2f64.powi(-147);
        let stored = 2.02 * U * greatest + dims * 2f64.powi(-148);
        let square = greatest * greatest;
        let gamma = roundings / (1.0 - roundings);
        let slack = square * (1.5 * gamma + (dims + 64.0) * 2f64.powi(-50))
            + (dims + 2.0) * 2f64.powi(-147);
        let limit = 0.5 * ((radius + stored).powi(2) - norm) + slack;
        (limit as f32).next_up()
    }
}
