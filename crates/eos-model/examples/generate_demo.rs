//! Trains a generator on the embedded Fashion-MNIST-LT and tells how good its images are.
//!
//! `cargo run --release -p eos-model --example generate_demo -- [SHEET.png] [SEED] [EPOCHS]`
//!
//! Synthetic images are decoded between codes, by SMOTE among the five nearest of a class. A classifier that was
//! trained on real rows alone names them; beside its share of right answers stand those on the training images
//! themselves, on these decoded from their own codes, and on real test images. Distances to the nearest training image
//! are root mean squares of a pixel: 0 would be a copy. The sheet has a row for each class: an image, its decoded code,
//! then synthetic images on the way to its neighbours.

use eos_data::{ImageSet, demo};
use eos_model::{
    Arch, Generator, GeneratorSpec, GeneratorTraining, HeadKind, LossOptions, Network, NetworkSpec,
    Objective, Schedule, SgdOptions, Trainer,
};
use eos_tensor::PhiloxRng;
use std::error::Error;
use std::time::Instant;

const CLASSES: usize = 10;
const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;
/// Values of a code, as `GeneratorSpec::new` has them.
const LATENT: usize = 300;
const NEIGHBOURS: usize = 5;
/// Synthetic images of each class.
const SYNTHETIC: usize = 200;
/// Of the classifier.
const STEPS: usize = 300;
const BATCH: usize = 64;
/// Images in a row of the sheet.
const COLUMNS: usize = 12;
/// The stream of what is drawn here.
const DRAWS: u32 = 1000;

/// Images `[N, 784]` from 0 to 1, and their classes.
struct Rows {
    images: Vec<f32>,
    labels: Vec<u32>,
}

impl Rows {
    fn of(set: &ImageSet) -> Rows {
        Rows {
            images: set.pixels().iter().map(|&v| f32::from(v) / 255.0).collect(),
            labels: set.labels().to_vec(),
        }
    }

    fn class(&self, class: usize) -> Vec<usize> {
        (0..self.labels.len())
            .filter(|&row| self.labels[row] as usize == class)
            .collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let sheet = arguments
        .next()
        .unwrap_or("target/generated.png".to_owned());
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    let mut options = GeneratorTraining {
        seed,
        ..GeneratorTraining::default()
    };
    if let Some(epochs) = arguments.next() {
        options.epochs = epochs.parse()?;
    }
    let (train, test) = (Rows::of(&demo::train()), Rows::of(&demo::test()));

    let start = Instant::now();
    let classifier = classifier(&train)?;
    println!("classifier: {:.0} s", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let spec = GeneratorSpec::new([1, SIDE, SIDE]);
    let generator = Generator::train(spec, &train.images, &train.labels, &options, &mut |step| {
        if step.step % 100 == 0 {
            let (reconstruction, permuted) = (step.reconstruction, step.permuted);
            println!(
                "step {} of {}: {reconstruction:.5}, permuted {permuted:.5}",
                step.step, step.of
            );
        }
        true
    })?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "generator: {} parameters, {seconds:.0} s",
        generator.parameters()
    );

    let codes = generator.encode(&train.images)?;
    let decoded = generator.decode(&codes)?;
    println!(
        "\n                     named right, %                      distance to the nearest training image"
    );
    println!("class         rows   training  decoded  synthetic  test   synthetic  test");
    let mut page = Vec::new();
    for class in 0..CLASSES {
        let rows = train.class(class);
        let synthetic = generator.decode(&between(&codes, &rows, &rows, SYNTHETIC, seed))?;
        let real = pick(&test.images, &test.class(class));
        let right = |images: &[f32]| right(&classifier, images, class);
        println!(
            "{:12} {:5}   {:7.1}  {:7.1}  {:8.1}  {:5.1}   {:9.3}  {:5.3}",
            demo::CLASSES[class],
            rows.len(),
            right(&pick(&train.images, &rows))?,
            right(&pick(&decoded, &rows))?,
            right(&synthetic)?,
            right(&real)?,
            nearest(&synthetic, &train.images),
            nearest(&real, &train.images),
        );
        let mut row = pick(&train.images, &rows[..1]);
        row.extend(pick(&decoded, &rows[..1]));
        let around = between(&codes, &rows, &rows[..1], COLUMNS - 2, seed);
        row.extend(generator.decode(&around)?);
        page.push(row);
    }
    save(&page, &sheet)?;
    println!("\n{sheet}");
    Ok(())
}

/// A small network trained on real rows, as many of each class.
fn classifier(train: &Rows) -> Result<Network, Box<dyn Error>> {
    let spec = NetworkSpec::new(Arch::ResNet20, [1, SIDE, SIDE], CLASSES);
    let mut trainer = Trainer::new(Network::new(spec, 0)?, SgdOptions::default())?;
    let objective = Objective::new(&LossOptions::default(), &[1; CLASSES], HeadKind::Linear)?;
    let classes: Vec<Vec<usize>> = (0..CLASSES).map(|class| train.class(class)).collect();
    let schedule = Schedule::Cosine { warmup_epochs: 0.1 };
    for step in 0..STEPS {
        let mut rng = PhiloxRng::new(0, DRAWS, step as u64);
        let labels: Vec<u32> = (0..BATCH as u32)
            .map(|i| (step as u32 + i) % CLASSES as u32)
            .collect();
        let rows: Vec<usize> = labels
            .iter()
            .map(|&class| {
                let rows = &classes[class as usize];
                rows[rng.below(rows.len() as u32) as usize]
            })
            .collect();
        let rate = schedule.learning_rate(0.1, step as f64 / STEPS as f64, 1);
        trainer.step(
            &pick(&train.images, &rows),
            labels[..].into(),
            &objective,
            rate,
        )?;
    }
    Ok(trainer.into_network())
}

/// `count` codes between a base drawn from `bases` and one of its nearest of `rows`, a class.
fn between(codes: &[f32], rows: &[usize], bases: &[usize], count: usize, seed: u64) -> Vec<f32> {
    let code = |row: usize| &codes[row * LATENT..][..LATENT];
    let mut out = Vec::with_capacity(count * LATENT);
    for at in 0..count {
        let mut rng = PhiloxRng::new(seed, DRAWS, at as u64);
        let base = bases[rng.below(bases.len() as u32) as usize];
        let mut others: Vec<usize> = rows.iter().copied().filter(|&row| row != base).collect();
        let base = code(base);
        others.sort_by(|&a, &b| squared(base, code(a)).total_cmp(&squared(base, code(b))));
        others.truncate(NEIGHBOURS);
        let neighbour = code(others[rng.below(others.len() as u32) as usize]);
        let ratio = rng.unit();
        out.extend(base.iter().zip(neighbour).map(|(b, n)| b + ratio * (n - b)));
    }
    out
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The share of images that the classifier takes for `class`, in percent.
fn right(classifier: &Network, images: &[f32], class: usize) -> Result<f64, Box<dyn Error>> {
    let head = classifier.head();
    let width = classifier.embedding_width();
    let embeddings = classifier.embed(images)?;
    let score = |embedding: &[f32], class: usize| -> f32 {
        let weight = &head.weight[class * width..][..width];
        head.bias[class]
            + weight
                .iter()
                .zip(embedding)
                .map(|(w, v)| w * v)
                .sum::<f32>()
    };
    let named = embeddings.chunks_exact(width).filter(|embedding| {
        let own = score(embedding, class);
        (0..CLASSES).all(|other| score(embedding, other) <= own)
    });
    Ok(100.0 * named.count() as f64 / (images.len() / PIXELS) as f64)
}

/// The mean over images of the distance to the nearest of `train`, as root mean square of a pixel.
fn nearest(images: &[f32], train: &[f32]) -> f32 {
    let least = |image: &[f32]| {
        let distances = train
            .chunks_exact(PIXELS)
            .map(|other| squared(image, other));
        (distances.fold(f32::INFINITY, f32::min) / PIXELS as f32).sqrt()
    };
    let distances = images.chunks_exact(PIXELS).map(least);
    distances.sum::<f32>() / (images.len() / PIXELS) as f32
}

fn pick(images: &[f32], rows: &[usize]) -> Vec<f32> {
    rows.iter()
        .flat_map(|&row| images[row * PIXELS..][..PIXELS].to_vec())
        .collect()
}

fn save(page: &[Vec<f32>], path: &str) -> Result<(), Box<dyn Error>> {
    let (width, height) = (COLUMNS * SIDE, page.len() * SIDE);
    let sheet = image::GrayImage::from_fn(width as u32, height as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let pixel = x / SIDE * PIXELS + y % SIDE * SIDE + x % SIDE;
        let value = page[y / SIDE].get(pixel).copied().unwrap_or(0.0);
        image::Luma([(255.0 * value).round() as u8])
    });
    Ok(sheet.save(path)?)
}
