//! Which clusters a class is made in, and how much of it in each.

use std::collections::BTreeMap;

/// The rows of one class in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Number of the cluster.
    pub cluster: u32,
    /// Rows of the class, rising.
    pub rows: Vec<u32>,
    /// Rows of any class.
    pub size: usize,
}

/// The parts of a class with the rows `members`; `clusters` is the cluster of each row of the
/// data. By rising cluster.
pub fn parts(members: &[u32], clusters: &[u32]) -> Vec<Part> {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for &cluster in clusters {
        *sizes.entry(cluster).or_default() += 1;
    }
    let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &row in members {
        rows.entry(clusters[row as usize]).or_default().push(row);
    }
    let part = |(cluster, rows)| Part {
        cluster,
        rows,
        size: sizes[&cluster],
    };
    rows.into_iter().map(part).collect()
}

impl Part {
    /// Whether the class has at least the share `threshold` of the cluster, and more rows in it
    /// than the `k` neighbours that each of them draws from.
    pub fn is_eligible(&self, threshold: f64, k: usize) -> bool {
        self.rows.len() as f64 / self.size as f64 >= threshold && self.rows.len() > k
    }
}

/// The least share of a cluster that a class has to have, by the peer's "auto": half of its share
/// of all rows wanted.
pub fn auto_threshold(wanted: u64, of_all: u64) -> f64 {
    wanted as f64 / of_all as f64 / 2.0
}

/// The exponent of the mean distance, by the peer's "auto": log₁.₆(n)¹·⁸ · 0.16 for n rows.
pub fn auto_exponent(n: usize) -> f64 {
    ((n as f64).ln() / 1.6f64.ln()).powf(1.8) * 0.16
}

/// ln(meanᵉ / n), the logarithm of the sparsity of a part: it overflows for no distance.
pub fn log_sparsity(mean_distance: f64, exponent: f64, n: usize) -> f64 {
    let power = if exponent == 0.0 {
        0.0
    } else {
        exponent * mean_distance.ln()
    };
    power - (n as f64).ln()
}

/// The share of each part in proportion to its sparsity; a part whose rows are all equal has
/// none, and where all parts are such, 1/n is its sparsity. Sizes of the parts are `rows`.
pub fn weights(log_sparsities: &[f64], rows: &[usize]) -> Vec<f64> {
    let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let without: Vec<f64> = rows.iter().map(|&n| -(n as f64).ln()).collect();
    let values = if most(log_sparsities).is_finite() {
        log_sparsities
    } else {
        &without
    };
    let top = most(values);
    let weights: Vec<f64> = values.iter().map(|value| (value - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Divides `wanted` by `weights`, which sum to 1: the whole parts of wanted · weight, and one more
/// for the largest remainders, the lower of equals first.
///
/// ```
/// use eos_plugin_kmeans_smote::shares;
/// assert_eq!(shares(10, &[0.25, 0.25, 0.5]), [3, 2, 5]);
/// ```
pub fn shares(wanted: u64, weights: &[f64]) -> Vec<u64> {
    let exact: Vec<f64> = weights.iter().map(|w| w * wanted as f64).collect();
    let mut shares: Vec<u64> = exact.iter().map(|e| e.floor() as u64).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| (exact[b].fract()).total_cmp(&exact[a].fract()));
    let mut left = i128::from(wanted) - shares.iter().map(|&s| i128::from(s)).sum::<i128>();
    // Rounding of large products may leave more than one for each, or take some back.
    for &part in order.iter().cycle() {
        if left == 0 {
            break;
        }
        if left > 0 {
            shares[part] += 1;
            left -= 1;
        } else if shares[part] > 0 {
            shares[part] -= 1;
            left += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_counted_among_all_rows() {
        let clusters = [2, 0, 2, 1, 2];
        let part = |cluster, rows: &[u32], size| Part {
            cluster,
            rows: rows.to_vec(),
            size,
        };
        assert_eq!(
            parts(&[1, 2, 4], &clusters),
            [part(0, &[1], 1), part(2, &[2, 4], 3)]
        );
        let two_of_three = part(2, &[2, 4], 3);
        assert!(two_of_three.is_eligible(0.6, 1) && !two_of_three.is_eligible(0.7, 1));
        assert!(!two_of_three.is_eligible(0.0, 2));
    }

    #[test]
    fn equal_rows_weigh_nothing_beside_others_and_by_number_alone() {
        let flat = log_sparsity(0.0, 2.0, 4);
        assert_eq!(flat, f64::NEG_INFINITY);
        assert_eq!(
            weights(&[flat, log_sparsity(1.0, 2.0, 4)], &[4, 4]),
            [0.0, 1.0]
        );
        let both = weights(&[flat, flat], &[2, 6]);
        assert!((both[0] - 0.75).abs() < 1e-12 && (both[1] - 0.25).abs() < 1e-12);
        // A power that overflows, and one that is no power.
        let huge = weights(
            &[log_sparsity(1e38, 20.0, 9), log_sparsity(2e38, 20.0, 9)],
            &[9, 9],
        );
        assert!(huge[1] > 0.999 && huge[0] > 0.0);
        assert_eq!(log_sparsity(0.0, 0.0, 1), 0.0);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_are_next_to_exact(
            wanted in 0u64..1 << 40, raw in proptest::collection::vec(0.0f64..1.0, 1..9),
        ) {
            let sum: f64 = raw.iter().sum::<f64>() + 1e-9;
            let mut weights: Vec<f64> = raw.iter().map(|w| w / sum).collect();
            weights[0] += 1.0 - weights.iter().sum::<f64>();
            let shares = shares(wanted, &weights);
            prop_assert_eq!(shares.iter().sum::<u64>(), wanted);
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!((*share as f64 - weight * wanted as f64).abs() < 1.001);
            }
        }
    }

    #[test]
    fn ties_go_to_the_lower_cluster() {
        assert_eq!(shares(2, &[0.25; 4]), [1, 1, 0, 0]);
        assert_eq!(shares(7, &[0.0, 1.0]), [0, 7]);
        // A product beyond 2⁵³ is not exact, and still nothing is lost.
        assert_eq!(shares(u64::MAX, &[0.3, 0.7]).iter().sum::<u64>(), u64::MAX);
    }
}
