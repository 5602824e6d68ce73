//! Distances and neighbours within one part.

use eos_plugin::math::squared_distance;

/// What a row sees of the other rows of its part.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Sum of the distances to all of them.
    pub distances: f64,
    /// The nearest of them by (distance, row).
    pub nearest: Vec<u32>,
}

/// The view of row number `q` of the part with the rows `rows` of `values`, `[N, D]`; `k` nearest,
/// or as many as there are.
pub fn look(values: &[f32], dims: usize, rows: &[u32], q: usize, k: usize) -> View {
    let row = |number: u32| &values[number as usize * dims..][..dims];
    let base = row(rows[q]);
    let others = rows.iter().enumerate().filter(|(at, _)| *at != q);
    let mut others: Vec<(f64, u32)> = others
        .map(|(_, &other)| (squared_distance(base, row(other)), other))
        .collect();
    let distances = others.iter().map(|(squared, _)| squared.sqrt()).sum();
    let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if k > 0 && k < others.len() {
        others.select_nth_unstable_by(k - 1, order);
    }
    others.truncate(k);
    others.sort_unstable_by(order);
    View {
        distances,
        nearest: others.into_iter().map(|(_, other)| other).collect(),
    }
}

/// The mean distance between two rows of a part; 0 where there are not two.
pub fn mean_distance(views: &[View]) -> f64 {
    let pairs = views.len() * views.len().saturating_sub(1);
    views.iter().map(|view| view.distances).sum::<f64>() / pairs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_sees_all_others_and_keeps_the_nearest() {
        let values = [0.0, 9.0, 1.0, -1.0, 4.0];
        let rows = [0, 2, 3, 4];
        let view = look(&values, 1, &rows, 0, 2);
        assert_eq!((view.distances, &view.nearest[..]), (6.0, &[2, 3][..]));
        assert_eq!(look(&values, 1, &rows, 0, 9).nearest, [2, 3, 4]);
        assert!(look(&values, 1, &rows, 0, 0).nearest.is_empty());
        let views: Vec<View> = (0..4).map(|q| look(&values, 1, &rows, q, 1)).collect();
        // 1 + 1 + 4, 1 + 2 + 3, 1 + 2 + 5, 4 + 3 + 5 over twelve pairs.
        assert_eq!(mean_distance(&views), 32.0 / 12.0);
        assert_eq!(mean_distance(&[look(&values, 1, &[4], 0, 3)]), 0.0);
    }
}
