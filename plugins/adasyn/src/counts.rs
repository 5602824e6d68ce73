//! How many samples each row of a class gets, by the enemies near it.

/// `total` samples shared among rows in proportion to `enemies`, `[n]`: exactly `total`, each
/// row its whole part of G · e_i / Σe, and one more where the remainder is largest, of equal ones
/// at the lowest row. Empty where no row has an enemy.
///
/// ```
/// // 10 · [1, 2, 0, 3] / 6 = [1.67, 3.33, 0, 5]
/// assert_eq!(eos_plugin_adasyn::shares(&[1, 2, 0, 3], 10), [2, 3, 0, 5]);
/// assert_eq!(eos_plugin_adasyn::shares(&[1, 1, 1], 4), [2, 1, 1]);
/// ```
pub fn shares(enemies: &[usize], total: u64) -> Vec<u64> {
    let sum: u128 = enemies.iter().map(|&e| e as u128).sum();
    if sum == 0 {
        return Vec::new();
    }
    let quota = |e: usize| u128::from(total) * e as u128;
    let mut counts: Vec<u64> = enemies.iter().map(|&e| (quota(e) / sum) as u64).collect();
    let missing = total - counts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..enemies.len()).collect();
    // Stable: of equal remainders the lower row comes first.
    order.sort_by_key(|&i| std::cmp::Reverse(quota(enemies[i]) % sum));
    for &i in &order[..missing as usize] {
        counts[i] += 1;
    }
    counts
}

/// imbalanced-learn's counts, n_i = rint(G · r_i / Σr) with half to even, for shares of enemies
/// `r`, `[n]`. In its own f64 arithmetic, so that halves fall as they do there. Their sum may miss
/// `total` by as much as half a sample a row.
///
/// ```
/// // Halves go to the even side: 2.5 to 2, 7.5 to 8.
/// assert_eq!(eos_plugin_adasyn::rounded(&[0.25, 0.75], 10), [2, 8]);
/// assert_eq!(eos_plugin_adasyn::rounded(&[0.5, 0.5], 1), [0, 0]);
/// ```
pub fn rounded(r: &[f64], total: u64) -> Vec<u64> {
    let sum = pairwise_sum(r);
    if sum == 0.0 {
        return Vec::new();
    }
    let count = |r: &f64| (r / sum * total as f64).round_ties_even() as u64;
    r.iter().map(count).collect()
}

/// NumPy's sum: eight partial sums on up to 128 values, halves of more.
fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return values.iter().sum();
    }
    if values.len() > 128 {
        let half = values.len() / 2;
        let (low, high) = values.split_at(half - half % 8);
        return pairwise_sum(low) + pairwise_sum(high);
    }
    let (blocks, rest) = values.split_at(values.len() - values.len() % 8);
    let mut s = [0.0; 8];
    for block in blocks.chunks(8) {
        s.iter_mut().zip(block).for_each(|(s, value)| *s += value);
    }
    let sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    rest.iter().fold(sum, |sum, value| sum + value)
}

/// `counts` made to sum to `total`: one sample at a time goes to the row that lacks most of its
/// G · e_i / Σe, or comes from the row that exceeds it most; of equal ones the lowest. A row
/// without enemies gets none.
pub fn settled(mut counts: Vec<u64>, enemies: &[usize], total: u64) -> Vec<u64> {
    let sum: i128 = enemies.iter().map(|&e| e as i128).sum();
    for (count, _) in counts.iter_mut().zip(enemies).filter(|(_, e)| **e == 0) {
        *count = 0;
    }
    let lacks =
        |i: usize, count: u64| i128::from(total) * enemies[i] as i128 - i128::from(count) * sum;
    loop {
        let made: u64 = counts.iter().sum();
        if made == total || sum == 0 {
            return counts;
        }
        let mut order: Vec<usize> = (0..counts.len()).filter(|&i| enemies[i] > 0).collect();
        if made < total {
            order.sort_by_key(|&i| std::cmp::Reverse(lacks(i, counts[i])));
            let missing = (total - made).min(order.len() as u64) as usize;
            order[..missing].iter().for_each(|&i| counts[i] += 1);
        } else {
            order.retain(|&i| counts[i] > 0);
            order.sort_by_key(|&i| lacks(i, counts[i]));
            let over = (made - total).min(order.len() as u64) as usize;
            order[..over].iter().for_each(|&i| counts[i] -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_ties_go_to_the_lower_row() {
        assert_eq!(shares(&[1, 1, 1, 1], 6), [2, 2, 1, 1]);
        assert_eq!(shares(&[0, 5, 5], 1), [0, 1, 0]);
        assert_eq!(shares(&[3, 1], 0), [0, 0]);
        assert!(shares(&[0, 0], 7).is_empty() && shares(&[], 7).is_empty());
        let huge = shares(&[1, 2], u64::MAX);
        assert_eq!(huge, [u64::MAX / 3, u64::MAX / 3 * 2]);
    }

    #[test]
    fn what_rounding_misses_is_settled_by_the_largest_remainder() {
        // 25 · [1, 1, 2, 3] / 7 = [3.57, 3.57, 7.14, 10.71]
        let enemies = [1, 1, 2, 3];
        let peer = rounded(&[0.2, 0.2, 0.4, 0.6], 25);
        assert_eq!(peer, [4, 4, 7, 11]);
        assert_eq!(settled(peer, &enemies, 25), [3, 4, 7, 11]);
        // 2 · ¼ each: the peer makes none at all.
        let none = rounded(&[0.5; 8], 2);
        assert_eq!(none, [0; 8]);
        assert_eq!(settled(none, &[1; 8], 2), [1, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(settled(vec![5, 0], &[1, 0], 1), [1, 0]);
    }

    #[test]
    fn long_sums_are_added_in_parts() {
        // One after the other they come to 3.0000000000000013 and 30.000000000000156.
        assert_eq!(pairwise_sum(&[0.1; 30]), 3.000000000000001);
        assert_eq!(pairwise_sum(&[0.1; 300]), 29.999999999999996);
    }
}
