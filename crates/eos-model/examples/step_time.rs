//! Milliseconds of a training step and of an embedding (ResNet-32, 128 images of 3 × 32 × 32), and
//! of a head's whole training (10,000 rows × 64, 10 classes, 30 epochs).
//!
//! `cargo run --release -p eos-model --example step_time [steps]`; RAYON_NUM_THREADS sets the
//! threads. The peer is xtask/peers/bench_torch_step.py.

use eos_model::{
    Arch, HeadData, HeadKind, HeadTraining, LossOptions, Network, NetworkSpec, Objective, Schedule,
    SgdOptions, Trainer, train_head,
};
use eos_tensor::{PhiloxRng, stream};
use std::time::Instant;

const BATCH: usize = 128;

/// Median and least of the milliseconds that `work` takes, after three calls to warm up.
fn measure(times: usize, mut work: impl FnMut()) -> (f64, f64) {
    let mut seen: Vec<f64> = (0..times + 3)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .skip(3)
        .collect();
    seen.sort_by(f64::total_cmp);
    (seen[seen.len() / 2], seen[0])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let steps: usize = std::env::args().nth(1).map_or(Ok(15), |n| n.parse())?;
    let spec = NetworkSpec::new(Arch::ResNet32, [3, 32, 32], 10);
    let mut rng = PhiloxRng::new(0, stream::BATCHES, 0);
    let images: Vec<f32> = (0..BATCH * spec.image_len())
        .map(|_| rng.normal())
        .collect();
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i * 7 % 10).collect();
    let mut trainer = Trainer::new(Network::new(spec, 0)?, SgdOptions::default())?;
    let objective = Objective::new(&LossOptions::default(), &[1; 10], HeadKind::Linear)?;
    let path = trainer.network().simd_path();

    let (median, least) = measure(steps.max(1), || {
        let step = trainer.step(&images, labels[..].into(), &objective, 0.1);
        step.expect("a finite loss");
    });
    println!("{path}: training step: median {median:.1} ms, least {least:.1} ms");
    let (median, least) = measure(steps.max(1), || {
        trainer.network().embed(&images).expect("whole images");
    });
    println!("{path}: embedding: median {median:.1} ms, least {least:.1} ms");
    let milliseconds = head_training()?;
    println!("head training: {milliseconds:.0} ms");
    Ok(())
}

fn head_training() -> Result<f64, Box<dyn std::error::Error>> {
    let mut rng = PhiloxRng::new(0, stream::HEAD_BATCHES, 0);
    let rows: Vec<f32> = (0..10_000 * 64).map(|_| rng.normal()).collect();
    let labels: Vec<u32> = (0..10_000).map(|i| i % 10).collect();
    let options = HeadTraining {
        epochs: 30,
        batch: BATCH,
        schedule: Schedule::Reference,
        learning_rate: 0.1,
        sgd: SgdOptions::default(),
        loss: LossOptions::default(),
        kind: HeadKind::Linear,
        seed: 0,
        start: None,
    };
    let data = HeadData {
        rows: &rows,
        dims: 64,
        labels: &labels,
        classes: 10,
    };
    let start = Instant::now();
    train_head(data, &options, &mut |_| true)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
