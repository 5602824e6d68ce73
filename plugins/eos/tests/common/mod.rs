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
        let request = Request {
            rows: self.view(),
            labels: &self.labels,
            wanted,
            seed: 42,
            params: &params.parse().expect("a test's parameters are TOML"),
        };
        let (backend, progress) = (&CpuBackend::new(), &mut |_, _| true);
        let services = &mut Services {
            backend,
            threads: 2,
            progress,
        };
        Plugin::from_entry(entry)?.sample(&request, services)
    }
}
