//! How far the first pass can be wrong.

/// The unit roundoff of f32.
const U: f64 = 1.0 / 16_777_216.0;

/// Makes the limits that the first pass compares with, so that it drops no neighbour.
///
/// Let x_a and x_b be two rows, m the centre and s the scale of the stored rows,
/// A = s(x_a − m), δ = s|x_a − x_b| = |A − B|, and a, b the vectors that A and B are stored as. The
/// score of b for a is the computed value of ½|b|² − a · b = ½(|a − b|² − |a|²), the negative of
/// what the kernel calls closeness; c is the canonical distance.
///
/// 1. The canonical sum rounds each term fewer than D + 64 times and all terms have one sign: c and
///    δ²/s² differ by a factor within 1 ± (D + 64)2⁻⁵².
/// 2. Storing. *Floats*: |a_j − A_j| ≤ 1.01u|A_j| + 2⁻¹⁴⁹ with u = 2⁻²⁴ (the second term for
///    subnormals). *Pairs* of integers: |a_j − A_j| ≤ ½(1 + 2⁻²⁰). Let ρ be at least δ or at least
///    |a − b|. Then all of |a|, |A|, |b|, |B| are at most N := (|a| + ρ)(1 + 2⁻²⁰ + κ) + ν, and δ and
///    |a − b| differ by at most e := κN + ε, with κ = 2.02u, ε = D·2⁻¹⁴⁸, ν = 2ε for floats and κ = 0,
///    ε = √D(1 + 2⁻²⁰), ν = 2ε for pairs.
/// 3. The score. *Floats*: the kernel starts from ½|b|² rounded once, then takes D products off,
///    each step rounding product and difference at most once; the textbook bound for such sums gives
///    an error of at most 1.5γ'N² + (D + 2)2⁻¹⁴⁷, γ' = (D + 2)u / (1 − (D + 2)u). *Pairs*: the sum
///    is an integer and exact, but for ½|b|², rounded to f32 and to an integer, and it is rounded to
///    f32 at the end: at most 2.1uN² + 1. For both: |a|² is taken as twice the rounded ½|a|² (½uN²), and
///    where one product serves both its rows, ½|a|² and ½|b|² rounded, their differences with the sum and
///    the score made of these add at most 5.8uN². Hence the error is at most gN² + η: with
///    γ = (D + 8)u / (1 − (D + 8)u), g = 1.5γ and η = (D + 2)2⁻¹⁴⁷ for floats, g = 9u and η = 1 for pairs.
///    Nothing overflows: s keeps |a_j| at 1 or less (floats), |a| at 32,766 + ½√D or less (pairs).
///
/// *The limit for a reach τ* ([`limit`](Self::limit)). Take a row with c ≤ τ. By 1, δ² ≤ s²τ(1 + (D + 64)2⁻⁵²) =: T;
/// by 2 with ρ = √T, |a − b| ≤ √T + e; by 3 its score is at most ½((√T + e)² − |a|²) + gN² + η.
/// That is computed in f64, its own rounding below N²(D + 64)2⁻⁵⁰, and rounded up to f32. Hence a row
/// whose score is above the limit has c > τ and is not among the k nearest once k rows within τ are known.
///
/// *The reach of a score S* ([`reach`](Self::reach)). Take a row whose score is at most S, and r = |a − b|.
/// The error of 3 is at most g(|a| + r)² + η, as |b| ≤ |a| + r, and (|a| + r)² ≤ 2|a|² + 2r². So
/// r² ≤ 2S + |a|² + 4g(|a|² + r²) + 2η, that is r² ≤ (2S + (1 + 4g)|a|² + 2η) / (1 − 4g) =: R.
/// By 2 with ρ = √R, δ ≤ √R + e, and by 1 c ≤ (√R + e)²/s² · (1 + (D + 64)2⁻⁵²). Rounding in f64 adds less than
/// (|a|² + |2S|)(D + 64)2⁻⁵⁰ to the numerator of R, and 2⁻⁵⁰ in place of 2⁻⁵² covers it in the rest. Hence k
/// rows of score S or less lie within the reach of S, and the limit for that reach drops no neighbour.
///
/// *What the limit adds to a score*, L(S) − S with L(S) the limit for the reach of S, does not fall as S
/// rises: R − 2S, √R and with it N and e rise with S. So where L(S) is known, S' + (L(S) − S) is above L(S')
/// for S' < S, but for the rounding in f64, which the slack above exceeds.
///
/// Data far from the origin is harmless, since m is its mean.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// D.
    pub dims: f64,
    /// s.
    pub scale: f64,
    /// κ and ε.
    pub stored: (f64, f64),
    /// g and η.
    pub score: (f64, f64),
}

impl Bound {
    /// Rows stored as f32.
    pub fn floats(dims: usize, scale: f64) -> Self {
        let dims = dims as f64;
        let roundings = (dims + 8.0) * U;
        // Where rows are so long that this says nothing, no row is dropped.
        let gamma = if roundings > 0.5 {
            f64::INFINITY
        } else {
            roundings / (1.0 - roundings)
        };
        Self {
            dims,
            scale,
            stored: (2.02 * U, dims * 2f64.powi(-148)),
            score: (1.5 * gamma, (dims + 2.0) * 2f64.powi(-147)),
        }
    }

    /// Rows stored as the nearest TF32, multiplied on tensor cores: 2, κ = 2.02 · 2⁻¹¹, and subnormals may count as
    /// zeros, ε = D · 2⁻¹²⁴. 3: products are exact. Eight of them and the sum so far are aligned to the greatest of the
    /// nine, which no sum of a step exceeds by more than 1.5N², and truncated to 24 bits or more; ten such errors a step of
    /// eight terms make at most 15 · 2⁻²³ N² · D/8 (the model of tensor cores that measurements of their arithmetic
    /// give; the GPU check compares it with the card's).
    pub fn tf32(dims: usize, scale: f64) -> Self {
        let floats = Self::floats(dims, scale);
        Self {
            stored: (2.02 / 2048.0, floats.dims * 2f64.powi(-124)),
            score: (tensor_gain(dims), floats.dims * 2f64.powi(-124)),
            ..floats
        }
    }

    /// Rows stored as f32, each value split into two TF32 when multiplied, and the product of the rests left out. What is
    /// left of a value is at most 2⁻²² of it: with the product of the rests, 3.1 · 2⁻²² N² beside the error of three times
    /// as many steps.
    pub fn tf32x3(dims: usize, scale: f64) -> Self {
        let floats = Self::floats(dims, scale);
        let left_out = 3.1 * 2f64.powi(-22);
        Self {
            score: (
                3.0 * tensor_gain(dims) + left_out,
                floats.dims * 2f64.powi(-124),
            ),
            ..floats
        }
    }

    /// Rows stored as integers.
    pub fn pairs(dims: usize, scale: f64) -> Self {
        let dims = dims as f64;
        Self {
            dims,
            scale,
            stored: (0.0, dims.sqrt() * (1.0 + 2f64.powi(-20))),
            score: (9.0 * U, 1.0),
        }
    }

    /// The greatest score of a row within canonical distance `reach` of a query with |a|² = `norm`.
    pub fn limit(self, norm: f64, reach: f64) -> f32 {
        let (gain, constant) = self.score;
        if reach == f64::INFINITY || gain == f64::INFINITY {
            return f32::INFINITY;
        }
        let scaled = self.scale * self.scale * reach * (1.0 + (self.dims + 64.0) * 2f64.powi(-52));
        let radius = scaled.sqrt();
        let (greatest, stored) = self.apart(norm, radius);
        let slack = greatest * greatest * (gain + (self.dims + 64.0) * 2f64.powi(-50)) + constant;
        let limit = 0.5 * ((radius + stored).powi(2) - norm) + slack;
        (limit as f32).next_up()
    }

    /// A canonical distance that no row exceeds whose score is at most `score`.
    pub fn reach(self, norm: f64, score: f32) -> f64 {
        let (gain, constant) = self.score;
        let score = f64::from(score);
        if score == f64::INFINITY || 4.0 * gain > 0.5 {
            return f64::INFINITY;
        }
        let rounding = (self.dims + 64.0) * 2f64.powi(-50);
        let slack = (norm + 2.0 * score.abs()) * rounding + 2.0 * constant;
        let square = (2.0 * score + norm * (1.0 + 4.0 * gain) + slack) / (1.0 - 4.0 * gain);
        let radius = square.max(0.0).sqrt();
        let (_, stored) = self.apart(norm, radius);
        let far = (radius + stored) / self.scale;
        far * far * (1.0 + rounding)
    }

    /// How far the canonical sum is from the true one, relative to it, with room: (D + 64)2⁻⁵².
    pub fn canonical(self) -> f64 {
        (self.dims + 64.0) * 2f64.powi(-52)
    }

    /// N and e for ρ = `radius`.
    fn apart(self, norm: f64, radius: f64) -> (f64, f64) {
        let (relative, absolute) = self.stored;
        let greatest = (norm.sqrt() + radius) * (1.0 + 2f64.powi(-20) + relative) + 2.0 * absolute;
        (greatest, relative * greatest + absolute)
    }
}

/// g of one product a term on tensor cores, see [`Bound::tf32`].
fn tensor_gain(dims: usize) -> f64 {
    15.0 * 2f64.powi(-23) * dims.div_ceil(8) as f64
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
            (64, 4e8, -1.9e8),
        ] {
            for bound in [
                Bound::floats(dims, 0.25),
                Bound::pairs(dims, 0.25),
                Bound::tf32(dims, 0.25),
                Bound::tf32x3(dims, 0.25),
            ] {
                let reach = bound.reach(norm, score);
                assert!(reach * 0.0625 >= norm + 2.0 * f64::from(score));
                assert!(bound.limit(norm, reach) > score);
                assert_eq!(bound.reach(norm, f32::INFINITY), f64::INFINITY);
            }
        }
        let long = Bound::floats(1 << 24, 1.0);
        assert_eq!(long.reach(1.0, 0.0), f64::INFINITY);
        assert_eq!(long.limit(1.0, 1.0), f32::INFINITY);
    }
}
