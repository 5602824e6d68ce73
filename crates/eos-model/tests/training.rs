//! Training, heads and checkpoints, without a peer.

use eos_model::{
    Arch, Head, HeadData, HeadKind, HeadTraining, Loss, LossOptions, ModelError, Network,
    NetworkSpec, Objective, Schedule, SgdOptions, Trainer, train_head,
};
use eos_tensor::{PhiloxRng, stream};

const SPEC: NetworkSpec = NetworkSpec::new(Arch::ResNet20, [1, 8, 8], 3);

/// Images whose class decides which third is bright.
fn images(n: usize) -> (Vec<f32>, Vec<u32>) {
    let mut rng = PhiloxRng::new(3, stream::BATCHES, 0);
    let labels: Vec<u32> = (0..n).map(|i| i as u32 % 3).collect();
    let image = |label: &u32| -> Vec<f32> {
        let bright = |i: usize| if i as u32 / 22 == *label { 2.0 } else { 0.0 };
        (0..64).map(|i| bright(i) + 0.5 * rng.normal()).collect()
    };
    (labels.iter().flat_map(image).collect(), labels)
}

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(work)
}

fn trained(loss: Loss, threads: usize) -> (Vec<f32>, Vec<u8>) {
    in_threads(threads, || {
        let (images, labels) = images(24);
        let spec = NetworkSpec {
            head: loss.head(),
            ..SPEC
        };
        let network = Network::new(spec, 1).unwrap();
        let mut trainer = Trainer::new(network, SgdOptions::default()).unwrap();
        let objective = Objective::new(&LossOptions::new(loss), &[30, 20, 9], loss.head()).unwrap();
        let mut step = || trainer.step(&images, labels[..].into(), &objective, 0.05);
        let losses = (0..12).map(|_| step().unwrap().loss).collect();
        (losses, trainer.into_network().to_safetensors().unwrap())
    })
}

#[test]
fn the_loss_falls_and_the_bits_do_not_depend_on_threads() {
    for loss in [Loss::CrossEntropy, Loss::Ldam { max_margin: 0.5 }] {
        let (losses, bytes) = trained(loss, 1);
        assert!(losses[11] < 0.3 * losses[0], "{loss:?}: {losses:?}");
        assert_eq!(trained(loss, 2), (losses, bytes));
    }
}

#[test]
fn a_checkpoint_comes_back_bit_for_bit() {
    for head in [HeadKind::Linear, HeadKind::Normalised] {
        let spec = NetworkSpec { head, ..SPEC };
        let network = Network::new(spec, 5).unwrap();
        let bytes = network.to_safetensors().unwrap();
        let back = Network::from_safetensors(&bytes, spec).unwrap();
        assert_eq!(back.to_safetensors().unwrap(), bytes);
        let (images, _) = images(5);
        let rows = network.embed(&images).unwrap();
        assert_eq!(back.embed(&images).unwrap(), rows);
        let head = Head::from_safetensors(&bytes).unwrap();
        assert_eq!(head, network.head());
        assert_eq!(
            Head::from_safetensors(&head.to_safetensors().unwrap()).unwrap(),
            head
        );
    }
}

#[test]
fn training_goes_on_from_its_state_bit_for_bit() {
    for (loss, clip_norm) in [
        (Loss::CrossEntropy, Some(0.5)),
        (Loss::Ldam { max_margin: 0.5 }, None),
    ] {
        let (images, labels) = images(24);
        let head = loss.head();
        let (spec, options) = (
            NetworkSpec { head, ..SPEC },
            SgdOptions {
                clip_norm,
                ..SgdOptions::default()
            },
        );
        let objective = Objective::new(&LossOptions::new(loss), &[30, 20, 9], head).unwrap();
        let steps = |trainer: &mut Trainer, count: usize| {
            for _ in 0..count {
                trainer
                    .step(&images, labels[..].into(), &objective, 0.05)
                    .unwrap();
            }
            trainer.to_safetensors("note").unwrap()
        };
        let mut whole = Trainer::new(Network::new(spec, 1).unwrap(), options).unwrap();
        let before = whole.to_safetensors("").unwrap();
        let half = steps(&mut whole, 3);
        let wanted = steps(&mut whole, 4);
        assert!(half != wanted);
        let mut parts = Trainer::from_safetensors(&half, spec, options).unwrap();
        assert!(steps(&mut parts, 4) == wanted, "{loss:?}");
        // Also from before the first step, where nothing moves yet.
        let mut parts = Trainer::from_safetensors(&before, spec, options).unwrap();
        assert!(steps(&mut parts, 7) == wanted, "{loss:?}");
        assert_eq!(eos_model::note(&half).unwrap().as_deref(), Some("note"));

        // A network is no state of training, and says what it lacks.
        let network = whole.network().to_safetensors().unwrap();
        let told = Trainer::from_safetensors(&network, spec, options)
            .unwrap_err()
            .to_string();
        let wanted = "missing: velocity.conv1.weight F32 [144]";
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn what_does_not_fit_is_listed() {
    let bytes = Network::new(SPEC, 5).unwrap().to_safetensors().unwrap();
    let told = |spec| {
        Network::from_safetensors(&bytes, spec)
            .unwrap_err()
            .to_string()
    };
    let classes = told(NetworkSpec { classes: 4, ..SPEC });
    assert!(
        classes.contains("misshapen: linear.weight is F32 [3, 64], wanted F32 [4, 64]"),
        "{classes}"
    );
    let depth = told(NetworkSpec {
        arch: Arch::ResNet32,
        ..SPEC
    });
    assert!(
        depth.contains("missing: layer1.3.conv1.weight F32 [16, 16, 3, 3]"),
        "{depth}"
    );
    let cut = Network::from_safetensors(&bytes[..bytes.len() / 2], SPEC).unwrap_err();
    assert!(matches!(cut, ModelError::Unreadable { .. }), "{cut}");
}

/// The bytes of a checkpoint whose tensor `name` begins with `value`.
fn spoilt(name: &str, value: f32) -> Vec<u8> {
    let mut bytes = Network::new(SPEC, 5).unwrap().to_safetensors().unwrap();
    let at = {
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        file.tensor(name).unwrap().data().as_ptr() as usize - bytes.as_ptr() as usize
    };
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn values_that_no_network_can_use_are_named() {
    for (name, value, why) in [
        (
            "layer2.1.conv2.weight",
            f32::NAN,
            "it holds NaN or infinity",
        ),
        ("bn1.running_var", -1.0, "a variance below 0"),
    ] {
        let error = Network::from_safetensors(&spoilt(name, value), SPEC).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(&format!("unusable: {name}: {why}")), "{told}");
    }
}

#[test]
fn the_paper_s_network_has_464_154_parameters() {
    let spec = NetworkSpec::new(Arch::ResNet32, [3, 32, 32], 10);
    assert_eq!(Network::new(spec, 0).unwrap().parameters(), 464_154);
}

fn head(threads: usize, batch: usize) -> Head {
    in_threads(threads, || {
        let mut rng = PhiloxRng::new(2, stream::BATCHES, 1);
        let labels: Vec<u32> = (0..600).map(|i| i % 4).collect();
        let at = |label: &u32, j: u32| if *label == j { 3.0 } else { 0.0 };
        let rows: Vec<f32> = labels
            .iter()
            .flat_map(|l| [0, 1, 2, 3].map(|j| at(l, j) + rng.normal()))
            .collect();
        let options = HeadTraining {
            epochs: 10,
            batch,
            schedule: Schedule::Cosine { warmup_epochs: 0.0 },
            learning_rate: 0.1,
            sgd: SgdOptions::default(),
            loss: LossOptions::default(),
            kind: HeadKind::Linear,
            seed: 0,
            start: None,
        };
        let data = HeadData {
            rows: &rows,
            dims: 4,
            labels: &labels,
            classes: 4,
        };
        let mut losses = Vec::new();
        let head = train_head(data, &options, &mut |epoch| {
            losses.push(epoch.loss);
            true
        });
        let head = head.unwrap();
        let named = head.predict(&rows).unwrap();
        let right = named.iter().zip(&labels).filter(|(a, b)| a == b).count();
        assert!(
            right > 440 && losses.len() == 10,
            "{right} of 600, {losses:?}"
        );
        head
    })
}

#[test]
fn a_head_learns_what_is_separable_with_the_same_bits_on_any_threads() {
    assert_eq!(head(1, 128), head(2, 128));
    assert_eq!(head(1, 600), head(8, 600));
}

#[test]
fn what_cannot_be_trained_on_is_refused() {
    let network = Network::new(SPEC, 0).unwrap();
    let mut trainer = Trainer::new(network, SgdOptions::default()).unwrap();
    let objective = |classes| {
        let counts = vec![1; classes];
        Objective::new(&LossOptions::default(), &counts, HeadKind::Linear).unwrap()
    };
    let (images, _) = images(2);
    let mut step = |images: &[f32], labels: &[u32], classes| {
        trainer.step(images, labels.into(), &objective(classes), 0.1)
    };
    let told = |e: ModelError| e.to_string();
    let label = step(&images, &[0, 3], 3).map_err(told).unwrap_err();
    assert_eq!(
        label,
        "labels: row 1 has class 3, but the classes are 0 to 2"
    );
    assert!(step(&images, &[0], 3).is_err());
    assert!(step(&images, &[], 3).is_err());
    let other = step(&images, &[0, 1], 4).map_err(told).unwrap_err();
    assert!(other.contains("the network's 3"), "{other}");
    let nan = vec![f32::NAN; 128];
    assert!(matches!(
        step(&nan, &[0, 1], 3),
        Err(ModelError::Diverged { .. })
    ));
    let before = Network::new(SPEC, 0).unwrap().to_safetensors().unwrap();
    assert_eq!(trainer.network().to_safetensors().unwrap(), before);
    assert!(Network::new(NetworkSpec { height: 30, ..SPEC }, 0).is_err());
}

/// A head on 2,000 rows of 64 dimensions and 40 classes: large enough for products to be split.
fn wide_head(threads: usize) -> Head {
    in_threads(threads, || {
        let mut rng = PhiloxRng::new(4, stream::BATCHES, 2);
        let rows: Vec<f32> = (0..2_000 * 64).map(|_| rng.normal()).collect();
        let labels: Vec<u32> = (0..2_000).map(|i| i % 40).collect();
        let options = HeadTraining {
            epochs: 2,
            batch: 600,
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
            classes: 40,
        };
        train_head(data, &options, &mut |_| true).unwrap()
    })
}

#[test]
fn products_that_are_split_over_threads_give_the_same_bits() {
    let one = wide_head(1);
    assert_eq!(wide_head(2), one);
    assert_eq!(wide_head(5), one);
}
