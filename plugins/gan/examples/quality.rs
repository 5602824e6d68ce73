//! Whether made rows are of their class, and no copies: what a head that was trained on real rows,
//! repeated to balance, names them, and how far they lie from training rows.
//!
//! `cargo run --release -p eos-plugin-gan --example quality -- TRAIN TEST SEEDS [KEY=VALUE …]` takes
//! embeddings as npz or npy (labels beside), the seeds 0 to SEEDS − 1 and the plugin's parameters. Of
//! each class it prints: its rows; the share of them, and of made ones, that the head names right;
//! the median distance to the nearest training row of the class, of training rows (to another one)
//! and of made ones; and the root of the summed variances of both.

use eos_data::{Embeddings, read_embeddings};
use eos_model::{Head, HeadData, HeadTraining, train_head};
use eos_plugin_gan::ENTRY;
use eos_registry::{Plugin, Request, Services};
use eos_tensor::{CpuBackend, PhiloxRng, Rows};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rows made of each class at least.
const LEAST: usize = 200;
/// Rows of each class whose nearest is looked for.
const LOOKED_AT: usize = 200;

/// Labelled rows, as they are added to a set.
struct Made {
    rows: Vec<f32>,
    labels: Vec<u32>,
    notes: Vec<String>,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test, seeds, params @ ..] = arguments.as_slice() else {
        return Err("wanted TRAIN TEST SEEDS [KEY=VALUE …]".into());
    };
    let read = |path: &str| read_embeddings(Path::new(path), None);
    let (train, test, params) = (read(train)?, read(test)?, params.join("\n"));
    for seed in 0..seeds.parse()? {
        let began = Instant::now();
        let made = make(&train, &params, seed)?;
        println!("seed {seed}: {:.1} s", began.elapsed().as_secs_f64());
        for note in &made.notes {
            println!("  {note}");
        }
        let judge = head(&train, &repeated(&train, seed), seed)?;
        table(&train, &made, &judge)?;
        let random = balanced_accuracy(&judge, &test)?;
        let ours = balanced_accuracy(&head(&train, &made, seed)?, &test)?;
        println!("  balanced accuracy on test rows: random {random:.2}, gan {ours:.2}");
    }
    Ok(())
}

/// Rows that each class lacks to be as large as the largest.
fn lacking(train: &Embeddings) -> impl Iterator<Item = usize> {
    let counts = train.class_counts();
    let most = counts.iter().max().copied().unwrap_or(0);
    counts.into_iter().map(move |n| most - n)
}

fn make(train: &Embeddings, params: &str, seed: u64) -> Outcome<Made> {
    let wanted: Vec<u64> = lacking(train).map(|n| n.max(LEAST) as u64).collect();
    let request = Request {
        rows: Rows::new(train.rows(), train.dims())?,
        labels: train.labels(),
        wanted: &wanted,
        seed,
        params: &params.parse()?,
    };
    let services = &mut Services {
        backend: &CpuBackend::new(),
        threads: std::thread::available_parallelism()?.get() as u32,
        progress: &mut |_, _| true,
    };
    let made = Plugin::from_entry(&ENTRY)?.sample(&request, services)?;
    Ok(Made {
        rows: made.rows,
        labels: made.labels,
        notes: made.notes,
    })
}

/// Random over-sampling.
fn repeated(train: &Embeddings, seed: u64) -> Made {
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for (class, lacking) in lacking(train).enumerate() {
        let own = of_class(train.rows(), train.labels(), train.dims(), class);
        let mut rng = PhiloxRng::new(seed, class as u32, 0);
        for _ in 0..lacking {
            rows.extend_from_slice(own[rng.below(own.len() as u32) as usize]);
            labels.push(class as u32);
        }
    }
    let notes = Vec::new();
    Made {
        rows,
        labels,
        notes,
    }
}

fn head(train: &Embeddings, added: &Made, seed: u64) -> Outcome<Head> {
    let rows = [train.rows(), &added.rows].concat();
    let labels = [train.labels(), &added.labels].concat();
    let data = HeadData {
        rows: &rows,
        dims: train.dims(),
        labels: &labels,
        classes: train.class_counts().len(),
    };
    let options = HeadTraining {
        seed,
        ..HeadTraining::default()
    };
    Ok(train_head(data, &options, &mut |_| true)?)
}

/// Share of each class's rows that the head names right.
fn recalls(head: &Head, rows: &[f32], labels: &[u32], classes: usize) -> Outcome<Vec<f64>> {
    let (mut right, mut all) = (vec![0.0; classes], vec![0.0; classes]);
    for (named, &label) in head.predict(rows)?.into_iter().zip(labels) {
        right[label as usize] += f64::from(u8::from(named == label));
        all[label as usize] += 1.0;
    }
    Ok(right
        .iter()
        .zip(all)
        .map(|(right, all)| right / all)
        .collect())
}

/// In per cent.
fn balanced_accuracy(head: &Head, test: &Embeddings) -> Outcome<f64> {
    let classes = test.class_counts().len();
    let recalls = recalls(head, test.rows(), test.labels(), classes)?;
    Ok(100.0 * recalls.iter().sum::<f64>() / classes as f64)
}

fn table(train: &Embeddings, made: &Made, judge: &Head) -> Outcome<()> {
    let (counts, dims) = (train.class_counts(), train.dims());
    let real = recalls(judge, train.rows(), train.labels(), counts.len())?;
    let ours = recalls(judge, &made.rows, &made.labels, counts.len())?;
    println!("  class   rows   named right       nearest           spread");
    println!("                 real    made      real    made      real    made");
    for (class, n) in counts.into_iter().enumerate() {
        let own = of_class(train.rows(), train.labels(), dims, class);
        let new = of_class(&made.rows, &made.labels, dims, class);
        let named = [real[class], ours[class]].map(|share| format!("{:6.1}", 100.0 * share));
        let measured = [
            nearest(&own, &own),
            nearest(&new, &own),
            spread(&own),
            spread(&new),
        ];
        let measured = measured.map(|v| format!("{v:7.3}"));
        println!(
            "  {class:5} {n:6}   {}   {}",
            named.join("  "),
            measured.join(" ")
        );
    }
    let least = ours.into_iter().fold(1.0, f64::min);
    println!("  the least share named right: {:.1} %", 100.0 * least);
    Ok(())
}

fn of_class<'a>(rows: &'a [f32], labels: &[u32], dims: usize, class: usize) -> Vec<&'a [f32]> {
    let rows = rows.chunks(dims).zip(labels);
    let own = rows.filter(|(_, label)| **label as usize == class);
    own.map(|(row, _)| row).collect()
}

/// Median distance of the first `rows` to the nearest of `others` that is another row of memory.
fn nearest(rows: &[&[f32]], others: &[&[f32]]) -> f64 {
    let squared = |a: &[f32], b: &[f32]| {
        let apart = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
        apart.sum::<f64>()
    };
    let near = |row: &&[f32]| {
        let others = others.iter().filter(|other| !std::ptr::eq(**other, *row));
        others
            .map(|other| squared(row, other))
            .fold(f64::INFINITY, f64::min)
    };
    let mut distances: Vec<f64> = rows.iter().take(LOOKED_AT).map(near).collect();
    distances.sort_by(f64::total_cmp);
    let middle = distances.get(distances.len() / 2);
    middle.map_or(f64::NAN, |squared| squared.sqrt())
}

/// The root of the summed variances.
fn spread(rows: &[&[f32]]) -> f64 {
    let (n, dims) = (rows.len() as f64, rows.first().map_or(0, |row| row.len()));
    let variance = |j: usize| {
        let values = rows.iter().map(|row| f64::from(row[j]));
        let mean = values.clone().sum::<f64>() / n;
        values.map(|value| (value - mean).powi(2)).sum::<f64>() / n
    };
    (0..dims).map(variance).sum::<f64>().sqrt()
}
