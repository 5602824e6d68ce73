//! How often the examples that time something repeat it, and what they print.

use serde_json::{Value, json};

/// Seconds after which a measurement is long enough, however often it ran.
const LONG: f64 = 5.0;

/// Runs `work`, which returns its seconds, once to warm up and then at most `repeats` times.
///
/// Where the first run alone takes long it is the only one, and counts.
pub fn repeat<E>(repeats: usize, mut work: impl FnMut() -> Result<f64, E>) -> Result<Vec<f64>, E> {
    let first = work()?;
    if first > LONG {
        return Ok(vec![first]);
    }
    let mut seconds: Vec<f64> = Vec::new();
    while seconds.is_empty() || (seconds.len() < repeats && seconds.iter().sum::<f64>() < LONG) {
        seconds.push(work()?);
    }
    Ok(seconds)
}

/// One line of the measurements: what was done, the median and the least seconds.
pub fn line(work: &str, mut seconds: Vec<f64>) -> Value {
    seconds.sort_by(f64::total_cmp);
    json!({ "work": work, "seconds": seconds[seconds.len() / 2], "least": seconds[0] })
}
