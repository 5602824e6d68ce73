//! Input that does not fit is refused by name, before anything is computed.

use eos_engine::{Error, InputShape, ResNet, SimdPath};

use crate::case::{Case, Shape, network};

const SHAPE: Shape = Shape {
    depth: 8,
    factor: 1,
    channels: 3,
    size: [8, 8],
    n: 2,
};

#[test]
fn depths_and_sizes_that_do_not_exist() {
    let input = InputShape {
        channels: 3,
        height: 32,
        width: 32,
    };
    for depth in [0, 1, 2, 18, 33, usize::MAX] {
        let error = ResNet::new(depth, input, SimdPath::Portable).unwrap_err();
        assert_eq!(error, Error::Depth { depth });
    }
    for depth in [20, 32, 44, 56, 110] {
        let network = ResNet::new(depth, input, SimdPath::Portable).unwrap();
        assert_eq!(network.layers().len(), depth - 1);
    }
    for factor in [0, 17, usize::MAX] {
        let error = ResNet::wide(20, factor, input, SimdPath::Portable).unwrap_err();
        assert_eq!(error, Error::Width { factor, most: 16 });
    }
    let sizes = [
        (0, 32, 32),
        (3, 0, 32),
        (3, 32, 0),
        (3, 30, 32),
        (3, 32, 31),
        (1, 1 << 40, 1 << 40),
    ];
    for (channels, height, width) in sizes {
        let input = InputShape {
            channels,
            height,
            width,
        };
        let error = ResNet::new(20, input, SimdPath::Portable).unwrap_err();
        assert_eq!(
            error,
            Error::Input {
                channels,
                height,
                width
            }
        );
    }
}

#[test]
fn a_path_this_machine_lacks() {
    let input = InputShape {
        channels: 3,
        height: 32,
        width: 32,
    };
    for path in SimdPath::ALL {
        let network = ResNet::new(20, input, path);
        assert_eq!(network.is_ok(), path.is_supported(), "{path}");
    }
}

#[test]
fn batches_that_do_not_fit() {
    let case = Case::new(SHAPE, 1);
    let network = network(SHAPE, SimdPath::Portable);
    let forward = |images: &[f32], n| network.forward(images, n, &case.params()).err();
    assert_eq!(forward(&[], 0), Some(Error::EmptyBatch));
    let error = forward(&case.images[1..], 2).unwrap();
    assert_eq!(
        error.to_string(),
        "images has 383 values, want 384 (2 x 3 x 8 x 8)"
    );
    assert!(forward(&case.images, usize::MAX).is_some());
    let embed = |images: &[f32], n| {
        network
            .embed(images, n, &case.params(), &case.running())
            .err()
    };
    assert_eq!(embed(&[], 0), Some(Error::EmptyBatch));
    assert!(matches!(embed(&case.images, 3), Some(Error::Length { .. })));
}

#[test]
fn one_value_per_channel() {
    let shape = Shape {
        size: [4, 4],
        n: 1,
        ..SHAPE
    };
    let case = Case::new(shape, 1);
    let network = network(shape, SimdPath::Portable);
    let error = network
        .forward(&case.images, 1, &case.params())
        .unwrap_err();
    assert_eq!(
        error,
        Error::OneValue {
            norm: "layer3.0.bn1".into()
        }
    );
    // Evaluation has no such need.
    assert!(
        network
            .embed(&case.images, 1, &case.params(), &case.running())
            .is_ok()
    );
}

#[test]
fn parameters_that_do_not_fit() {
    let case = Case::new(SHAPE, 1);
    let network = network(SHAPE, SimdPath::Portable);
    let forward = |params: &[_]| {
        network
            .forward(&case.images, 2, params)
            .err()
            .unwrap()
            .to_string()
    };
    let mut params = case.params();
    params[3].weight = &params[3].weight[1..];
    assert!(forward(&params).starts_with("layer2.0.conv1.weight has 4607 values"));
    let mut params = case.params();
    params[0].gamma = &params[0].gamma[..15];
    assert_eq!(forward(&params), "bn1.weight has 15 values, want 16 (16)");
    let mut params = case.params();
    params[6].beta = &[];
    assert_eq!(
        forward(&params),
        "layer3.0.bn2.bias has 0 values, want 64 (64)"
    );
    let params = case.params();
    assert!(forward(&params[1..]).contains("parameters were given for 6 layers"));
    let mut running = case.running();
    running[2].variance = &[];
    let error = network
        .embed(&case.images, 2, &params, &running)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("layer1.0.bn2.running_var has 0 values"),
        "{error}"
    );
}

#[test]
fn a_backward_pass_that_does_not_fit_its_forward_pass() {
    let case = Case::new(SHAPE, 1);
    let one = network(SHAPE, SimdPath::Portable);
    let params = case.params();
    let save = || one.forward(&case.images, 2, &params).unwrap().1;
    let gradient = &case.embedding_gradient;
    let error = one
        .backward(save(), &params, &gradient[1..], false)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("embedding gradient has 127 values"),
        "{error}"
    );
    let shape = Shape {
        size: [8, 12],
        ..SHAPE
    };
    let other = network(shape, SimdPath::Portable);
    let error = other
        .backward(save(), &params, gradient, false)
        .unwrap_err();
    assert_eq!(error, Error::ForeignSaved);
}
