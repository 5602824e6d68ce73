//! t-SNE (van der Maaten and Hinton 2008): a plane that keeps neighbours together, at the price of distances.

use bhtsne::tSNE;

/// How many neighbours count for a row.
const PERPLEXITY: f32 = 30.0;
/// Barnes–Hut's θ: how wide what is far may be to be taken for one point.
const COARSENESS: f32 = 0.5;
const EPOCHS: usize = 750;
/// Deviation of the start along the first axis.
const START: f64 = 1e-4;
/// Fewer rows than these have no neighbourhoods to keep.
const FEWEST: usize = 8;

/// A place in the plane for each of the rows, from `start` on (their principal components: the same picture every
/// time, with the whole in order); `None` for too few rows.
pub(crate) fn places(rows: &[&[f32]], start: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    if rows.len() < FEWEST {
        return None;
    }
    let squares: f64 = start.iter().map(|place| place[0] * place[0]).sum();
    let deviation = (squares / start.len() as f64).sqrt().max(f64::MIN_POSITIVE);
    let start: Vec<f32> = start
        .iter()
        .flatten()
        .map(|value| (value / deviation * START) as f32)
        .collect();
    let distance = |a: &&[f32], b: &&[f32]| -> f32 {
        let squares = a.iter().zip(*b).map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f32>().sqrt()
    };
    // The library sums as its threads come; on one it gives the same bits every time.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .ok()?;
    let found = pool.install(|| {
        let mut tsne = tSNE::<f32, &[f32]>::new(rows);
        tsne.perplexity(PERPLEXITY.min((rows.len() as f32 - 1.0) / 3.0))
            .epochs(EPOCHS)
            .initial_embedding(start)
            .barnes_hut(COARSENESS, distance);
        tsne.embedding()
    });
    let places = found.chunks_exact(2).map(|p| [p[0], p[1]].map(f64::from));
    Some(places.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds of 20 rows in 5 dimensions, and a row twice.
    fn clouds() -> Vec<Vec<f32>> {
        let wave = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
        let value = |i: usize, d: usize| wave(5 * i + d) + 6.0 * f32::from(d == i % 3);
        let row = |i: usize| (0..5).map(|d| value(i, d)).collect();
        let mut rows: Vec<Vec<f32>> = (0..60).map(row).collect();
        rows[59] = rows[56].clone();
        rows
    }

    #[test]
    fn clouds_stay_apart_and_the_picture_is_the_same_every_time() {
        let rows = clouds();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let start: Vec<[f64; 2]> = rows
            .iter()
            .map(|row| [row[0], row[1]].map(f64::from))
            .collect();
        let found = places(&rows, &start).unwrap();
        assert_eq!(found, places(&rows, &start).unwrap());
        let apart = |a: usize, b: usize| {
            let [a, b] = [found[a], found[b]];
            ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt()
        };
        for i in 0..60 {
            let others = |same: bool| (0..60).filter(move |j| *j != i && (j % 3 == i % 3) == same);
            let nearest = |same| {
                others(same)
                    .map(|j| apart(i, j))
                    .fold(f64::INFINITY, f64::min)
            };
            assert!(nearest(true) < nearest(false), "row {i}");
        }
    }

    #[test]
    fn few_rows_have_no_picture() {
        let rows = [[0.0f32, 1.0]; 7];
        let rows: Vec<&[f32]> = rows.iter().map(<[f32; 2]>::as_slice).collect();
        assert_eq!(places(&rows, &[[0.0; 2]; 7]), None);
    }
}
