//! Values: forward, backward, statistics and evaluation against the definition.

use eos_engine::SimdPath;

use crate::case::{Case, Outcome, Shape, network, wide};
use crate::reference::{self, Params};

/// ‖got − want‖ / ‖want‖.
fn distance(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut got.iter().zip(want).map(|(&g, w)| f64::from(g) - w));
    difference / norm(&mut want.iter().copied()).max(f64::MIN_POSITIVE)
}

fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    let distance = distance(got, want);
    assert!(
        distance <= tolerance,
        "{what}: {distance:.2e} from the definition"
    );
}

/// Rounding to f32 loses 6e-8 a value, and ReLUs at their edge may flip; the depth of 8 keeps both
/// far below these.
const FORWARD: f64 = 2e-6;
const BACKWARD: f64 = 5e-5;

fn check(shape: Shape) {
    let case = Case::new(shape, 7);
    let params = case.reference_params();
    let portable = network(shape, SimdPath::Portable);
    let images = reference::batch(portable.input(), shape.n, &case.images);
    let pass = reference::forward(&portable, &images, &params, None);
    let want = reference::backward(&portable, &pass, &params, &wide(&case.embedding_gradient));
    let running = case.reference_running();
    let evaluated = reference::forward(&portable, &images, &params, Some(&running)).embeddings;
    for path in SimdPath::available() {
        let network = network(shape, path);
        let at = format!("{shape:?} on {path}");
        let Outcome {
            embeddings,
            statistics,
            gradients,
            evaluated: got,
        } = case.run(&network);
        close(
            &format!("{at}: embeddings"),
            &embeddings,
            &pass.embeddings,
            FORWARD,
        );
        close(&format!("{at}: evaluation"), &got, &evaluated, FORWARD);
        close(
            &format!("{at}: images"),
            &gradients.images.unwrap(),
            &want.images,
            BACKWARD,
        );
        for (index, layer) in network.layers().iter().enumerate() {
            let name = |what| format!("{at}: {} of {}", what, layer.conv);
            let (got, want) = (&gradients.layers[index], &want.layers[index]);
            close(&name("weight"), &got.weight, &want.weight, BACKWARD);
            close(&name("gamma"), &got.gamma, &want.gamma, BACKWARD);
            close(&name("beta"), &got.beta, &want.beta, BACKWARD);
            let (got, want) = (&statistics[index], &pass.statistics[index]);
            let count = (shape.n * layer.out_size[0] * layer.out_size[1]) as f64;
            let unbiased: Vec<f64> = want
                .variance
                .iter()
                .map(|v| v * count / (count - 1.0))
                .collect();
            close(&name("mean"), &got.mean, &want.mean, FORWARD);
            close(&name("variance"), &got.variance, &unbiased, FORWARD);
        }
    }
}

#[test]
fn colour_images() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 3,
        size: [32, 32],
        n: 2,
    });
}

#[test]
fn grey_images_whose_last_stage_is_odd() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 1,
        size: [28, 28],
        n: 3,
    });
}

#[test]
fn a_network_of_three_times_the_width() {
    check(Shape {
        depth: 8,
        factor: 3,
        channels: 3,
        size: [8, 12],
        n: 3,
    });
}

#[test]
fn images_that_are_not_square_with_five_channels() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 5,
        size: [12, 20],
        n: 3,
    });
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 5,
        size: [20, 8],
        n: 2,
    });
}

#[test]
fn more_channels_than_a_block() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 19,
        size: [8, 8],
        n: 3,
    });
}

#[test]
fn images_that_shrink_to_one_pixel() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 2,
        size: [4, 4],
        n: 9,
    });
}

#[test]
fn one_image() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 3,
        size: [12, 20],
        n: 1,
    });
}

#[test]
fn more_images_than_chunks() {
    check(Shape {
        depth: 8,
        factor: 1,
        channels: 1,
        size: [8, 12],
        n: 37,
    });
}

#[test]
fn two_blocks_a_stage() {
    check(Shape {
        depth: 14,
        factor: 1,
        channels: 3,
        size: [8, 8],
        n: 9,
    });
}

/// The definition's own gradients, by finite differences of its forward pass.
#[test]
fn the_definition_agrees_with_finite_differences() {
    let shape = Shape {
        depth: 8,
        factor: 1,
        channels: 2,
        size: [4, 8],
        n: 3,
    };
    let case = Case::new(shape, 3);
    let network = network(shape, SimdPath::Portable);
    let images = reference::batch(network.input(), shape.n, &case.images);
    let (params, weights) = (case.reference_params(), wide(&case.embedding_gradient));
    let loss = |images: &reference::Batch, params: &[Params]| -> f64 {
        let pass = reference::forward(&network, images, params, None);
        pass.embeddings
            .iter()
            .zip(&weights)
            .map(|(e, w)| e * w)
            .sum()
    };
    let pass = reference::forward(&network, &images, &params, None);
    let gradients = reference::backward(&network, &pass, &params, &weights);
    let step = 1e-6;
    let agree = |name: &str, by_difference: f64, gradient: f64| {
        let error = (by_difference - gradient).abs();
        assert!(
            error < 1e-6 * (1.0 + gradient.abs()),
            "{name}: {by_difference} {gradient}"
        );
    };
    for index in 0..network.layers().len() {
        let fields: [fn(&mut Params) -> &mut Vec<f64>; 3] =
            [|p| &mut p.weight, |p| &mut p.gamma, |p| &mut p.beta];
        for (field, of) in fields.into_iter().enumerate() {
            for place in [0, 7, 13] {
                let moved = |by: f64| {
                    let mut params = params.clone();
                    of(&mut params[index])[place] += by;
                    loss(&images, &params)
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                let mut of_layer = gradients.layers[index].clone();
                let name = format!("layer {index}, field {field}, place {place}");
                agree(&name, difference, of(&mut of_layer)[place]);
            }
        }
    }
    for place in [0, 31, 100] {
        let moved = |by: f64| {
            let mut images = images.clone();
            images.data[place] += by;
            loss(&images, &params)
        };
        let difference = (moved(step) - moved(-step)) / (2.0 * step);
        agree(
            &format!("image value {place}"),
            difference,
            gradients.images[place],
        );
    }
}

/// A network that has diverged must not look like one that has not.
#[test]
fn a_weight_that_is_not_a_number_shows() {
    let shape = Shape {
        depth: 8,
        factor: 1,
        channels: 3,
        size: [8, 8],
        n: 3,
    };
    let case = Case::new(shape, 5);
    for path in SimdPath::available() {
        let network = network(shape, path);
        let mut weight = case.params()[2].weight.to_vec();
        weight[40] = f32::NAN;
        let mut params = case.params();
        params[2].weight = &weight;
        let (embeddings, saved) = network.forward(&case.images, shape.n, &params).unwrap();
        assert!(embeddings.iter().any(|v| v.is_nan()), "{path} forward");
        let gradients = network
            .backward(saved, &params, &case.embedding_gradient, false)
            .unwrap();
        assert!(gradients.images.is_none(), "not asked for");
        assert!(
            gradients.layers[0].weight.iter().any(|v| v.is_nan()),
            "{path} backward"
        );
        let evaluated = network
            .embed(&case.images, shape.n, &params, &case.running())
            .unwrap();
        assert!(evaluated.iter().any(|v| v.is_nan()), "{path} evaluation");
    }
}
