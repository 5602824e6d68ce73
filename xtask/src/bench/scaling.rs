//! How the search's seconds grow: with the number of rows, and with their length.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::rounds::Raw;
use super::{Bench, example};

/// Seconds at one size.
#[derive(Deserialize)]
struct Point {
    /// Which of the two grows: "N" or "D".
    work: String,
    n: u32,
    d: u32,
    seconds: f64,
}

/// Below this length a row is too short for the inner loop to weigh.
const LONG_ROWS: u32 = 64;

/// Measures, prints the seconds of each size and the exponents fitted to them.
pub fn run(bench: &Bench<'_>) -> Result<()> {
    let mut command = Command::new(example("scale_neighbours")?);
    let output = command.arg("5").envs(bench.machine.ours()).output()?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let mut raw = Raw::open(bench, "scaling")?;
    let mut points = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let value: Value = serde_json::from_str(line).with_context(|| format!("'{line}'"))?;
        raw.keep(&value)?;
        points.push(Point::deserialize(&value)?);
    }
    println!(
        "scaling of the 10 nearest of 2,000 queries\n{:>9} {:>6} {:>10}",
        "N", "D", "seconds"
    );
    for point in &points {
        println!("{:>9} {:>6} {:>10.5}", point.n, point.d, point.seconds);
    }
    let of = |grows: &str| {
        points
            .iter()
            .filter(move |point| point.work == grows)
            .collect::<Vec<_>>()
    };
    let rows = of("N")
        .iter()
        .map(|point| (point.n, point.seconds))
        .collect::<Vec<_>>();
    let dims = of("D")
        .iter()
        .map(|point| (point.d, point.seconds))
        .collect::<Vec<_>>();
    let long: Vec<_> = dims
        .iter()
        .copied()
        .filter(|(d, _)| *d >= LONG_ROWS)
        .collect();
    println!(
        "seconds grow as N^{:.2}, as D^{:.2} from D = {LONG_ROWS}",
        exponent(&rows),
        exponent(&long)
    );
    println!("raw: {}", bench.raw("scaling").display());
    Ok(())
}

/// The slope of the least-squares line through (ln size, ln seconds).
fn exponent(points: &[(u32, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points
        .iter()
        .map(|(size, s)| (f64::from(*size).ln(), s.ln()))
        .collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_has_its_exponent() {
        let points = [10u32, 20, 50, 400].map(|n| (n, 3.0 * f64::from(n).powf(1.5)));
        assert!((exponent(&points) - 1.5).abs() < 1e-12);
    }
}
