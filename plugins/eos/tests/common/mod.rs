//! What the tests share: golden cases as rows, and calls through the boundary.
#![allow(dead_code)]

use eos_registry::{Error, Plugin, Request, Services, Synthetic};
use eos_tensor::{Backend, Classes, CpuBackend, Neighbours, Rows};
use serde_json::Value;
use std::path::Path;

/// Labelled rows.
#[derive(Clone, Debug)]
pub struct Set {
    pub rows: Vec<f32>,
    pub dims: usize,
    pub labels: Vec<u32>,
}

/// The cases of a golden file.
pub fn golden(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    let file: Value = serde_json::from_str(&text).expect("it is JSON");
    file["cases"].as_array().expect("it has cases").clone()
}

/// A case of the golden file of odd input that is data at all: rows of finite numbers with classes.
#[derive(Debug)]
pub struct Edge {
    pub name: String,
    pub set: Set,
    /// Rows that bring each class to the size of the largest.
    pub wanted: Vec<u64>,
    /// Sizes of the classes that the peer gave, where it did not stop.
    pub peer_counts: Option<Vec<u64>>,
}

/// The cases of odd input that are data, with what the peer's `method` made of them.
pub fn edge_sets(method: &str) -> Vec<Edge> {
    let is_data = |case: &Value| {
        let finite = |row: &Value| match row.as_array() {
            Some(row) => !row.is_empty() && row.iter().all(Value::is_number),
            None => false,
        };
        let (x, y) = (case["X"].as_array(), case["y"].as_array());
        x.zip(y).is_some_and(|(x, y)| {
            let whole = |v: &Value| v.as_u64().is_some();
            x.len() == y.len() && !x.is_empty() && x.iter().all(finite) && y.iter().all(whole)
        })
    };
    let cases = golden("errors_edge.json").into_iter();
    let edges: Vec<Edge> = cases
        .filter(|case| is_data(case) && case["expect"][method].is_object())
        .filter(|case| case["x_dtype"] != "complex64")
        .map(|case| {
            let set = Set::of(&case);
            let classes = *set.labels.iter().max().unwrap() as usize + 1;
            let mut counts = vec![0; classes];
            set.labels.iter().for_each(|&l| counts[l as usize] += 1);
            let most = counts.iter().max().unwrap();
            let sizes = case["expect"][method]["counts"].as_object();
            Edge {
                name: case["name"].as_str().unwrap().to_owned(),
                wanted: counts.iter().map(|n| most - n).collect(),
                peer_counts: sizes.map(|c| c.values().map(|n| n.as_u64().unwrap()).collect()),
                set,
            }
        })
        .collect();
    assert!(edges.len() >= 15, "{} cases of odd data", edges.len());
    edges
}

/// The parameters of `method` that the peer refuses, as `name=value`, and its message.
pub fn refused_params(method: &str) -> Vec<(String, String)> {
    let (start, end) = (format!("param|{method}("), ")");
    let cases = golden("errors_edge.json").into_iter().filter_map(|case| {
        let name = case["name"].as_str()?.strip_prefix(&start)?;
        let name = name.strip_suffix(end)?.to_owned();
        Some((name, case["expect"].to_string()))
    });
    cases.filter(|(_, said)| said.contains("error")).collect()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

pub fn rows_of(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|&v| v as u32).collect()
}

impl Set {
    /// X and y of a golden case.
    pub fn of(case: &Value) -> Self {
        let rows: Vec<Vec<f64>> = case["X"].as_array().unwrap().iter().map(numbers).collect();
        let values = rows.iter().flatten().map(|&v| v as f32).collect();
        Self {
            rows: values,
            dims: rows[0].len(),
            labels: rows_of(&case["y"]),
        }
    }

    pub fn view(&self) -> Rows<'_> {
        Rows::new(&self.rows, self.dims).expect("the rows are finite")
    }

    pub fn members(&self, class: u32) -> Vec<u32> {
        (0..self.labels.len() as u32)
            .filter(|&i| self.labels[i as usize] == class)
            .collect()
    }

    pub fn neighbours(&self, queries: &[u32], k: usize, classes: Classes) -> Neighbours {
        CpuBackend::new()
            .neighbours(self.view(), &self.labels, queries, k, classes)
            .unwrap()
    }

    pub fn sample(
        &self,
        entry: &'static eos_plugin::abi::Entry,
        wanted: &[u64],
        params: &str,
    ) -> Result<Synthetic, Error> {
        self.sample_on(entry, wanted, params, 2, &mut |_, _| true)
    }

    /// As `sample`, with so many threads, and a host that stops the plugin by its own will.
    pub fn sample_on(
        &self,
        entry: &'static eos_plugin::abi::Entry,
        wanted: &[u64],
        params: &str,
        threads: u32,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Synthetic, Error> {
        let request = Request {
            rows: self.view(),
            labels: &self.labels,
            wanted,
            seed: 42,
            params: &params.parse().expect("a test's parameters are TOML"),
        };
        let backend = &CpuBackend::new();
        let services = &mut Services {
            backend,
            threads,
            progress,
        };
        Plugin::from_entry(entry)?.sample(&request, services)
    }
}
