//! Bits: the same whatever the number of threads, and whatever ran before.

use eos_engine::SimdPath;
use eos_engine::blocks::{Batch, Block};
use rayon::ThreadPoolBuilder;

use crate::setting::{Setting, slices};

/// Every block, on images of 3 x 6 x 10.
const EVERY: [Block; 13] = [
    Block::Conv3x3 {
        inputs: 3,
        outputs: 19,
        stride: 1,
    },
    Block::BatchNorm { channels: 19 },
    Block::LeakyRelu { slope: 0.2 },
    Block::Conv3x3 {
        inputs: 19,
        outputs: 33,
        stride: 2,
    },
    Block::Tanh,
    Block::Upsample2x,
    Block::Conv3x3 {
        inputs: 33,
        outputs: 17,
        stride: 1,
    },
    Block::BatchNorm { channels: 17 },
    Block::GlobalAveragePool,
    Block::Dense {
        inputs: 17,
        outputs: 35,
    },
    Block::Reshape([5, 7, 1]),
    Block::LeakyRelu { slope: 0.0 },
    Block::Sigmoid,
];
const SHAPE: [usize; 3] = [3, 6, 10];

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for n in [2, 37] {
        let setting = Setting::new(n, SHAPE, &EVERY, 11);
        for path in SimdPath::available() {
            let sequence = setting.sequence(path);
            let run = |threads: usize| {
                let pool = ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| setting.run(&sequence))
            };
            let one = run(1);
            for threads in [2, 3, 8] {
                assert!(run(threads) == one, "{path}, {threads} threads, {n} images");
            }
        }
    }
}

#[test]
fn reused_memory_leaves_no_trace() {
    let setting = Setting::new(5, SHAPE, &EVERY, 1);
    let mut spoilt = Setting::new(9, SHAPE, &EVERY, 2);
    spoilt.images.fill(f32::NAN);
    let fewer = Setting::new(3, SHAPE, &EVERY, 3);
    for path in SimdPath::available() {
        let fresh = setting.run(&setting.sequence(path));
        let sequence = setting.sequence(path);
        for before in [&spoilt, &fewer, &spoilt] {
            before.run(&sequence);
            assert!(
                setting.run(&sequence) == fresh,
                "{path}, after {}",
                before.n
            );
        }
    }
}

/// An image's values in evaluation do not depend on its batch.
#[test]
fn evaluation_takes_each_image_alone() {
    let setting = Setting::new(33, SHAPE, &EVERY, 6);
    let (parameters, running) = (slices(&setting.parameters), slices(&setting.running));
    for path in SimdPath::available() {
        let sequence = setting.sequence(path);
        let evaluate = |images: &[f32], n| {
            let batch = Batch::new(images, n, SHAPE).unwrap();
            let output = sequence.evaluate(batch, &parameters, &running).unwrap();
            output.to_vec()
        };
        let images = setting.images.chunks_exact(180);
        let alone: Vec<f32> = images.flat_map(|image| evaluate(image, 1)).collect();
        assert!(evaluate(&setting.images, 33) == alone, "{path}");
    }
}

/// What came in is left out where it is not asked for, and the rest keeps its bits.
#[test]
fn the_gradient_of_the_input_is_optional() {
    let setting = Setting::new(4, SHAPE, &EVERY, 8);
    let parameters = slices(&setting.parameters);
    for path in SimdPath::available() {
        let sequence = setting.sequence(path);
        let whole = setting.run(&sequence);
        let (_, saved) = sequence.forward(setting.batch(), &parameters).unwrap();
        let gradient = Batch::new(&setting.gradient, 4, sequence.output()).unwrap();
        let gradients = sequence
            .backward(saved, &parameters, gradient, false)
            .unwrap();
        assert!(gradients.input.is_none());
        assert!(gradients.parameters == whole.parameters, "{path}");
    }
}
