//! Arithmetic whose bits do not depend on the platform, and that compilers vectorize.
//!
//! The standard library leaves `f64::exp` to the platform, so that its last bit differs between
//! systems; a method that compares sums of exponentials would take another path there.

/// Lanes of [`squared_distance`].
const LANES: usize = 32;

/// eˣ, within two units in the last place; 0 where x is below −708, ∞ where it is above 709.
///
/// x = n · ln 2 + r with |r| ≤ ln 2 / 2, and eˣ = 2ⁿ · eʳ with the series of eʳ to r¹³. Its terms
/// are added in pairs of pairs, so that few of the operations wait for each other.
///
/// ```
/// assert_eq!(eos_plugin::math::exp(0.0), 1.0);
/// assert_eq!(eos_plugin::math::exp(-800.0), 0.0);
/// ```
// Always: a caller that is compiled for wider vectors has it compiled for them too.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// ln 2 in two parts; the first has zeros enough for its product with n to be exact.
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    /// 1 / i! for i from 2 to 13.
    const SERIES: [f64; 12] = [
        0.5,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let pair = |i: usize| SERIES[i] + SERIES[i + 1] * r;
    let four = |i: usize| pair(i) + pair(i + 2) * r2;
    let rest = (four(0) + four(4) * r4) + four(8) * (r4 * r4);
    let sum = 1.0 + (r + r2 * rest);
    // Adds n to the exponent.
    let power = f64::from_bits(sum.to_bits().wrapping_add(rounded.to_bits() << 52));
    let power = if x < -708.0 { 0.0 } else { power };
    if x > 709.0 { f64::INFINITY } else { power }
}

/// ‖a − b‖² of two rows `[D]`, in the bits by which the host orders neighbours: 32 partial sums
/// over the columns, folded in half five times.
///
/// ```
/// assert_eq!(eos_plugin::math::squared_distance(&[1.0, 2.0], &[4.0, 6.0]), 25.0);
/// ```
///
/// # Panics
/// Where the rows differ in length.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "rows of one set have one length");
    let mut sums = [0.0; LANES];
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let t = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += t * t;
        }
    }
    for ((a, b), sum) in rest_a.iter().zip(rest_b).zip(&mut sums) {
        let t = f64::from(*a) - f64::from(*b);
        *sum += t * t;
    }
    for half in [16, 8, 4, 2, 1] {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_exponential_is_that_of_the_platform_up_to_rounding(x in -708.0f64..709.0) {
            let relative = exp(x) / x.exp() - 1.0;
            prop_assert!(relative.abs() <= 4.5e-16, "exp({x}) is off by {relative}");
        }

        #[test]
        fn distances_are_the_plain_sums_up_to_rounding(
            pairs in proptest::collection::vec((-9f32..9.0, -9f32..9.0), 0..99),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            prop_assert!((squared_distance(&a, &b) - plain).abs() <= 1e-5 * plain);
        }
    }

    #[test]
    fn the_exponential_keeps_its_ends_and_its_bits() {
        assert_eq!([exp(f64::NEG_INFINITY), exp(-708.1), exp(-1e300)], [0.0; 3]);
        assert_eq!([exp(709.5), exp(f64::INFINITY)], [f64::INFINITY; 2]);
        assert!(exp(-707.9) > 0.0 && exp(708.9).is_finite());
        // One unit above the nearest number, on every platform.
        assert_eq!(exp(1.0).to_bits(), std::f64::consts::E.to_bits() + 1);
    }
}
