//! Which rows a page has room for.

/// For each class at most `most` of its rows, evenly over their order.
pub(crate) fn by_class(labels: &[u32], classes: usize, most: usize) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); classes];
    for (row, label) in labels.iter().enumerate() {
        rows[*label as usize].push(row);
    }
    rows.iter().map(|rows| evenly(rows, most)).collect()
}

/// At most `most` of `items`, evenly over their order, the first among them.
pub(crate) fn evenly<T: Clone>(items: &[T], most: usize) -> Vec<T> {
    let taken = items.len().min(most);
    (0..taken)
        .map(|i| items[i * items.len() / taken].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_all_taken_and_many_evenly() {
        let labels = [0, 1, 0, 0, 0, 0, 0];
        assert_eq!(by_class(&labels, 3, 3), [vec![0, 3, 5], vec![1], vec![]]);
        assert_eq!(evenly(&[7, 8], 5), [7, 8]);
    }
}
