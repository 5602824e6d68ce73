//! Networks against PyTorch in f64, on every instruction path of the machine.
//!
//! The fixtures hold results; weights and images come from Philox on both sides. They are made by
//! xtask/peers/make_model_fixtures.py.

use eos_engine::SimdPath;
use eos_model::{
    Arch, ClassWeights, Decay, HeadKind, Loss, LossOptions, Network, NetworkSpec, Objective,
    SgdOptions, Trainer,
};
use eos_tensor::philox::{Philox, below, unit};
use flate2::read::GzDecoder;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

const SEED: u64 = 20_260_101;
const WEIGHTS: u32 = 1;
const IMAGES: u32 = 2;
const LABELS: u32 = 3;
const LOGITS: u32 = 4;
const COUNTS: [usize; 10] = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];

fn unpacked(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let file = std::fs::File::open(folder.join(format!("{name}.safetensors.gz"))).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Every float tensor of a file, by name.
fn tensors(bytes: &[u8]) -> BTreeMap<String, Vec<f64>> {
    let values = |tensor: TensorView<'_>| match tensor.dtype() {
        Dtype::F32 => {
            let four = tensor.data().chunks_exact(4);
            four.map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
                .collect()
        }
        Dtype::F64 => {
            let eight = tensor.data().chunks_exact(8);
            eight
                .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
                .collect()
        }
        _ => Vec::new(),
    };
    let file = SafeTensors::deserialize(bytes).unwrap();
    let named = file.tensors().into_iter();
    named.map(|(name, t)| (name, values(t))).collect()
}

fn words(stream: u32, index: u64, count: usize) -> Vec<u32> {
    let philox = Philox::new(SEED);
    let blocks = 0..count.div_ceil(4) as u32;
    let mut words: Vec<u32> = blocks
        .flat_map(|b| philox.block(index, stream, b))
        .collect();
    words.truncate(count);
    words
}

/// A tensor's values by its name, as the script has them.
fn value(name: &str, index: u64, shape: &[usize]) -> Vec<u8> {
    let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt() as f32;
    let of = |u: f32| {
        if name == "linear.weight" {
            (2.0 * u - 1.0) * 0.125
        } else if name.ends_with("running_var")
            || (name.contains("bn") && name.ends_with(".weight"))
        {
            0.5 + u
        } else if name.ends_with("running_mean") || name.ends_with(".bias") {
            u - 0.5
        } else {
            (2.0 * u - 1.0) * bound
        }
    };
    let words = words(WEIGHTS, index, shape.iter().product());
    words
        .into_iter()
        .flat_map(|w| of(unit(w)).to_le_bytes())
        .collect()
}

/// The script's network: the tensors of a fresh one, by sorted name, filled from Philox.
fn network(spec: NetworkSpec) -> Network {
    let fresh = Network::new(spec, 0).unwrap().to_safetensors().unwrap();
    let file = SafeTensors::deserialize(&fresh).unwrap();
    let floats = file
        .tensors()
        .into_iter()
        .filter(|(_, t)| t.dtype() == Dtype::F32);
    let floats: BTreeMap<String, Vec<usize>> =
        floats.map(|(name, t)| (name, t.shape().to_vec())).collect();
    let filled: Vec<_> = floats
        .iter()
        .zip(0..)
        .map(|((name, shape), index)| (name, shape, value(name, index, shape)))
        .collect();
    let views = filled.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
        (name.as_str(), view)
    });
    Network::from_safetensors(&safetensors::serialize(views, None).unwrap(), spec).unwrap()
}

fn batch(spec: &NetworkSpec, n: usize, draw: u64) -> (Vec<f32>, Vec<u32>) {
    let count = n * spec.image_len();
    let images = words(IMAGES, draw, count).into_iter();
    let images = images.map(|w| (2.0 * unit(w) - 1.0) * 1.75).collect();
    let labels = words(LABELS, 0, n).into_iter();
    let labels = labels.map(|w| below(w, spec.classes as u32)).collect();
    (images, labels)
}

/// ‖got − wanted‖ / ‖wanted‖.
fn relative(got: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let apart: f64 = got
        .iter()
        .zip(wanted)
        .map(|(g, w)| (f64::from(*g) - w).powi(2))
        .sum();
    (apart / wanted.iter().map(|w| w * w).sum::<f64>()).sqrt()
}

fn furthest(got: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let apart = got.iter().zip(wanted);
    apart.fold(0.0, |worst, (g, w)| worst.max((f64::from(*g) - w).abs()))
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, v| most.max(v.abs()))
}

struct Case {
    name: &'static str,
    spec: NetworkSpec,
    n: usize,
    draw: u64,
}

fn check(case: &Case) {
    let wanted = tensors(&unpacked(case.name));
    let (images, labels) = batch(&case.spec, case.n, case.draw);
    let (targets, alike) = (labels[..].into(), vec![1; case.spec.classes]);
    let objective = Objective::new(&LossOptions::default(), &alike, HeadKind::Linear).unwrap();
    for path in SimdPath::available() {
        let network = network(case.spec).with_simd_path(path).unwrap();
        let at = format!("{} on {path}", case.name);
        let embedded = network.embed(&images).unwrap();
        // Random running statistics make a deep network's embeddings large, so that relative to
        // the largest is what f32 can promise.
        let off = furthest(&embedded, &wanted["evaluated"]);
        let allowed = 1e-5 * largest(&wanted["evaluated"]).max(10.0);
        assert!(
            off <= allowed,
            "{at}: embeddings differ by {off:.1e}, allowed are {allowed:.1e}"
        );
        let logits = network.head().logits(&embedded).unwrap();
        let off = furthest(&logits, &wanted["logits"]);
        let allowed = 1e-5 * largest(&wanted["logits"]).max(10.0);
        assert!(
            off <= allowed,
            "{at}: logits differ by {off:.1e}, allowed are {allowed:.1e}"
        );

        let mut trainer = Trainer::new(network, SgdOptions::default()).unwrap();
        let (step, gradients) = trainer.gradients(&images, targets, &objective).unwrap();
        let off = (f64::from(step.loss) / wanted["loss"][0] - 1.0).abs();
        assert!(off <= 1e-5, "{at}: the loss differs by {off:.1e}");
        let mut compared = 0;
        for (name, truth) in &wanted {
            let Some(name) = name.strip_prefix("gradient/") else {
                continue;
            };
            let off = relative(&gradients[name], truth);
            // PyTorch's own error by one tensor may be small by luck: hence the summand.
            let allowed = 2.0 * wanted[&format!("error/{name}")][0] + 5e-6;
            assert!(
                off <= allowed,
                "{at}: the gradient of {name} differs by {off:.1e}, allowed are {allowed:.1e}"
            );
            compared += 1;
        }
        assert!(compared >= 5, "{at}: only {compared} gradients");

        let stepped = trainer.step(&images, targets, &objective, 0.1);
        assert_eq!(stepped.unwrap(), step);
        let after = tensors(&trainer.into_network().to_safetensors().unwrap());
        for (name, truth) in &wanted {
            let Some(name) = name.strip_prefix("after/") else {
                continue;
            };
            let got: Vec<f32> = after[name].iter().map(|v| *v as f32).collect();
            let off = relative(&got, truth);
            assert!(
                off <= 1e-5,
                "{at}: {name} after a step differs by {off:.1e}"
            );
        }
    }
}

const fn spec(arch: Arch, channels: usize, side: usize, classes: usize) -> NetworkSpec {
    NetworkSpec::new(arch, [channels, side, side], classes)
}

#[test]
fn a_resnet20_for_colour_images_is_pytorch_s() {
    check(&Case {
        name: "resnet20-rgb32",
        spec: spec(Arch::ResNet20, 3, 32, 10),
        n: 4,
        draw: 0,
    });
}

#[test]
fn a_resnet20_for_grey_images_is_pytorch_s() {
    check(&Case {
        name: "resnet20-grey28",
        spec: spec(Arch::ResNet20, 1, 28, 5),
        n: 4,
        draw: 2,
    });
}

#[test]
fn a_resnet56_is_pytorch_s() {
    check(&Case {
        name: "resnet56-rgb16",
        spec: spec(Arch::ResNet56, 3, 16, 7),
        n: 3,
        draw: 0,
    });
}

#[test]
fn a_network_of_three_times_the_width_is_pytorch_s() {
    let spec = NetworkSpec {
        width_factor: 3,
        ..spec(Arch::ResNet20, 3, 8, 5)
    };
    check(&Case {
        name: "resnet20-wide3",
        spec,
        n: 4,
        draw: 0,
    });
}

/// Steps on one batch have PyTorch's losses.
fn check_training(name: &str, head: HeadKind, loss: LossOptions, sgd: SgdOptions, rate: f64) {
    let spec = NetworkSpec {
        head,
        ..spec(Arch::ResNet20, 3, 16, 10)
    };
    let objective = Objective::new(&loss, &COUNTS, head).unwrap();
    let wanted = &tensors(&unpacked("training"))[name];
    assert!(wanted.len() >= 8);
    let (images, labels) = batch(&spec, 16, 0);
    for path in SimdPath::available() {
        let network = network(spec).with_simd_path(path).unwrap();
        let mut trainer = Trainer::new(network, sgd).unwrap();
        for (step, truth) in wanted.iter().enumerate() {
            let done = trainer.step(&images, labels[..].into(), &objective, rate);
            let loss = done.unwrap().loss;
            let off = (f64::from(loss) - truth).abs();
            assert!(
                off <= 1e-3 * truth.max(1.0),
                "{path}, step {step}: {loss}, wanted {truth}"
            );
        }
    }
}

#[test]
fn twenty_steps_of_training_are_pytorch_s() {
    let (loss, sgd) = (LossOptions::default(), SgdOptions::default());
    check_training("losses", HeadKind::Linear, loss, sgd, 0.1);
}

#[test]
fn nesterov_s_momentum_clipping_and_spared_norms_are_pytorch_s() {
    let sgd = SgdOptions {
        momentum: 0.8,
        nesterov: true,
        weight_decay: 0.01,
        decay: Decay::Weights,
        clip_norm: Some(0.5),
    };
    let loss = LossOptions::default();
    check_training("losses_spared", HeadKind::Linear, loss, sgd, 0.02);
}

#[test]
fn ldam_with_weights_on_a_normalised_head_trains_as_pytorch_s() {
    let loss = LossOptions {
        class_weights: ClassWeights::Effective,
        ..LossOptions::new(Loss::Ldam { max_margin: 0.5 })
    };
    let sgd = SgdOptions::default();
    check_training("losses_ldam", HeadKind::Normalised, loss, sgd, 0.003);
}

#[test]
fn losses_and_their_gradients_are_pytorch_s() {
    const ROWS: usize = 12;
    let counts: Vec<usize> = COUNTS.into_iter().step_by(2).collect();
    let logits = words(LOGITS, 0, ROWS * counts.len()).into_iter();
    let logits: Vec<f32> = logits.map(|w| 8.0 * unit(w) - 4.0).collect();
    let labels = words(LABELS, 1, ROWS).into_iter();
    let labels: Vec<u32> = labels.map(|w| below(w, counts.len() as u32)).collect();
    let wanted = tensors(&unpacked("losses"));
    let asl = |gamma_pos, gamma_neg| Loss::Asl {
        gamma_pos,
        gamma_neg,
    };
    use ClassWeights::{Effective, Inverse, None};
    let cases = [
        ("ce", Loss::CrossEntropy, None, 0.0),
        ("ce-smoothed", Loss::CrossEntropy, None, 0.1),
        ("ce-inverse", Loss::CrossEntropy, Inverse, 0.0),
        ("ce-effective-smoothed", Loss::CrossEntropy, Effective, 0.2),
        ("focal", Loss::Focal { gamma: 2.0 }, None, 0.0),
        ("focal-half", Loss::Focal { gamma: 0.5 }, Effective, 0.0),
        ("ldam", Loss::Ldam { max_margin: 0.5 }, None, 0.0),
        (
            "ldam-effective",
            Loss::Ldam { max_margin: 0.3 },
            Effective,
            0.0,
        ),
        ("asl", asl(0.0, 4.0), None, 0.1),
        ("asl-both", asl(1.0, 2.0), None, 0.3),
        (
            "logit-adjusted",
            Loss::LogitAdjusted { tau: 1.0 },
            None,
            0.0,
        ),
        (
            "logit-adjusted-half",
            Loss::LogitAdjusted { tau: 0.5 },
            Inverse,
            0.0,
        ),
    ];
    assert_eq!(wanted.len(), 2 * cases.len());
    for (name, loss, class_weights, label_smoothing) in cases {
        let options = LossOptions {
            loss,
            label_smoothing,
            class_weights,
            scale: if name == "ldam-effective" { 10.0 } else { 30.0 },
            beta: 0.9999,
        };
        let objective = Objective::new(&options, &counts, loss.head()).unwrap();
        let (value, gradient) = objective.loss(&logits, labels[..].into()).unwrap();
        let truth = wanted[&format!("{name}/loss")][0];
        assert!(
            (value / truth - 1.0).abs() < 1e-12,
            "{name}: {value}, wanted {truth}"
        );
        // The gradient is handed out in single precision.
        let off = relative(&gradient, &wanted[&format!("{name}/gradient")]);
        assert!(off < 1e-7, "{name}: the gradient differs by {off:.1e}");
    }
}

#[test]
fn a_state_dict_saved_by_pytorch_loads() {
    let spec = spec(Arch::ResNet20, 1, 8, 3);
    let network = Network::from_safetensors(&unpacked("state_dict"), spec).unwrap();
    let (images, _) = batch(&spec, 4, 0);
    let embedded = network.embed(&images).unwrap();
    let logits = network.head().logits(&embedded).unwrap();
    let wanted = &tensors(&unpacked("training"))["state_dict_logits"];
    let off = furthest(&logits, wanted);
    assert!(off <= 1e-4, "logits {logits:?}, wanted {wanted:?}");
}
