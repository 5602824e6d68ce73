//! How many rows each class should get.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A rule for the sizes of the classes after oversampling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// "auto" (= not-majority), "minority", "not-minority", "not-majority", "all".
    Rule(String),
    /// Size of the smaller over the larger of two classes afterwards, in (0, 1].
    Ratio(f64),
    /// Size afterwards by class name; `cap` bounds every class of any rule.
    Sizes(BTreeMap<String, u64>),
}

impl Default for Wanted {
    fn default() -> Self {
        Self::Rule("auto".to_owned())
    }
}

impl std::str::FromStr for Wanted {
    type Err = Error;

    /// As in a configuration, and `a=100,b=50` or `cap=500` without braces.
    fn from_str(text: &str) -> Result<Self, Error> {
        let sizes = text.contains('=') && !text.trim_start().starts_with('{');
        let value = match sizes {
            true => crate::config::value(&format!("{{ {text} }}")),
            false => crate::config::value(text),
        };
        value.try_into().map_err(|_| {
            Error::Request(format!(
                "wanted '{text}' is no rule; use auto, minority, not-minority, not-majority, all, a \
                 ratio in (0, 1], or sizes such as cat=500,dog=300 or cap=500"
            ))
        })
    }
}

impl Wanted {
    /// Rows to add to each class, `[C]`, given their sizes and names.
    ///
    /// ```
    /// use eos_pipeline::wanted::Wanted;
    /// let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    /// let rule = |word: &str| Wanted::Rule(word.to_owned());
    /// assert_eq!(rule("auto").rows(&[5, 3, 1], &names)?, [0, 2, 4]);
    /// assert_eq!(rule("minority").rows(&[5, 3, 1], &names)?, [0, 0, 4]);
    /// # Ok::<(), eos_pipeline::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Request`] for a rule that is none, a ratio for other than two classes or one that
    /// would add none, a size below a class's own, a class that is unknown or has no rows, fewer
    /// than two classes with rows.
    pub fn rows(&self, counts: &[usize], names: &[String]) -> Result<Vec<u64>, Error> {
        let counts: Vec<u64> = counts.iter().map(|n| *n as u64).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let majority = counts.iter().position(|n| *n == most);
        if counts.iter().filter(|n| **n > 0).count() < 2 {
            return Err(Error::Request(
                "wanted compares classes, and fewer than two of them have rows".to_owned(),
            ));
        }
        match self {
            Self::Rule(rule) => by_rule(rule, &counts, most, majority),
            Self::Ratio(ratio) => by_ratio(*ratio, &counts, most, majority),
            Self::Sizes(sizes) => by_sizes(sizes, &counts, most, names),
        }
    }
}

fn by_rule(
    rule: &str,
    counts: &[u64],
    most: u64,
    majority: Option<usize>,
) -> Result<Vec<u64>, Error> {
    let least = counts.iter().copied().filter(|n| *n > 0).min();
    let minority = counts.iter().position(|n| Some(*n) == least);
    let takes = |c: usize| match rule {
        "auto" | "not-majority" => Some(Some(c) != majority),
        "minority" => Some(Some(c) == minority),
        "not-minority" => Some(Some(c) != minority),
        "all" => Some(true),
        _ => None,
    };
    let to_add = |(c, n): (usize, &u64)| match takes(c) {
        Some(true) if *n > 0 => Ok(most - n),
        Some(_) => Ok(0),
        None => Err(Error::Request(format!(
            "wanted '{rule}' is no rule; use auto, minority, not-minority, not-majority, all, a \
             ratio in (0, 1] for two classes, or {{ class = size }}"
        ))),
    };
    counts.iter().enumerate().map(to_add).collect()
}

fn by_ratio(
    ratio: f64,
    counts: &[u64],
    most: u64,
    majority: Option<usize>,
) -> Result<Vec<u64>, Error> {
    if !(ratio > 0.0 && ratio <= 1.0) || counts.len() != 2 {
        return Err(Error::Request(format!(
            "wanted = {ratio} with {} classes: a ratio is in (0, 1] and for two classes; name the \
             sizes with {{ class = size }}",
            counts.len()
        )));
    }
    let to_add = |(c, n): (usize, &u64)| {
        if Some(c) == majority {
            return Ok(0);
        }
        // imbalanced-learn's expression, so that its roundings are ours.
        let rows = (most as f64 * ratio - *n as f64) as i64;
        u64::try_from(rows)
            .ok()
            .filter(|rows| *rows > 0)
            .ok_or_else(|| {
                Error::Request(format!(
                    "wanted = {ratio} adds nothing to a class of {n} beside one of {most}, and \
                 oversampling removes none; use a larger ratio"
                ))
            })
    };
    counts.iter().enumerate().map(to_add).collect()
}

fn by_sizes(
    sizes: &BTreeMap<String, u64>,
    counts: &[u64],
    most: u64,
    names: &[String],
) -> Result<Vec<u64>, Error> {
    let cap = sizes.get("cap").copied();
    if let Some(name) = sizes.keys().find(|k| *k != "cap" && !names.contains(k)) {
        return Err(Error::Request(format!(
            "wanted names class '{name}'; the classes are {}",
            names.join(", ")
        )));
    }
    let only_cap = cap.is_some() && sizes.len() == 1;
    let mut rows = vec![0; counts.len()];
    for (c, n) in counts.iter().enumerate() {
        let target = match names.get(c).and_then(|name| sizes.get(name)) {
            Some(size) if size < n => {
                return Err(Error::Request(format!(
                    "wanted gives class '{}' {size} rows, it has {n}: oversampling removes none",
                    names[c]
                )));
            }
            Some(_) if *n == 0 => {
                return Err(Error::Request(format!(
                    "wanted names class '{}', which has no rows to make others from",
                    names[c]
                )));
            }
            Some(size) => *size,
            None if only_cap => most,
            None => *n,
        };
        rows[c] = cap.map_or(target, |cap| target.min(cap)).saturating_sub(*n);
        if *n == 0 {
            rows[c] = 0;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["a", "b"].map(String::from).to_vec()
    }

    #[test]
    fn ratios_and_sizes_are_sizes_afterwards() {
        assert_eq!(
            Wanted::Ratio(0.5).rows(&[100, 20], &names()).unwrap(),
            [0, 30]
        );
        let sizes = |pairs: &[(&str, u64)]| {
            Wanted::Sizes(pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect())
        };
        assert_eq!(
            sizes(&[("b", 50)]).rows(&[100, 20], &names()).unwrap(),
            [0, 30]
        );
        assert_eq!(
            sizes(&[("cap", 60)]).rows(&[100, 20], &names()).unwrap(),
            [0, 40]
        );
        for (wanted, told) in [
            (Wanted::Ratio(0.1), "removes none"),
            (Wanted::Ratio(1.5), "in (0, 1]"),
            (Wanted::Rule("most".into()), "is no rule"),
            (sizes(&[("b", 5)]), "it has 20"),
            (sizes(&[("z", 5)]), "the classes are a, b"),
        ] {
            let error = wanted.rows(&[100, 20], &names()).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn rules_are_read_from_a_command_line() {
        let read = |text: &str| text.parse::<Wanted>().unwrap();
        assert_eq!(read("auto"), Wanted::default());
        assert_eq!(
            (read("0.5"), read("1")),
            (Wanted::Ratio(0.5), Wanted::Ratio(1.0))
        );
        for text in ["b=50, cap=60", "{ b = 50, cap = 60 }"] {
            let Wanted::Sizes(sizes) = read(text) else {
                panic!("{text}")
            };
            assert_eq!((sizes["b"], sizes["cap"]), (50, 60));
        }
        let told = "b=-1".parse::<Wanted>().unwrap_err().to_string();
        assert!(told.contains("'b=-1' is no rule"), "{told}");
    }

    #[test]
    fn a_class_without_rows_gets_none() {
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(
            Wanted::default().rows(&[4, 2, 0], &names).unwrap(),
            [0, 2, 0]
        );
    }
}
