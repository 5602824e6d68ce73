//! What every oversampler keeps, checked on small sets of any kind and on the golden edge cases.
#![allow(dead_code)]

use crate::common::{Set, golden};
use eos_plugin::abi::Entry;
use eos_registry::{Error, Plugin, Request, Services, Synthetic};
use eos_tensor::{CpuBackend, Recipe, Rows};
use proptest::prelude::*;
use serde_json::Value;
use std::ops::Range;

/// Sets of up to four classes of 1 to 12 rows: all points equal, on a coarse grid with many ties,
/// or anywhere; and rows wanted of each class.
pub fn sets() -> impl Strategy<Value = (Set, Vec<u64>)> {
    (
        proptest::collection::vec(1usize..=12, 1..=4),
        1usize..=3,
        0..3,
    )
        .prop_flat_map(|(sizes, dims, kind)| {
            // Classes in turn, so that rows of one class do not lie together.
            let turns = (0..12).flat_map(|i| sizes.iter().enumerate().map(move |c| (i, c)));
            let labels: Vec<u32> = turns
                .filter(|(i, (_, size))| i < *size)
                .map(|(_, (class, _))| class as u32)
                .collect();
            let value = match kind {
                0 => Just(1.5f32).boxed(),
                1 => (-2i8..=2).prop_map(f32::from).boxed(),
                _ => (-100f32..100.0).boxed(),
            };
            let rows = proptest::collection::vec(value, labels.len() * dims);
            let wanted = proptest::collection::vec(0u64..40, sizes.len());
            (rows, wanted).prop_map(move |(rows, wanted)| {
                let labels = labels.clone();
                (Set { rows, dims, labels }, wanted)
            })
        })
}

/// Sets on a grid of 16 values with many ties, of `classes` classes of `size` rows in `dims`
/// dimensions, class by class; and up to 60 rows wanted of each class.
pub fn grids(
    size: Range<usize>,
    classes: Range<usize>,
    dims: Range<usize>,
) -> impl Strategy<Value = (Set, Vec<u64>)> {
    let sizes = (proptest::collection::vec(size, classes), dims);
    sizes.prop_flat_map(|(sizes, dims)| {
        let class = |(class, size): (usize, &usize)| vec![class as u32; *size];
        let labels: Vec<u32> = sizes.iter().enumerate().flat_map(class).collect();
        let values = proptest::collection::vec(-8i8..8, labels.len() * dims);
        let wanted = proptest::collection::vec(0u64..60, sizes.len());
        (values, wanted).prop_map(move |(values, wanted)| {
            let rows = values.iter().map(|&v| f32::from(v) / 4.0).collect();
            let labels = labels.clone();
            (Set { rows, dims, labels }, wanted)
        })
    })
}

pub fn sample_on(
    threads: u32,
    entry: &'static Entry,
    set: &Set,
    wanted: &[u64],
    params: &str,
) -> Result<Synthetic, Error> {
    let request = Request {
        rows: set.view(),
        labels: &set.labels,
        wanted,
        seed: 7,
        params: &params.parse().expect("a test's parameters are TOML"),
    };
    let services = &mut Services {
        backend: &CpuBackend::new(),
        threads,
        progress: &mut |_, _| true,
    };
    Plugin::from_entry(entry)?.sample(&request, services)
}

/// Samples on 1 and on 8 threads: the same bytes, as many of each class as wanted, finite, and
/// each recipe from a base of its class and as `hold` says.
pub fn check(
    entry: &'static Entry,
    (set, wanted): &(Set, Vec<u64>),
    params: &str,
    hold: impl Fn(&Set, &Recipe) -> bool,
) -> Synthetic {
    let made = sample_on(1, entry, set, wanted, params).unwrap();
    let again = sample_on(8, entry, set, wanted, params).unwrap();
    let bits = |made: &Synthetic| made.rows.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&made), bits(&again));
    assert_eq!((&made.labels, &made.notes), (&again.labels, &again.notes));
    let labels = wanted.iter().enumerate();
    let labels: Vec<u32> = labels
        .flat_map(|(class, n)| std::iter::repeat_n(class as u32, *n as usize))
        .collect();
    assert_eq!(made.labels, labels);
    assert!(made.rows.iter().all(|v| v.is_finite()));
    assert_eq!(made.rows.len(), labels.len() * set.dims);
    for recipe in made.recipe.iter().flatten() {
        assert_eq!(set.labels[recipe.base as usize], recipe.label);
        assert!(hold(set, recipe), "{recipe:?}");
    }
    made
}

/// How the golden edge cases came out.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// Balanced here and there.
    pub both: usize,
    /// Balanced here; the peer refused, or missed the counts.
    pub better: Vec<String>,
    /// Refused here and there.
    pub neither: usize,
    /// Refused here only.
    pub stricter: Vec<String>,
}

/// Balances each case of `errors_edge.json` that is rows and classes, beside what the peer's
/// `method` did with it.
pub fn edges(entry: &'static Entry, method: &str, params: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for case in golden("errors_edge.json") {
        let (Some(peer), Some(set)) = (case["expect"].get(method), set_of(&case)) else {
            continue;
        };
        let name = case["name"].as_str().unwrap().to_owned();
        let counts = set.counts();
        let largest = *counts.iter().max().unwrap();
        // One class leaves nothing to balance, so that something is asked for at all.
        let most = if counts.len() == 1 {
            largest + 4
        } else {
            largest
        };
        let wanted: Vec<u64> = counts.iter().map(|n| most - n).collect();
        let done = set.balanced(entry, &wanted, params);
        let theirs = peer.get("counts").and_then(Value::as_object);
        let theirs = theirs.is_some_and(|counts| counts.values().all(|n| n.as_u64() == Some(most)))
            && peer["finite"] == true;
        match (done, theirs) {
            (true, true) => outcome.both += 1,
            (true, false) => outcome.better.push(name),
            (false, true) => outcome.stricter.push(name),
            (false, false) => outcome.neither += 1,
        }
    }
    outcome
}

/// A case whose X is a table of numbers and whose y holds a class for each row, or would.
fn set_of(case: &Value) -> Option<Set> {
    // The file holds the real parts only of complex numbers.
    if case["x_dtype"] == "complex64" {
        return None;
    }
    let number = |value: &Value| match value {
        Value::String(word) => word.to_lowercase().replace("infinity", "inf").parse().ok(),
        Value::Bool(one) => Some(f64::from(u8::from(*one))),
        other => other.as_f64(),
    };
    let table: Option<Vec<Vec<f64>>> = case["X"]
        .as_array()?
        .iter()
        .map(|row| row.as_array()?.iter().map(number).collect())
        .collect();
    let table = table.filter(|table| !table.is_empty())?;
    let labels: Option<Vec<f64>> = case["y"].as_array()?.iter().map(number).collect();
    let labels = labels.filter(|l| l.iter().all(|v| v.fract() == 0.0))?;
    Some(Set {
        dims: table[0].len(),
        rows: table.into_iter().flatten().map(|v| v as f32).collect(),
        labels: labels.into_iter().map(|v| v as u32).collect(),
    })
}

impl Set {
    /// Rows of each class.
    pub fn counts(&self) -> Vec<u64> {
        let classes = self
            .labels
            .iter()
            .max()
            .map_or(0, |most| *most as usize + 1);
        let mut counts = vec![0; classes];
        self.labels.iter().for_each(|l| counts[*l as usize] += 1);
        counts
    }

    /// Whether the wanted rows were made; what is refused is refused with a message.
    fn balanced(&self, entry: &'static Entry, wanted: &[u64], params: &str) -> bool {
        if let Err(refused) = Rows::new(&self.rows, self.dims) {
            assert!(!refused.to_string().is_empty());
            return false;
        }
        match self.sample(entry, wanted, params) {
            Ok(made) => {
                assert_eq!(made.labels.len() as u64, wanted.iter().sum::<u64>());
                assert!(made.rows.iter().all(|v| v.is_finite()));
                true
            }
            Err(refused) => {
                assert!(!refused.to_string().is_empty());
                false
            }
        }
    }
}
