//! The order of the images in an epoch.

use crate::{
    ImageSet,
    error::{DataError, Fault},
};
use eos_tensor::{
    PhiloxRng,
    philox::{Philox, below},
    stream,
};
use rand::seq::SliceRandom;

/// An image's place in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) row: u32,
    /// How often the row has appeared in the epoch before.
    pub(crate) copy: u32,
}

/// Every row once, in its own order.
pub(crate) fn in_order(rows: usize) -> Vec<Place> {
    // A set has fewer than 2³² − 1 images.
    (0..rows as u32).map(|row| Place { row, copy: 0 }).collect()
}

/// Every row once, shuffled.
pub(crate) fn shuffled(rows: usize, seed: u64, epoch: u32) -> Vec<Place> {
    let mut order = in_order(rows);
    let mut rng = PhiloxRng::new(seed, stream::BATCHES, u64::from(epoch));
    order.shuffle(&mut rng);
    order
}

/// As many rows as the set has, drawn with replacement; a row of class c with a chance in proportion
/// to `weights[c]`.
pub(crate) fn drawn(
    set: &ImageSet,
    weights: &[f64],
    seed: u64,
    epoch: u32,
) -> Result<Vec<Place>, DataError> {
    let shares = shares(set, weights)?;
    let total = shares.last().map_or(0.0, |(end, _)| *end);
    let philox = Philox::new(seed);
    let mut copies = vec![0; set.len()];
    let place = |at: u32| {
        let index = u64::from(epoch) << 32 | u64::from(at);
        let [high, low, within, _] = philox.block(index, stream::SAMPLING, 0);
        // 53 bits, uniform in [0, total).
        let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
        let point = total * (bits as f64 / (1_u64 << 53) as f64);
        let class = shares.partition_point(|(end, _)| *end <= point);
        let (_, rows) = &shares[class.min(shares.len() - 1)];
        let row = rows[below(within, rows.len() as u32) as usize];
        let copy = copies[row as usize];
        copies[row as usize] += 1;
        Place { row, copy }
    };
    Ok((0..set.len() as u32).map(place).collect())
}

/// The rows of each class that has any, with where its share ends on the way from 0 to the total.
fn shares(set: &ImageSet, weights: &[f64]) -> Result<Vec<(f64, Vec<u32>)>, DataError> {
    let refuse = |got: String, wanted: String| {
        Err(Fault::argument("batches", "class weights")
            .got(got)
            .wanted(wanted)
            .next("give one finite weight above 0 for each class that has images")
            .request())
    };
    let mut rows = vec![Vec::new(); set.classes().len()];
    for (row, label) in (0..).zip(set.labels()) {
        rows[*label as usize].push(row);
    }
    if weights.len() != rows.len() {
        let wanted = format!("{}, one for each class", rows.len());
        return refuse(format!("{} weights", weights.len()), wanted);
    }
    let mut end = 0.0;
    let mut shares = Vec::with_capacity(rows.len());
    let filled = rows.into_iter().zip(weights);
    for (rows, weight) in filled.filter(|(rows, _)| !rows.is_empty()) {
        if !(*weight > 0.0 && weight.is_finite()) {
            return refuse(weight.to_string(), "a finite weight above 0".to_owned());
        }
        end += rows.len() as f64 * weight;
        shares.push((end, rows));
    }
    Ok(shares)
}
