//! How far the first pass can be wrong.

/// The unit roundoff of f32.
const U: f64 = 1.0 / 16_777_216.0;

/// Makes the limits that the first pass compares with, so that it drops no neighbour.
///
/// Let x_a and x_b be two rows, m the centre and s the power of two of [`Packed`](super::packed::Packed),
/// A = s(x_a − m), δ = s|x_a − x_b| = |A − B|, and a, b the f32 vectors that A and B are stored as.
/// A score is the computed value of ½|b|² − a · b = ½(|a − b|² − |a|²); c is the canonical distance.
///
/// 1. The canonical sum rounds each term fewer than D + 64 times and all terms have one sign: c and
///    δ²/s² differ by a factor within 1 ± (D + 64)2⁻⁵².
/// 2. A is made in f64 and rounded to f32: |a_j − A_j| ≤ 1.01u|A_j| + 2⁻¹⁴⁹ with u = 2⁻²⁴ (the second
///    term for subnormals). Hence if ρ is at least δ or at least |a − b|, all of |a|, |A|, |b|, |B|
///    are at most N := (|a| + ρ)(1 + 2⁻²⁰) + D·2⁻¹⁴⁷, and δ and |a − b| differ by at most
///    e := 2.02uN + D·2⁻¹⁴⁸.
/// 3. The computed score starts from ½|b|² rounded once, then takes D products off, each step
///    rounding product and difference at most once. The textbook bound for such sums gives an error
///    of at most γ(½|b|² + Σ|a_j b_j|) + (D + 2)2⁻¹⁴⁷ ≤ 1.5γN² + (D + 2)2⁻¹⁴⁷, γ = (D + 2)u / (1 − (D + 2)u).
///    Nothing overflows: s keeps every |a_j| at 1 or less.
///
/// *The limit for a reach τ* ([`limit`](Self::limit)). Take a row with c ≤ τ. By 1, δ² ≤ s²τ(1 + (D + 64)2⁻⁵²) =: T;
/// by 2 with ρ = √T, |a − b| ≤ √T + e; by 3 its score is at most ½((√T + e)² − |a|²) + 1.5γN² + (D + 2)2⁻¹⁴⁷.
/// That is computed in f64, its own rounding below N²(D + 64)2⁻⁵⁰, and rounded up to f32. Hence a row
/// whose score is above the limit has c > τ and is not among the k nearest once k rows within τ are known.
///
/// *The reach of a score S* ([`reach`](Self::reach)). Take a row whose score is at most S, and r = |a − b|.
/// The error of 3 is at most 1.5γ(|a| + r)², as |b| ≤ |a| + r, and (|a| + r)² ≤ 2|a|² + 2r². So
/// r² ≤ 2S + |a|² + 6γ(|a|² + r²) + (D + 2)2⁻¹⁴⁶, that is r² ≤ (2S + (1 + 6γ)|a|² + (D + 2)2⁻¹⁴⁶) / (1 − 6γ) =: R.
/// By 2 with ρ = √R, δ ≤ √R + e, and by 1 c ≤ (√R + e)²/s² · (1 + (D + 64)2⁻⁵²). Rounding in f64 adds less than
/// (|a|² + |2S|)(D + 64)2⁻⁵⁰ to the numerator of R, and 2⁻⁵⁰ in place of 2⁻⁵² covers it in the rest. Hence k
/// rows of score S or less lie within the reach of S, and the limit for that reach drops no neighbour.
///
/// Data far from the origin is harmless, since m is its mean.
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
        let gamma = self.gamma();
        if reach == f64::INFINITY || gamma == f64::INFINITY {
            return f32::INFINITY;
        }
        let scaled = self.scale * self.scale * reach * (1.0 + (dims + 64.0) * 2f64.powi(-52));
        let radius = scaled.sqrt();
        let (greatest, stored) = self.stored(norm, radius);
        let square = greatest * greatest;
        let slack = square * (1.5 * gamma + (dims + 64.0) * 2f64.powi(-50))
            + (dims + 2.0) * 2f64.powi(-147);
        let limit = 0.5 * ((radius + stored).powi(2) - norm) + slack;
        (limit as f32).next_up()
    }

    /// A canonical distance that no row exceeds whose score is at most `score`.
    pub(super) fn reach(self, norm: f64, score: f32) -> f64 {
        let (dims, score) = (self.dims as f64, f64::from(score));
        let sixfold = 6.0 * self.gamma();
        if sixfold > 0.5 {
            return f64::INFINITY;
        }
        let slack = (norm + 2.0 * score.abs()) * (dims + 64.0) * 2f64.powi(-50)
            + (dims + 2.0) * 2f64.powi(-146);
        let square = (2.0 * score + norm * (1.0 + sixfold) + slack) / (1.0 - sixfold);
        let radius = square.max(0.0).sqrt();
        let (_, stored) = self.stored(norm, radius);
        let far = (radius + stored) / self.scale;
        far * far * (1.0 + (dims + 64.0) * 2f64.powi(-50))
    }

    /// γ; +∞ where rows are so long that it says nothing.
    fn gamma(self) -> f64 {
        let roundings = (self.dims as f64 + 2.0) * U;
        if roundings > 0.5 {
            return f64::INFINITY;
        }
        roundings / (1.0 - roundings)
    }

    /// N and e for ρ = `radius`.
    fn stored(self, norm: f64, radius: f64) -> (f64, f64) {
        let dims = self.dims as f64;
        let greatest = (norm.sqrt() + radius) * (1.0 + 2f64.powi(-20)) + dims * 2f64.powi(-147);
        let stored = 2.02 * U * greatest + dims * 2f64.powi(-148);
        (greatest, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_and_its_limit_enclose_the_score() {
        for (dims, norm, score) in [
            (1, 0.5, -0.25),
            (64, 3.0, -1.4),
            (64, 3.0, 2.0),
            (4096, 0.0, 0.0),
            (4096, 1e-40, -0.4e-40),
            (512, 40.0, -20.000_001),
        ] {
            let bound = Bound { dims, scale: 0.25 };
            let reach = bound.reach(norm, score);
            assert!(reach * 0.0625 >= norm + 2.0 * f64::from(score));
            assert!(bound.limit(norm, reach) > score);
        }
        let long = Bound {
            dims: 1 << 24,
            scale: 1.0,
        };
        assert_eq!(long.reach(1.0, 0.0), f64::INFINITY);
        assert_eq!(long.limit(1.0, 1.0), f32::INFINITY);
    }
}
