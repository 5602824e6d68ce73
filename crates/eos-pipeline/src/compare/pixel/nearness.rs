//! How far synthetic images are from being copies.

use crate::Error;
use eos_data::ImageSet;
use eos_tensor::{Backend, Classes, Rows};

/// In words: the median distance from a synthetic image, those behind the first `real`, to the nearest real one, and
/// between real ones; root mean squares of a pixel whose range is 1.
pub(crate) fn told(images: &ImageSet, real: usize, backend: &dyn Backend) -> Result<String, Error> {
    let values: Vec<f32> = images.pixels().iter().map(|v| f32::from(*v)).collect();
    let size = images.pixels().len() / images.len();
    let rows = Rows::new(&values, size)?;
    // Two classes, real and made: the nearest of the other class is the nearest real image.
    let made: Vec<u32> = (0..images.len())
        .map(|row| u32::from(row >= real))
        .collect();
    let nearest = |queries: std::ops::Range<usize>, classes| -> Result<Vec<f64>, Error> {
        let queries: Vec<u32> = queries.map(|row| row as u32).collect();
        let found = backend.neighbours(rows, &made, &queries, 1, classes)?;
        let mut all: Vec<f64> = found
            .distance
            .iter()
            .map(|distance| f64::from(*distance).sqrt() / (255.0 * (size as f64).sqrt()))
            .collect();
        all.sort_by(f64::total_cmp);
        Ok(all)
    };
    let median = |all: &[f64]| all.get(all.len() / 2).copied().unwrap_or(f64::NAN);
    let ours = nearest(real..images.len(), Classes::Other)?;
    let theirs = nearest(0..real, Classes::Same)?;
    let copies = ours.iter().filter(|distance| **distance == 0.0).count();
    Ok(format!(
        "from a synthetic image to the nearest training image it is {:.3} (median root mean square of a pixel), from a \
         training image to the nearest other {:.3}; {copies} of {} are copies",
        median(&ours),
        median(&theirs),
        ours.len()
    ))
}
