//! What does not fit is refused by name, before anything is computed.

use eos_engine::blocks::{Batch, Block, Sequence};
use eos_engine::{Error, SimdPath};

use crate::setting::{Setting, slices};

fn refusal(input: [usize; 3], blocks: &[Block]) -> String {
    let refused = Sequence::new(input, blocks, SimdPath::Portable);
    refused.unwrap_err().to_string()
}

#[test]
fn batches_that_cannot_be() {
    let refusal = |images: &[f32], n, shape| Batch::new(images, n, shape).unwrap_err();
    assert_eq!(refusal(&[], 0, [1, 2, 2]), Error::EmptyBatch);
    for shape in [[0, 2, 2], [1, 0, 2], [1, 2, 0]] {
        let message = refusal(&[], 1, shape).to_string();
        assert!(
            message.contains("at least one channel, row and column"),
            "{message}"
        );
    }
    assert!(matches!(
        refusal(&[1.0], 1, [usize::MAX, 2, 2]),
        Error::BatchShape { .. }
    ));
    assert_eq!(
        refusal(&[1.0; 7], 2, [1, 2, 2]).to_string(),
        "images has 7 values, want 8 (2 x 1 x 2 x 2)"
    );
}

#[test]
fn blocks_that_cannot_be() {
    let conv = |inputs, outputs, stride| Block::Conv3x3 {
        inputs,
        outputs,
        stride,
    };
    for (block, message) in [
        (conv(3, 8, 3), "block 0 (Conv3x3) has stride 3: want 1 or 2"),
        (conv(3, 8, 0), "block 0 (Conv3x3) has stride 0: want 1 or 2"),
        (
            conv(4, 8, 1),
            "block 0 (Conv3x3) gets 3 x 4 x 5: want 4 channels",
        ),
        (
            conv(3, 0, 1),
            "block 0 (Conv3x3) makes images of 0 x 4 x 5: want at least one channel and at most \
             2^32 values",
        ),
        (
            Block::BatchNorm { channels: 0 },
            "block 0 (BatchNorm) gets 3 x 4 x 5: want 0 channels",
        ),
        (
            Block::LeakyRelu { slope: -0.5 },
            "block 0 (LeakyRelu) has slope -0.5: want 0 to below 1",
        ),
        (
            Block::LeakyRelu { slope: f32::NAN },
            "block 0 (LeakyRelu) has slope NaN: want 0 to below 1",
        ),
        (
            Block::Dense {
                inputs: 60,
                outputs: 2,
            },
            "block 0 (Dense) gets 3 x 4 x 5: want 60 x 1 x 1; put a Reshape before it",
        ),
        (
            Block::Reshape([61, 1, 1]),
            "block 0 (Reshape) makes 61 x 1 x 1 of 3 x 4 x 5: want as many values",
        ),
    ] {
        assert_eq!(refusal([3, 4, 5], &[block]), message);
    }
    let huge = [Block::Dense {
        inputs: 1,
        outputs: usize::MAX,
    }];
    assert!(refusal([1, 1, 1], &huge).contains("want at most 2^32 values"));
    let many = [Block::Upsample2x; 17];
    assert!(refusal([1, 1, 1], &many).starts_with("block 16 (Upsample2x) makes images of"));
    assert_eq!(
        refusal([1, 1, 1], &[]),
        "the sequence has no blocks: want at least one"
    );
    assert!(refusal([0, 1, 1], &[Block::Tanh]).contains("at least one channel"));
}

#[test]
fn a_path_this_machine_lacks() {
    for path in SimdPath::ALL {
        let sequence = Sequence::new([1, 1, 1], &[Block::Tanh], path);
        assert_eq!(sequence.is_ok(), path.is_supported(), "{path}");
    }
}

const BLOCKS: [Block; 3] = [
    Block::Conv3x3 {
        inputs: 1,
        outputs: 2,
        stride: 2,
    },
    Block::BatchNorm { channels: 2 },
    Block::Tanh,
];

#[test]
fn calls_that_do_not_fit() {
    let setting = Setting::new(2, [1, 3, 3], &BLOCKS, 1);
    let sequence = setting.sequence(SimdPath::Portable);
    let (parameters, running) = (slices(&setting.parameters), slices(&setting.running));
    let forward = |batch: Batch, parameters: &[&[f32]]| {
        let refused = sequence.forward(batch, parameters);
        refused.unwrap_err().to_string()
    };
    let other = Batch::new(&[0.0; 16], 1, [1, 4, 4]).unwrap();
    assert_eq!(
        forward(other, &parameters),
        "an image of the batch is 1 x 4 x 4, want 1 x 3 x 3"
    );
    assert_eq!(
        forward(setting.batch(), &parameters[1..]),
        "2 parameters were given, this sequence has 3"
    );
    let mut short = parameters.clone();
    short[1] = &short[1][1..];
    assert_eq!(
        forward(setting.batch(), &short),
        "1.weight has 1 values, want 2 (2)"
    );
    let evaluate = |running: &[&[f32]]| {
        let refused = sequence.evaluate(setting.batch(), &parameters, running);
        refused.unwrap_err().to_string()
    };
    assert_eq!(
        evaluate(&running[1..]),
        "1 running statistics were given, this sequence has 2"
    );
    assert_eq!(
        evaluate(&[running[0], &[]]),
        "1.running_var has 0 values, want 2 (2)"
    );
}

#[test]
fn one_value_per_channel() {
    let setting = Setting::new(2, [1, 2, 2], &BLOCKS, 1);
    let sequence = setting.sequence(SimdPath::Portable);
    let one = || Batch::new(&setting.images[..4], 1, [1, 2, 2]).unwrap();
    let (parameters, running) = (slices(&setting.parameters), slices(&setting.running));
    let message = sequence
        .forward(one(), &parameters)
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("block 1 (BatchNorm) would see one value"),
        "{message}"
    );
    // Evaluation has no such need, nor have two images.
    assert!(sequence.evaluate(one(), &parameters, &running).is_ok());
    assert!(sequence.forward(setting.batch(), &parameters).is_ok());
}

#[test]
fn a_backward_pass_that_does_not_fit_its_forward_pass() {
    let setting = Setting::new(2, [1, 3, 3], &BLOCKS, 1);
    let sequence = setting.sequence(SimdPath::Portable);
    let parameters = slices(&setting.parameters);
    let save = || sequence.forward(setting.batch(), &parameters).unwrap().1;
    let one = Batch::new(&setting.gradient[..8], 1, [2, 2, 2]).unwrap();
    let refused = sequence.backward(save(), &parameters, one, false);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the gradient is 1 x 2 x 2 x 2, want 2 x 2 x 2 x 2"
    );
    let gradient = || Batch::new(&setting.gradient, 2, [2, 2, 2]).unwrap();
    let refused = sequence.backward(save(), &parameters[1..], gradient(), false);
    assert!(matches!(refused, Err(Error::Count { .. })));
    let wider = Sequence::new([1, 4, 4], &BLOCKS, SimdPath::Portable).unwrap();
    let refused = wider.backward(save(), &parameters, gradient(), false);
    assert_eq!(refused.unwrap_err(), Error::ForeignSaved);
}
