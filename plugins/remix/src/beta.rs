//! The symmetric Beta distribution.

use eos_plugin::open_unit;
use std::f64::consts::TAU;

/// λ ~ Beta(α, α) from three words, by Devroye's (1996) formula for any α > 0:
/// ½ ± ½ / √(1 + 1 / ((U^(−1/α) − 1) · cos² 2πV)).
pub fn symmetric_beta(alpha: f64, [u, v, sign]: [u32; 3]) -> f64 {
    let cosine = (TAU * open_unit(v)).cos();
    // U^(−1/α) − 1 without loss where it is small.
    let power = (-open_unit(u).ln() / alpha).exp_m1();
    let half = 0.5 / (1.0 + 1.0 / (power * cosine * cosine)).sqrt();
    if sign & 1 == 0 {
        0.5 + half
    } else {
        0.5 - half
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words without a pattern: SplitMix64.
    fn words(n: u64) -> impl Iterator<Item = [u32; 3]> {
        let mix = |i: u64| {
            let z = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 32) as u32
        };
        (1..=n).map(move |i| [mix(3 * i), mix(3 * i + 1), mix(3 * i + 2)])
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        for alpha in [0.1, 0.4, 1.0, 2.0, 30.0] {
            let drawn: Vec<f64> = words(200_000).map(|w| symmetric_beta(alpha, w)).collect();
            let mean = |power: i32| {
                let sum: f64 = drawn.iter().map(|x| (x - 0.5).powi(power)).sum();
                sum / drawn.len() as f64
            };
            assert!(drawn.iter().all(|x| (0.0..=1.0).contains(x)));
            // Variance 1 / (4 (2α + 1)), kurtosis 3 (2α + 1) / (2α + 3).
            let variance = 0.25 / (2.0 * alpha + 1.0);
            let fourth = 3.0 * (2.0 * alpha + 1.0) / (2.0 * alpha + 3.0) * variance * variance;
            assert!(mean(1).abs() < 0.004, "α = {alpha}: mean {}", mean(1));
            assert!(
                (mean(2) / variance - 1.0).abs() < 0.02,
                "α = {alpha}: {}",
                mean(2)
            );
            assert!(
                (mean(4) / fourth - 1.0).abs() < 0.03,
                "α = {alpha}: {}",
                mean(4)
            );
        }
    }

    #[test]
    fn alpha_1_is_uniform() {
        let mut tenths = [0u32; 10];
        for w in words(100_000) {
            tenths[(symmetric_beta(1.0, w) * 10.0) as usize] += 1;
        }
        // 10 000 of each expected, with a deviation of 95.
        assert!(
            tenths.iter().all(|n| (9_500..10_500).contains(n)),
            "{tenths:?}"
        );
    }
}
