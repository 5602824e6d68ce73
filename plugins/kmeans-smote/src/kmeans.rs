//! k-means: seeds by k-means++ (Arthur, Vassilvitskii 2007), then Lloyd's iterations until no row
//! changes its cluster.

use eos_plugin::{Dataset, Error, Host, Rng};

/// Lanes in which a distance is summed.
const LANES: usize = 8;
/// Rows of a unit of work at least, and units at most: neither depends on the threads, so that
/// sums are added in one order.
const CHUNK: usize = 1024;
const CHUNKS: usize = 64;
/// Block of the random words that pick seeds; block 0 is that of samples.
const SEEDS: u32 = 1;

/// Centres `[K, D]`.
#[derive(Clone, Debug)]
struct Centres {
    values: Vec<f64>,
    dims: usize,
}

impl Centres {
    /// Number and squared distance of the centre nearest to `row`, the lower of equals.
    fn nearest(&self, row: &[f32]) -> (u32, f64) {
        let mut best = (0, f64::INFINITY);
        for (centre, values) in self.values.chunks_exact(self.dims).enumerate() {
            let distance = distance(row, values);
            if distance < best.1 {
                best = (centre as u32, distance);
            }
        }
        best
    }
}

/// What one chunk of rows says of the next centres.
struct Part {
    nearest: Vec<u32>,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

/// The cluster of each row, of at most `clusters`; fewer where there are not as many different
/// rows. A cluster that loses all its rows keeps its centre. Rows have at least one value.
pub(crate) fn cluster(
    data: &Dataset<'_>,
    host: &Host<'_>,
    clusters: usize,
    iterations: usize,
) -> Result<Vec<u32>, Error> {
    let mut centres = seeds(data, host, clusters)?;
    let mut of = Vec::new();
    for _ in 0..iterations {
        let parts = chunks(data, host, |rows| assign(rows, &centres))?;
        let nearest: Vec<u32> = parts.iter().flat_map(|p| &p.nearest).copied().collect();
        if nearest == of {
            break;
        }
        of = nearest;
        move_centres(&mut centres, &parts);
    }
    Ok(of)
}

/// `work` of each chunk of rows, in order.
fn chunks<T: Send>(
    data: &Dataset<'_>,
    host: &Host<'_>,
    work: impl Fn(&[f32]) -> T + Sync,
) -> Result<Vec<T>, Error> {
    let rows = CHUNK.max(data.len().div_ceil(CHUNKS));
    let chunks: Vec<&[f32]> = data.rows().chunks(rows * data.dims()).collect();
    host.parallel(chunks.len(), |i| Ok(work(chunks[i])))
}

fn assign(rows: &[f32], centres: &Centres) -> Part {
    let (dims, clusters) = (centres.dims, centres.values.len() / centres.dims);
    let mut part = Part {
        nearest: Vec::with_capacity(rows.len() / dims),
        sums: vec![0.0; centres.values.len()],
        counts: vec![0; clusters],
    };
    for row in rows.chunks_exact(dims) {
        let (centre, _) = centres.nearest(row);
        part.nearest.push(centre);
        part.counts[centre as usize] += 1;
        let sums = &mut part.sums[centre as usize * dims..][..dims];
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    part
}

fn move_centres(centres: &mut Centres, parts: &[Part]) {
    let dims = centres.dims;
    for (c, centre) in centres.values.chunks_exact_mut(dims).enumerate() {
        let rows: u64 = parts.iter().map(|part| part.counts[c]).sum();
        if rows == 0 {
            continue;
        }
        centre.fill(0.0);
        for part in parts {
            for (sum, value) in centre.iter_mut().zip(&part.sums[c * dims..]) {
                *sum += value;
            }
        }
        centre.iter_mut().for_each(|sum| *sum /= rows as f64);
    }
}

/// The first seed is any row; each further one is a row drawn with a chance in proportion to its
/// squared distance to the nearest seed so far.
fn seeds(data: &Dataset<'_>, host: &Host<'_>, clusters: usize) -> Result<Centres, Error> {
    let (rng, dims) = (host.rng()?, data.dims());
    let mut seeds = Centres {
        values: Vec::new(),
        dims,
    };
    let mut row = ((uniform(&rng, 0) * data.len() as f64) as usize).min(data.len() - 1);
    let mut far = vec![f64::INFINITY; data.len()];
    for next in 1.. {
        let seed = data.row(row as u32).iter().map(|&v| f64::from(v));
        seeds.values.extend(seed);
        if next == clusters as u64 {
            break;
        }
        let newest = &seeds.values[seeds.values.len() - dims..];
        let distances = chunks(data, host, |rows| {
            let rows = rows.chunks_exact(dims);
            rows.map(|row| distance(row, newest)).collect::<Vec<f64>>()
        })?;
        for (far, distance) in far.iter_mut().zip(distances.iter().flatten()) {
            *far = far.min(*distance);
        }
        let Some(drawn) = draw(&far, uniform(&rng, next)) else {
            break;
        };
        row = drawn;
    }
    Ok(seeds)
}

/// The row on which `at`, in [0, 1), falls when each has the share `weights` of the whole; `None`
/// where all weigh nothing.
fn draw(weights: &[f64], at: f64) -> Option<usize> {
    let mut left = weights.iter().sum::<f64>() * at;
    let mut last = None;
    for (row, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            last = Some(row);
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    last
}

/// A number in [0, 1) for seed number `index`, from 53 random bits.
fn uniform(rng: &Rng<'_>, index: u64) -> f64 {
    let [high, low, ..] = rng.block(index, 0, SEEDS);
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
    bits as f64 * 2f64.powi(-53)
}

fn distance(row: &[f32], centre: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let ((rows, row), (centres, centre)) = (row.as_chunks::<LANES>(), centre.as_chunks::<LANES>());
    for (row, centre) in rows.iter().zip(centres) {
        for lane in 0..LANES {
            let t = f64::from(row[lane]) - centre[lane];
            sums[lane] += t * t;
        }
    }
    for ((value, centre), sum) in row.iter().zip(centre).zip(&mut sums) {
        let t = f64::from(*value) - centre;
        *sum += t * t;
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_drawn_by_its_weight() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        let drawn = [0.0, 0.2, 0.25, 0.6, 0.999_999_999].map(|at| draw(&weights, at));
        assert_eq!(drawn, [Some(1), Some(1), Some(3), Some(3), Some(3)]);
        assert_eq!(draw(&[0.0; 3], 0.5), None);
    }

    #[test]
    fn centres_are_means_and_an_empty_one_stays() {
        let mut centres = Centres {
            values: vec![0.0, 0.0, 10.0, 0.0, 99.0, 99.0],
            dims: 2,
        };
        let rows = [1.0f32, 1.0, 3.0, 1.0, 11.0, 5.0];
        let parts = [assign(&rows[..4], &centres), assign(&rows[4..], &centres)];
        assert_eq!(
            [&parts[0].nearest[..], &parts[1].nearest],
            [&[0, 0][..], &[1]]
        );
        move_centres(&mut centres, &parts);
        assert_eq!(centres.values, [2.0, 1.0, 11.0, 5.0, 99.0, 99.0]);
        // The lower of two centres that are as near.
        assert_eq!(centres.nearest(&[6.5, 3.0]).0, 0);
    }

    #[test]
    fn distances_are_the_plain_sums() {
        let row: Vec<f32> = (0..19).map(|i| i as f32).collect();
        let centre: Vec<f64> = row.iter().map(|v| f64::from(*v) + 2.0).collect();
        assert_eq!(distance(&row, &centre), 76.0);
    }
}
