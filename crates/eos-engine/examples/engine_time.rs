//! Times a training step and an evaluation embedding.
//!
//! `cargo run --release -p eos-engine --example engine_time -- [depth] [batch] [channels] [height]
//! [width] [steps]`, by default `32 128 3 32 32 20`. `RAYON_NUM_THREADS` sets the threads,
//! `EOS_SIMD` the path.

use std::error::Error;
use std::time::Instant;

use eos_engine::{InputShape, LayerParams, ResNet, Running, SimdPath};

/// Numbers in [-1, 1) that look random.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Calls `work` a few times unmeasured, then `steps` times; prints minimum and median.
fn time(
    what: &str,
    steps: usize,
    mut work: impl FnMut() -> Result<(), eos_engine::Error>,
) -> Result<(), eos_engine::Error> {
    for _ in 0..3 {
        work()?;
    }
    let mut seconds = Vec::with_capacity(steps);
    for _ in 0..steps {
        let start = Instant::now();
        work()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let (least, median) = (seconds[0] * 1e3, seconds[steps / 2] * 1e3);
    println!("{what:<22} min {least:8.2} ms, median {median:8.2} ms");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name: &str, default: usize| match arguments.next() {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| format!("{name} is '{text}': want a whole number")),
    };
    let (depth, n) = (argument("depth", 32)?, argument("batch", 128)?);
    let input = InputShape {
        channels: argument("channels", 3)?,
        height: argument("height", 32)?,
        width: argument("width", 32)?,
    };
    let steps = argument("steps", 20)?.max(1);
    let network = ResNet::new(depth, input, SimdPath::detect()?)?;
    println!(
        "ResNet-{depth}, batch {n}, {} x {} x {}, {} threads, {}",
        input.channels,
        input.height,
        input.width,
        rayon::current_num_threads(),
        network.path()
    );

    let images = noise(n * input.values(), 1);
    let gradient = noise(n * network.embedding_width(), 2);
    let weights: Vec<Vec<f32>> = network
        .layers()
        .iter()
        .map(|layer| noise(layer.weight_shape().iter().product(), 3))
        .collect();
    let (ones, zeros) = ([1.0; 64], [0.0; 64]);
    let params: Vec<LayerParams<'_>> = network
        .layers()
        .iter()
        .zip(&weights)
        .map(|(layer, weight)| LayerParams {
            weight,
            gamma: &ones[..layer.out_channels],
            beta: &zeros[..layer.out_channels],
        })
        .collect();
    let running: Vec<Running<'_>> = params
        .iter()
        .map(|p| Running {
            mean: p.beta,
            variance: p.gamma,
        })
        .collect();

    time("forward", steps, || {
        network.forward(&images, n, &params).map(drop)
    })?;
    time("forward and backward", steps, || {
        let (_, saved) = network.forward(&images, n, &params)?;
        network.backward(saved, &params, &gradient, false).map(drop)
    })?;
    time("evaluation", steps, || {
        network.embed(&images, n, &params, &running).map(drop)
    })?;
    Ok(())
}
