//! Seconds that imbalance-rs takes: `time-imbalance-rs X.npy REPEATS METHOD…` prints a line of JSON a method.

#[path = "../../../../tests/examples/timing/mod.rs"]
mod timing;

use imbalance_rs::{Adasyn, BorderlineSmote, Sampler, Smote};
use ndarray::{Array1, Array2};
use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, repeats, methods @ ..] = arguments.as_slice() else {
        return Err("wanted X.npy REPEATS METHOD…".into());
    };
    let (x, y) = read(path)?;
    let repeats = repeats.parse()?;
    for method in methods {
        let sampler: Box<dyn Sampler<i64>> = match method.as_str() {
            "smote" => Box::new(Smote::new().random_state(0)),
            "borderline-smote" => Box::new(BorderlineSmote::new().random_state(0)),
            "adasyn" => Box::new(Adasyn::new().random_state(0)),
            _ => return Err(format!("imbalance-rs is not asked for '{method}'").into()),
        };
        let measured = timing::repeat(repeats, || {
            let start = Instant::now();
            black_box(sampler.fit_resample(&x, &y)?);
            Ok::<f64, imbalance_rs::SamplerError>(start.elapsed().as_secs_f64())
        });
        match measured {
            Ok(seconds) => println!("{}", timing::line(method, seconds)),
            Err(error) => println!(
                "{}",
                serde_json::json!({ "work": method, "refused": error.to_string() })
            ),
        }
    }
    Ok(())
}

/// f32 rows `[N, D]`, widened as the crate wants them, and i64 labels from the file beside them.
fn read(path: &str) -> Result<(Array2<f64>, Array1<i64>), Box<dyn Error>> {
    let at = path
        .rfind(['x', 'X'])
        .ok_or("the file of rows needs an x in its name")?;
    let named = |y: &str| format!("{}{y}{}", &path[..at], &path[at + 1..]);
    let beside = Some(named("y")).filter(|file| Path::new(file).exists());
    let beside = beside.unwrap_or_else(|| named("Y"));
    let rows = npyz::NpyFile::new(BufReader::new(File::open(path)?))?;
    let shape = rows.shape().to_vec();
    let values: Vec<f32> = rows.into_vec()?;
    let labels = npyz::NpyFile::new(BufReader::new(File::open(beside)?))?.into_vec()?;
    let dims = *shape.get(1).ok_or("rows want the shape [N, D]")? as usize;
    let values = values.into_iter().map(f64::from).collect();
    Ok((
        Array2::from_shape_vec((labels.len(), dims), values)?,
        Array1::from_vec(labels),
    ))
}
