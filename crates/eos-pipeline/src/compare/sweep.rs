//! Lines that differ in one number alone.

use super::method::{Method, Place};
use super::summary::{ComparisonSummary, Line};

/// Fewer lines show no course.
const LEAST: usize = 3;

/// One method with several values of a parameter.
pub(crate) struct Sweep<'a> {
    /// Such as "eos, k (ce)".
    pub title: String,
    /// Rising values, as they are written.
    pub values: Vec<String>,
    /// A line a value.
    pub lines: Vec<&'a Line>,
}

/// A value, as it is written, and its line.
type Entry<'a> = (f64, String, &'a Line);

/// Every sweep that is among the lines.
pub(crate) fn sweeps(summary: &ComparisonSummary) -> Vec<Sweep<'_>> {
    let mut groups: Vec<(String, Vec<Entry<'_>>)> = Vec::new();
    for line in &summary.lines {
        let Ok(mut read) = Method::read(std::slice::from_ref(&line.method), Place::Embedding)
        else {
            continue;
        };
        let Some(method) = read.pop().filter(|m| m.choices.is_empty()) else {
            continue;
        };
        for (key, value) in &method.params {
            let Some(number) = value.as_float().or(value.as_integer().map(|n| n as f64)) else {
                continue;
            };
            let mut rest = method.clone();
            rest.params.remove(key);
            let title = format!("{rest}, {key} ({})", line.loss);
            let entry = (number, value.to_string(), line);
            match groups.iter_mut().find(|(known, _)| *known == title) {
                Some((_, entries)) => entries.push(entry),
                None => groups.push((title, vec![entry])),
            }
        }
    }
    groups.retain(|(_, entries)| entries.len() >= LEAST);
    groups.into_iter().map(sweep).collect()
}

/// In the order of the values.
fn sweep((title, mut entries): (String, Vec<Entry<'_>>)) -> Sweep<'_> {
    entries.sort_by(|a, b| a.0.total_cmp(&b.0));
    Sweep {
        title,
        values: entries.iter().map(|(_, value, _)| value.clone()).collect(),
        lines: entries.into_iter().map(|(.., line)| line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::summary::summarise;
    use crate::compare::tests::named_outcome;

    #[test]
    fn lines_that_differ_in_one_number_are_a_sweep() {
        let one = |method: &str| vec![named_outcome("ce", method, 0, &[0, 1], &[0, 1])];
        let names = [
            "eos:k=50",
            "eos:k=5",
            "smote",
            "eos:k=300",
            "eos:compat=reference,k=5",
            "transfer:a=0.1",
        ];
        let groups: Vec<_> = names.into_iter().map(one).collect();
        let summary = summarise(&groups, None, Vec::new()).unwrap();
        let found = sweeps(&summary);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].title.as_str(), found[0].values.join(" ")),
            ("eos, k (ce)", "5 50 300".to_owned())
        );
        assert_eq!(found[0].lines[0].method, "eos:k=5");
    }
}
