//! Values: each block alone and blocks together, forward, backward and in evaluation.

use eos_engine::SimdPath;
use eos_engine::blocks::Block;

use crate::definition;
use crate::setting::{Outcome, Setting, wide};

/// Rounding to f32 loses 6e-8 a value, and sums run over up to some hundred.
const FORWARD: f64 = 3e-6;
const BACKWARD: f64 = 5e-5;
/// Places of a tensor whose derivative is taken by differences.
const PLACES: usize = 24;
const STEP: f64 = 1e-6;

/// ‖got − want‖ ≤ tolerance · ‖want‖.
fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let off = norm(&mut got.iter().zip(want).map(|(g, w)| g - w));
    // A gradient that is zero by its definition is rounding alone.
    let size = norm(&mut want.iter().copied()).max(1e-2);
    assert!(
        off <= tolerance * size,
        "{what}: {off:.2e} of {size:.2e} off"
    );
}

/// Up to [`PLACES`] places over a whole tensor, the last among them.
fn places(len: usize) -> Vec<usize> {
    let count = len.min(PLACES);
    (0..count).map(|k| (k + 1) * len / count - 1).collect()
}

/// Checks blocks on `n` images of `shape` against the definition.
fn check(n: usize, shape: [usize; 3], blocks: &[Block]) {
    let setting = Setting::new(n, shape, blocks, 7);
    let (images, parameters) = (setting.wide_images(), setting.wide_parameters());
    let output = definition::run(blocks, &images, &parameters, None);
    let running = setting.wide_running();
    let evaluated = definition::run(blocks, &images, &parameters, Some(&running));
    let loss = |images: &definition::Images, parameters: &[Vec<f64>]| -> f64 {
        let output = definition::run(blocks, images, parameters, None);
        let products = output.data.iter().zip(&setting.gradient);
        products.map(|(v, &g)| v * f64::from(g)).sum()
    };
    let by_image = |place: usize| {
        let moved = |by: f64| {
            let mut images = images.clone();
            images.data[place] += by;
            loss(&images, &parameters)
        };
        (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
    };
    let by_parameter = |index: usize, place: usize| {
        let moved = |by: f64| {
            let mut parameters = parameters.clone();
            parameters[index][place] += by;
            loss(&images, &parameters)
        };
        (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
    };
    let image_places = places(images.data.len());
    let of_images: Vec<f64> = image_places.iter().map(|&place| by_image(place)).collect();
    let of_parameters: Vec<Vec<f64>> = (0..parameters.len())
        .map(|index| {
            let places = places(parameters[index].len());
            places
                .iter()
                .map(|&place| by_parameter(index, place))
                .collect()
        })
        .collect();
    for path in SimdPath::available() {
        let at = format!("{blocks:?} on {n} x {shape:?}, {path}");
        let sequence = setting.sequence(path);
        let Outcome {
            output: got,
            evaluated: got_evaluated,
            parameters: got_parameters,
            input,
            ..
        } = setting.run(&sequence);
        close(&format!("{at}: output"), &wide(&got), &output.data, FORWARD);
        let got = wide(&got_evaluated);
        close(&format!("{at}: evaluation"), &got, &evaluated.data, FORWARD);
        let got: Vec<f64> = image_places.iter().map(|&p| f64::from(input[p])).collect();
        close(&format!("{at}: input"), &got, &of_images, BACKWARD);
        for ((parameter, got), want) in sequence
            .parameters()
            .iter()
            .zip(&got_parameters)
            .zip(&of_parameters)
        {
            assert_eq!(got.len(), parameter.len());
            let got: Vec<f64> = places(got.len())
                .iter()
                .map(|&p| f64::from(got[p]))
                .collect();
            close(&format!("{at}: {}", parameter.name), &got, want, BACKWARD);
        }
    }
}

#[test]
fn convolutions() {
    let sizes = [[5, 7], [1, 1], [6, 4], [2, 9], [7, 8]];
    let channels = [(1, 1), (1, 17), (3, 40), (40, 3), (17, 16), (16, 17)];
    for (at, (inputs, outputs)) in channels.into_iter().enumerate() {
        for stride in [1, 2] {
            let [height, width] = sizes[(at + stride) % sizes.len()];
            let block = Block::Conv3x3 {
                inputs,
                outputs,
                stride,
            };
            check(2, [inputs, height, width], &[block]);
        }
    }
    // More images than chunks, and whole tiles for Winograd's kernel.
    let block = |stride| Block::Conv3x3 {
        inputs: 17,
        outputs: 18,
        stride,
    };
    check(19, [17, 4, 2], &[block(1)]);
    check(19, [17, 3, 3], &[block(2)]);
}

#[test]
fn normalizations() {
    for (n, shape) in [(2, [1, 5, 3]), (3, [17, 1, 1]), (19, [40, 3, 2])] {
        let channels = shape[0];
        check(n, shape, &[Block::BatchNorm { channels }]);
    }
}

#[test]
fn functions_of_single_values() {
    for slope in [0.0, 0.2] {
        check(3, [17, 3, 5], &[Block::LeakyRelu { slope }]);
    }
    for block in [Block::Tanh, Block::Sigmoid] {
        check(1, [1, 7, 5], &[block]);
        check(18, [17, 1, 3], &[block]);
    }
}

#[test]
fn sizes_and_shapes() {
    for shape in [[1, 1, 1], [3, 3, 5], [40, 2, 3]] {
        check(2, shape, &[Block::Upsample2x]);
        check(2, shape, &[Block::GlobalAveragePool]);
    }
    check(3, [3, 2, 7], &[Block::Reshape([42, 1, 1])]);
    check(17, [34, 1, 1], &[Block::Reshape([17, 1, 2])]);
}

#[test]
fn dense_layers() {
    for (n, inputs, outputs) in [(1, 1, 1), (3, 17, 40), (19, 40, 3), (33, 5, 17)] {
        check(n, [inputs, 1, 1], &[Block::Dense { inputs, outputs }]);
    }
}

#[test]
fn a_small_encoder_and_generator() {
    let blocks = [
        Block::Conv3x3 {
            inputs: 3,
            outputs: 17,
            stride: 2,
        },
        Block::BatchNorm { channels: 17 },
        Block::LeakyRelu { slope: 0.2 },
        Block::Reshape([17 * 12, 1, 1]),
        Block::Dense {
            inputs: 17 * 12,
            outputs: 24,
        },
        Block::Reshape([4, 2, 3]),
        Block::BatchNorm { channels: 4 },
        Block::LeakyRelu { slope: 0.0 },
        Block::Upsample2x,
        Block::Conv3x3 {
            inputs: 4,
            outputs: 3,
            stride: 1,
        },
        Block::Tanh,
    ];
    check(3, [3, 5, 7], &blocks);
}

#[test]
fn a_small_discriminator() {
    let blocks = [
        Block::Conv3x3 {
            inputs: 1,
            outputs: 16,
            stride: 1,
        },
        Block::LeakyRelu { slope: 0.1 },
        Block::Conv3x3 {
            inputs: 16,
            outputs: 16,
            stride: 1,
        },
        Block::LeakyRelu { slope: 0.1 },
        Block::GlobalAveragePool,
        Block::Dense {
            inputs: 16,
            outputs: 1,
        },
        Block::Sigmoid,
    ];
    check(5, [1, 6, 4], &blocks);
}

/// The statistics that a caller folds into the running ones.
#[test]
fn statistics_are_those_of_the_batch() {
    let blocks = [Block::BatchNorm { channels: 17 }, Block::Tanh];
    let setting = Setting::new(3, [17, 2, 5], &blocks, 3);
    let images = setting.wide_images();
    for path in SimdPath::available() {
        let statistics = setting.run(&setting.sequence(path)).statistics;
        assert_eq!(statistics.len(), 1);
        for c in 0..17 {
            let (mean, variance) = images.moments(c);
            let unbiased = variance * 30.0 / 29.0;
            assert!((f64::from(statistics[0].mean[c]) - mean).abs() < 1e-6);
            assert!((f64::from(statistics[0].variance[c]) - unbiased).abs() < 1e-5 * unbiased);
        }
    }
}

/// A network that has diverged must not look like one that has not, nor spoil other channels.
#[test]
fn what_is_no_number_shows_where_it_is() {
    for slope in [0.0, 0.5] {
        for path in SimdPath::available() {
            let mut setting = Setting::new(1, [3, 1, 1], &[Block::LeakyRelu { slope }], 1);
            setting.images = vec![f32::NAN, f32::NEG_INFINITY, f32::INFINITY];
            let output = setting.run(&setting.sequence(path)).output;
            let low = if slope == 0.0 { 0.0 } else { f32::NEG_INFINITY };
            assert!(output[0].is_nan(), "{path}");
            assert_eq!(output[1..], [low, f32::INFINITY], "{path}");
        }
    }
}
