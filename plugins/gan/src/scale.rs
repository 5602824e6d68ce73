//! The unit that networks see rows in: mean 0 and deviation 1 of every dimension.

use eos_plugin::Dataset;

/// Mean, deviation and range of each dimension over all rows.
#[derive(Clone, Debug)]
pub struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    range: Vec<[f32; 2]>,
}

impl Scale {
    /// Of the rows of `data`; their deviation is over N.
    pub fn new(data: &Dataset<'_>) -> Self {
        let (n, dims) = (data.len().max(1) as f64, data.dims());
        let rows = || data.rows().chunks_exact(dims.max(1));
        let mut mean = vec![0.0; dims];
        let mut range = vec![[f32::INFINITY, f32::NEG_INFINITY]; dims];
        for row in rows() {
            for ((sum, [low, high]), &value) in mean.iter_mut().zip(&mut range).zip(row) {
                *sum += f64::from(value) / n;
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
        let mut deviation = vec![0.0; dims];
        for row in rows() {
            for ((sum, mean), &value) in deviation.iter_mut().zip(&mean).zip(row) {
                *sum += (f64::from(value) - mean).powi(2) / n;
            }
        }
        deviation.iter_mut().for_each(|v: &mut f64| *v = v.sqrt());
        Self {
            mean,
            deviation,
            range,
        }
    }

    /// Appends (x − mean) / deviation; 0 in a dimension that does not vary.
    pub fn standardise(&self, row: &[f32], to: &mut Vec<f32>) {
        let scale = self.mean.iter().zip(&self.deviation);
        to.extend(row.iter().zip(scale).map(|(&x, (mean, deviation))| {
            let apart = (f64::from(x) - mean) / deviation;
            if *deviation > 0.0 { apart as f32 } else { 0.0 }
        }));
    }

    /// Takes standardised rows `[n, D]` back in place, into the range of the data: what is never
    /// negative there is not here, and a dimension that does not vary keeps its value exactly.
    pub fn restore(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.mean.len().max(1)) {
            let scale = self.mean.iter().zip(&self.deviation).zip(&self.range);
            for (value, ((mean, deviation), [low, high])) in row.iter_mut().zip(scale) {
                *value = ((mean + deviation * f64::from(*value)) as f32).clamp(*low, *high);
            }
        }
    }
}
