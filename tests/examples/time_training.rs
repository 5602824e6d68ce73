//! Seconds of a training step and of an embedding in evaluation mode: ResNet-32, 128 images of 3 × 32 × 32.
//!
//! `cargo run --release -p eos-tests --example time_training` does a piece of work for each line on standard input, `step`
//! or `embed`, and answers with a line of JSON: the seconds, and the operations of its convolutions (a multiply-add is
//! two). The first line of its output tells that it is warm. So `cargo xtask bench` can let it and its peers
//! (xtask/peers/time_training.py) take turns.

use eos_engine::{InputShape, ResNet, SimdPath};
use eos_model::{
    Arch, HeadKind, LossOptions, Network, NetworkSpec, Objective, SgdOptions, Trainer,
};
use eos_tensor::{PhiloxRng, stream};
use serde_json::json;
use std::error::Error;
use std::io::stdin;
use std::time::Instant;

const BATCH: usize = 128;
const WARM: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let spec = NetworkSpec::new(Arch::ResNet32, [3, 32, 32], 10);
    let mut rng = PhiloxRng::new(0, stream::BATCHES, 0);
    let images: Vec<f32> = (0..BATCH * spec.image_len())
        .map(|_| rng.normal())
        .collect();
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i * 7 % 10).collect();
    let mut trainer = Trainer::new(Network::new(spec, 0)?, SgdOptions::default())?;
    let objective = Objective::new(&LossOptions::default(), &[1; 10], HeadKind::Linear)?;
    let (forward, backward) = operations()?;
    let mut work = |what: &str| -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        match what {
            "step" => drop(trainer.step(&images, labels[..].into(), &objective, 0.1)?),
            "embed" => drop(trainer.network().embed(&images)?),
            other => return Err(format!("'{other}': wanted step or embed").into()),
        }
        Ok(start.elapsed().as_secs_f64())
    };
    for _ in 0..WARM {
        work("step")?;
        work("embed")?;
    }
    println!("{}", json!({ "on": SimdPath::detect()?.to_string() }));
    for line in stdin().lines() {
        let what = line?;
        let seconds = work(&what)?;
        let operations = match what.as_str() {
            "step" => forward + backward,
            _ => forward,
        };
        println!(
            "{}",
            json!({ "seconds": seconds, "operations": operations })
        );
    }
    Ok(())
}

/// Of all convolutions, forward and backward; the stem needs no gradient of the images.
fn operations() -> Result<(u64, u64), eos_engine::Error> {
    let input = InputShape {
        channels: 3,
        height: 32,
        width: 32,
    };
    let network = ResNet::new(Arch::ResNet32.depth(), input, SimdPath::detect()?)?;
    let each = network.layers().iter().map(|layer| {
        let terms = 9 * layer.in_channels * layer.out_channels;
        (2 * terms * layer.out_size[0] * layer.out_size[1] * BATCH) as u64
    });
    let each: Vec<u64> = each.collect();
    let forward = each.iter().sum::<u64>();
    Ok((forward, 2 * forward - each[0]))
}
