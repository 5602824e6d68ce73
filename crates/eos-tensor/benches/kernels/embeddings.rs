//! Made-up embeddings of the kind that a network trained on imbalanced classes leaves: not negative,
//! a few active channels a class, some of them shared by two classes, heavy tails, rare classes
//! wider and nearer to the mean of all, some rows between two classes.

use eos_tensor::PhiloxRng;
use rayon::prelude::*;

const SEED: u64 = 20_260_101;
/// Streams of the generator.
const ORDER: u32 = 1;
const CLASS: u32 = 2;
const ROW: u32 = 3;
/// Directions in which a class spreads, at most.
const MOST_DIRECTIONS: usize = 64;

/// Rows of each class, about `rows` together, in the proportions of CIFAR-10 cut down 100 : 1.
pub fn long_tail(rows: u32) -> Vec<u32> {
    const COUNTS: [u32; 10] = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];
    let scale = f64::from(rows) / 12_406.0;
    let scaled = COUNTS.map(|count| (f64::from(count) * scale).round() as u32);
    scaled.to_vec()
}

/// Rows `[N, dims]` and labels `[N]`, in mixed order.
pub fn embeddings(counts: &[u32], dims: usize) -> (Vec<f32>, Vec<u32>) {
    let of_class = |(count, label): (&u32, u32)| std::iter::repeat_n(label, *count as usize);
    let mut labels: Vec<u32> = counts.iter().zip(0..).flat_map(of_class).collect();
    let mut order = PhiloxRng::new(SEED, ORDER, 0);
    for last in (1..labels.len()).rev() {
        labels.swap(last, order.below(last as u32 + 1) as usize);
    }
    let classes = classes(counts, dims);
    let mut rows = vec![0.0; labels.len() * dims];
    rows.par_chunks_mut(dims)
        .zip(&labels)
        .enumerate()
        .for_each(|(i, (row, label))| {
            let mut rng = PhiloxRng::new(SEED, ROW, i as u64);
            let other = &classes[rng.below(classes.len() as u32) as usize];
            classes[*label as usize].draw(other, &mut rng, row);
        });
    (rows, labels)
}

/// What rows of one class are drawn from.
struct Class {
    /// 0 for the largest class, nearly 1 for a rare one.
    rarity: f32,
    /// `[D]`.
    mean: Vec<f32>,
    /// Each `[D]`, the widest first.
    directions: Vec<Vec<f32>>,
}

fn classes(counts: &[u32], dims: usize) -> Vec<Class> {
    let most = counts.iter().copied().max().unwrap_or(1);
    let centres = centres(counts.len(), dims);
    let middle: Vec<f32> = (0..dims)
        .map(|j| centres.iter().map(|c| c[j]).sum::<f32>() / centres.len() as f32)
        .collect();
    let shared = directions(u64::MAX, dims);
    let class = |(c, centre): (usize, &Vec<f32>)| {
        let rarity = 1.0 - counts[c] as f32 / most as f32;
        let towards = |(a, b): (&f32, &f32)| a + 0.35 * rarity * (b - a);
        let own = directions(c as u64, dims);
        let mixed = |(a, b): (&Vec<f32>, &Vec<f32>)| mix(a, b, 0.4);
        Class {
            rarity,
            mean: centre.iter().zip(&middle).map(towards).collect(),
            directions: shared.iter().zip(&own).map(mixed).collect(),
        }
    };
    centres.iter().enumerate().map(class).collect()
}

/// A weak background and, for each class, channels of its own; every second class takes half of
/// them from the class before.
fn centres(classes: usize, dims: usize) -> Vec<Vec<f32>> {
    let active = (dims / 5).max(1);
    let mut rng = PhiloxRng::new(SEED, CLASS, u64::MAX - 1);
    let background: Vec<f32> = (0..dims).map(|_| 0.1 * exponential(&mut rng)).collect();
    let mut channels: Vec<usize> = Vec::new();
    let mut all = Vec::new();
    for c in 0..classes {
        let kept = if c % 2 == 1 { active / 2 } else { 0 };
        channels.truncate(kept);
        channels.extend((kept..active).map(|_| rng.below(dims as u32) as usize));
        let mut centre = background.clone();
        for channel in &channels {
            centre[*channel] += 0.22 * (0..4).map(|_| exponential(&mut rng)).sum::<f32>();
        }
        all.push(centre);
    }
    all
}

fn directions(index: u64, dims: usize) -> Vec<Vec<f32>> {
    let count = (dims / 4).clamp(12, MOST_DIRECTIONS);
    let mut rng = PhiloxRng::new(SEED, CLASS, index);
    let direction = |r: usize| {
        let width = (r as f32 + 1.0).powf(-0.6);
        (0..dims).map(|_| width * rng.normal()).collect()
    };
    (0..count).map(direction).collect()
}

fn mix(a: &[f32], b: &[f32], share: f32) -> Vec<f32> {
    let mixed = |(a, b): (&f32, &f32)| (1.0 - share) * a + share * b;
    a.iter().zip(b).map(mixed).collect()
}

fn exponential(rng: &mut PhiloxRng) -> f32 {
    -(1.0 - rng.unit()).ln()
}

impl Class {
    /// Draws one row; some rows lie towards the mean of `other`.
    fn draw(&self, other: &Self, rng: &mut PhiloxRng, row: &mut [f32]) {
        // Student's t with 5 degrees of freedom: far rows are no rarity.
        let chi: f32 = (0..5).map(|_| rng.normal().powi(2)).sum();
        let width = 0.2 * (1.0 + 0.25 * self.rarity) * (5.0 / chi).sqrt();
        row.copy_from_slice(&self.mean);
        for direction in &self.directions {
            let step = width * rng.normal();
            for (value, d) in row.iter_mut().zip(direction) {
                *value += step * d;
            }
        }
        if rng.unit() < 0.06 + 0.25 * self.rarity {
            let share = 0.5 * (rng.unit() + rng.unit());
            for (value, (from, to)) in row.iter_mut().zip(self.mean.iter().zip(&other.mean)) {
                *value += share * (to - from);
            }
        }
        for value in row {
            *value += 0.12 * rng.normal();
            if *value <= 0.0 {
                // Most inactive channels of an average over pixels are 0, some hardly more.
                *value = 0.02 * (exponential(rng) - 0.7).max(0.0);
            }
        }
    }
}
