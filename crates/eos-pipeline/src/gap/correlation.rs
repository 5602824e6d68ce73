//! Spearman's rank correlation.

use serde::Serialize;

/// Up to so many pairs p counts every order; beyond it is Student's approximation.
pub const EXACT: usize = 10;

/// How two figures of the classes rise and fall together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Correlation {
    /// Spearman's ρ in [−1, 1]: Pearson's correlation of the ranks, equal values sharing the mean of
    /// their ranks.
    pub rho: f64,
    /// Two-sided: how often |ρ| is as large or larger where every order of the classes is equally
    /// likely.
    pub p: f64,
    /// Whether `p` counts all orders (up to [`EXACT`] classes); else it is that of Student's t with
    /// n − 2 degrees of freedom, t = ρ √((n − 2) / (1 − ρ²)), good to about 1e-15.
    pub exact: bool,
    /// Classes that both figures have, n.
    pub classes: usize,
}

/// Spearman's rank correlation of the pairs of which neither value is NaN; `None` where fewer than
/// two are left or one side has equal values only.
///
/// ```
/// use eos_pipeline::gap::spearman;
/// let found = spearman(&[1.0, 2.0, 3.0, 4.0], &[8.0, 6.0, 6.0, 1.0]).unwrap();
/// // Ranks 1 2 3 4 and 4 2.5 2.5 1: −4.5 / √(5 · 4.5). Of 12 orders only this and its reverse are as far.
/// assert!((found.rho + 0.9_f64.sqrt()).abs() < 1e-12);
/// assert_eq!((found.p, found.exact), (2.0 / 12.0, true));
/// ```
pub fn spearman(a: &[f64], b: &[f64]) -> Option<Correlation> {
    let pairs = a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let ranks = [doubled_ranks(&a), doubled_ranks(&b)];
    let classes = a.len();
    let [ab, aa, bb] =
        [(0, 1), (0, 0), (1, 1)].map(|(i, j)| covariance(dot(&ranks[i], &ranks[j]), classes));
    if aa == 0 || bb == 0 {
        return None;
    }
    let rho = (ab as f64 / (aa as f64 * bb as f64).sqrt()).clamp(-1.0, 1.0);
    let exact = classes <= EXACT;
    Some(Correlation {
        rho,
        p: match exact {
            true => of_all_orders(&ranks[0], &ranks[1]),
            false => student(rho.abs(), classes - 2),
        },
        exact,
        classes,
    })
}

/// Twice the rank of each value, from 1; equal values share the mean of their ranks.
fn doubled_ranks(values: &[f64]) -> Vec<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = |value: &f64| {
        let less = sorted.partition_point(|v| v < value);
        let less_or_equal = sorted.partition_point(|v| v <= value);
        (less + less_or_equal + 1) as i64
    };
    values.iter().map(rank).collect()
}

fn dot(a: &[i64], b: &[i64]) -> i64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// 4 n² times the covariance of n ranks whose doubles have this sum of products: doubled ranks add
/// up to n (n + 1).
fn covariance(dot: i64, n: usize) -> i128 {
    let n = n as i128;
    n * i128::from(dot) - (n * (n + 1)).pow(2)
}

/// Share of all orders whose covariance is as far from 0.
fn of_all_orders(a: &[i64], b: &[i64]) -> f64 {
    let n = a.len();
    let most = dot(a, a).max(dot(b, b)) as usize;
    // In how many ways the first values of `a` have each sum of products with a set of those of `b`.
    let mut ways = vec![vec![0u32; most + 1]; 1 << n];
    ways[0][0] = 1;
    for taken in 0..ways.len() - 1 {
        let from = std::mem::take(&mut ways[taken]);
        let next = a[taken.count_ones() as usize];
        for (place, b) in b.iter().enumerate().filter(|(p, _)| taken >> p & 1 == 0) {
            let step = (next * b) as usize;
            let to = &mut ways[taken | 1 << place];
            for (sum, ways) in from.iter().enumerate().filter(|(_, ways)| **ways > 0) {
                to[sum + step] += ways;
            }
        }
    }
    let least = covariance(dot(a, b), n).abs();
    let all = &ways[ways.len() - 1];
    let as_far = |sum: usize| covariance(sum as i64, n).abs() >= least;
    let far = (0..all.len()).filter(|sum| as_far(*sum));
    let count = |ways: u32| f64::from(ways);
    far.map(|sum| count(all[sum])).sum::<f64>() / all.iter().copied().map(count).sum::<f64>()
}

/// Two-sided p of a correlation ρ = `sine` ≥ 0 by Student's t of `freedom` degrees: with sin θ = ρ its
/// distribution is a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4).
fn student(sine: f64, freedom: usize) -> f64 {
    let cosine = (1.0 - sine * sine).sqrt();
    let odd = freedom % 2;
    let mut term = match odd {
        0 => sine,
        _ => sine * cosine,
    };
    let mut sum = 0.0;
    for k in 0..freedom / 2 {
        sum += term;
        let k = (2 * k + 1 + odd) as f64;
        term *= cosine * cosine * k / (k + 1.0);
    }
    let within = match odd {
        0 => sum,
        _ => (sine.asin() + sum) / std::f64::consts::FRAC_PI_2,
    };
    (1.0 - within).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1e-3)
    }

    #[test]
    fn ranks_of_equal_values_are_shared() {
        assert_eq!(doubled_ranks(&[5.0, 1.0, 5.0, 7.0]), [5, 2, 5, 8]);
    }

    #[test]
    fn figures_of_scipy_s_documentation() {
        // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]): its p is Student's.
        let found = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]).unwrap();
        assert!(close(found.rho, 0.820_782_681_668_123_3), "{found:?}");
        let p = student(found.rho, 3);
        assert!(close(p, 0.088_587_005_313_543_8), "{p}");
    }

    #[test]
    fn student_s_tails_agree_with_their_closed_forms() {
        // t = ρ √(ν / (1 − ρ²)); ν = 1: 1 − 2/π atan t; ν = 2: 1 − t / √(2 + t²).
        for rho in [0.0, 0.1, 0.5, 0.99] {
            let t = |freedom: f64| rho * (freedom / (1.0 - rho * rho)).sqrt();
            assert!(close(
                student(rho, 1),
                1.0 - t(1.0).atan() * std::f64::consts::FRAC_2_PI
            ));
            assert!(close(
                student(rho, 2),
                1.0 - t(2.0) / (2.0 + t(2.0).powi(2)).sqrt()
            ));
        }
        // The 97.5 % points of tables: t = 2.228139 of 10 degrees, 2.200985 of 11.
        for (t, freedom) in [(2.228_138_852_f64, 10), (2.200_985_160, 11)] {
            let rho = t / (freedom as f64 + t * t).sqrt();
            assert!((student(rho, freedom) - 0.05).abs() < 1e-9);
        }
        assert_eq!(student(1.0, 9), 0.0);
    }

    #[test]
    fn ten_classes_in_opposite_order_are_two_of_ten_factorial_orders() {
        let sizes: Vec<f64> = (0..10).map(f64::from).collect();
        let gaps: Vec<f64> = sizes.iter().map(|size| -size).collect();
        let found = spearman(&sizes, &gaps).unwrap();
        assert_eq!((found.rho, found.exact, found.classes), (-1.0, true, 10));
        assert!(close(found.p, 2.0 / 3_628_800.0));
    }

    #[test]
    fn values_that_are_missing_are_left_out() {
        let a = [3.0, f64::NAN, 1.0, 2.0, 9.0];
        let b = [1.0, 0.0, 3.0, 2.0, f64::NAN];
        assert_eq!(
            spearman(&a, &b),
            spearman(&[3.0, 1.0, 2.0], &[1.0, 3.0, 2.0])
        );
        assert_eq!(spearman(&[1.0, 2.0], &[5.0, 5.0]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
        assert_eq!(spearman(&[], &[]), None);
    }

    #[test]
    fn eleven_classes_are_approximated() {
        let sizes: Vec<f64> = (0..11).map(f64::from).collect();
        let gaps = [0.0, 2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0, 10.0, 9.0];
        let found = spearman(&sizes, &gaps).unwrap();
        // 1 − 6 Σd² / (n (n² − 1)) with Σd² = 10.
        assert!(close(found.rho, 1.0 - 60.0 / 1320.0) && !found.exact);
        assert!(found.p > 0.0 && found.p < 1e-4);
    }

    /// Calls `each` with every order of `values`.
    fn orders(values: &mut Vec<i64>, from: usize, each: &mut impl FnMut(&[i64])) {
        if from == values.len() {
            each(values);
        }
        for at in from..values.len() {
            values.swap(from, at);
            orders(values, from + 1, each);
            values.swap(from, at);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn p_is_that_of_every_order_one_by_one(
            pairs in prop::collection::vec((0u8..6, 0u8..6), 2..8)
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) =
                pairs.iter().map(|(a, b)| (f64::from(*a), f64::from(*b))).unzip();
            let Some(found) = spearman(&a, &b) else { return Ok(()) };
            let (a, mut b) = (doubled_ranks(&a), doubled_ranks(&b));
            let of = |b: &[i64]| covariance(dot(&a, b), a.len()).abs();
            let least = of(&b);
            let (mut all, mut far) = (0u32, 0u32);
            orders(&mut b, 0, &mut |b| {
                all += 1;
                far += u32::from(of(b) >= least);
            });
            prop_assert!(close(found.p, f64::from(far) / f64::from(all)));
        }
    }
}
