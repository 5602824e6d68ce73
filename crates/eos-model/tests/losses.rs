//! Losses and heads against their definitions: differences, mixtures, margins, priors.

use eos_model::{
    Arch, ClassWeights, Head, HeadKind, Loss, LossOptions, Mixed, ModelError, Network, NetworkSpec,
    Objective, SgdOptions, Targets, Trainer,
};
use eos_tensor::{PhiloxRng, stream};

const COUNTS: [usize; 4] = [400, 90, 20, 5];
const LABELS: [u32; 6] = [0, 3, 1, 2, 3, 0];
const OTHERS: [u32; 6] = [1, 1, 2, 2, 0, 3];
const LOSSES: [Loss; 7] = [
    Loss::CrossEntropy,
    Loss::Focal { gamma: 2.0 },
    Loss::Focal { gamma: 0.5 },
    Loss::Ldam { max_margin: 0.5 },
    Loss::Asl {
        gamma_pos: 0.0,
        gamma_neg: 4.0,
    },
    Loss::Asl {
        gamma_pos: 2.0,
        gamma_neg: 1.0,
    },
    Loss::LogitAdjusted { tau: 1.5 },
];

fn logits(seed: u64) -> Vec<f32> {
    let mut rng = PhiloxRng::new(seed, stream::BATCHES, 0);
    (0..24).map(|_| rng.normal()).collect()
}

fn objective(loss: Loss, label_smoothing: f64, class_weights: ClassWeights) -> Objective {
    let options = LossOptions {
        label_smoothing,
        class_weights,
        beta: 0.99,
        scale: 3.0,
        ..LossOptions::new(loss)
    };
    Objective::new(&options, &COUNTS, loss.head()).unwrap()
}

fn mixed(share: f32) -> Targets<'static> {
    Targets {
        labels: &LABELS,
        mixed: Some(Mixed {
            labels: &OTHERS,
            share,
        }),
    }
}

#[test]
fn gradients_are_what_differences_say() {
    const STEP: f32 = 1.0 / 1024.0;
    let weights = [
        ClassWeights::None,
        ClassWeights::Inverse,
        ClassWeights::Effective,
    ];
    for loss in LOSSES {
        for (weights, smoothing) in weights.into_iter().zip([0.0, 0.1, 0.3]) {
            let objective = objective(loss, smoothing, weights);
            for targets in [LABELS[..].into(), mixed(0.3)] {
                let logits = logits(7);
                let value = |logits: &[f32]| objective.loss(logits, targets).unwrap().0;
                let (_, gradient) = objective.loss(&logits, targets).unwrap();
                for (i, gradient) in gradient.into_iter().enumerate() {
                    let at = |by: f32| {
                        let mut moved = logits.clone();
                        moved[i] += by;
                        (value(&moved), f64::from(moved[i]))
                    };
                    let ((up, right), (down, left)) = (at(STEP), at(-STEP));
                    let slope = (up - down) / (right - left);
                    assert!(
                        (slope - f64::from(gradient)).abs() < 2e-5,
                        "{loss:?}, {weights:?}, logit {i}: {gradient}, differences say {slope}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_mixture_is_the_mixture_of_its_losses() {
    let logits = logits(1);
    for loss in LOSSES {
        let objective = objective(loss, 0.1, ClassWeights::None);
        let of = |targets| objective.loss(&logits, targets).unwrap().0;
        let (one, other) = (of(LABELS[..].into()), of(OTHERS[..].into()));
        let got = of(mixed(0.25));
        assert!((got - 0.25 * one - 0.75 * other).abs() < 1e-12, "{loss:?}");
        assert_eq!(of(mixed(1.0)), one);
    }
}

#[test]
fn logits_far_apart_stay_finite_and_exact() {
    for loss in LOSSES {
        let objective = objective(loss, 0.0, ClassWeights::None);
        let certain = [1e30, -1e30, -1e30, -1e30];
        let (right, gradient) = objective.loss(&certain, [0].as_slice().into()).unwrap();
        assert_eq!(right, 0.0, "{loss:?}");
        assert!(gradient.iter().all(|g| *g == 0.0), "{loss:?}: {gradient:?}");
        let (wrong, gradient) = objective.loss(&certain, [1].as_slice().into()).unwrap();
        assert!(wrong > 1e30 && wrong.is_finite(), "{loss:?}: {wrong}");
        assert!(
            gradient[0] > 0.0 && gradient[1] < 0.0,
            "{loss:?}: {gradient:?}"
        );
    }
}

#[test]
fn special_cases_are_cross_entropy() {
    let logits = logits(3);
    let of = |loss, counts: &[usize]| {
        let options = LossOptions {
            label_smoothing: 0.0,
            scale: 1.0,
            ..LossOptions::new(loss)
        };
        let objective = Objective::new(&options, counts, loss.head()).unwrap();
        objective.loss(&logits, LABELS[..].into()).unwrap().0
    };
    let ce = of(Loss::CrossEntropy, &COUNTS);
    let asl = |gamma_pos| Loss::Asl {
        gamma_pos,
        gamma_neg: 4.0,
    };
    for (loss, counts) in [
        (Loss::Focal { gamma: 0.0 }, COUNTS),
        (Loss::Ldam { max_margin: 0.0 }, COUNTS),
        (asl(0.0), COUNTS),
        (Loss::LogitAdjusted { tau: 1.0 }, [7; 4]),
    ] {
        assert!((of(loss, &counts) - ce).abs() < 1e-12, "{loss:?}");
    }
    assert_eq!(
        of(asl(2.0), &COUNTS),
        of(Loss::Focal { gamma: 2.0 }, &COUNTS)
    );
    // 400, 90, 20 and 5 rows: margins in proportion to 1, 1.45, 2.11 and 2.99, the last one 0.5.
    let one = |label: u32| {
        let options = LossOptions {
            scale: 1.0,
            ..LossOptions::new(Loss::Ldam { max_margin: 0.5 })
        };
        let objective = Objective::new(&options, &COUNTS, HeadKind::Normalised).unwrap();
        let (loss, _) = objective
            .loss(&[0.0; 4], [label].as_slice().into())
            .unwrap();
        // −ln p = ln (1 + 3 eᵐ) for margin m.
        ((loss.exp() - 1.0) / 3.0).ln()
    };
    assert!((one(3) - 0.5).abs() < 1e-12 && (one(0) - 0.5 * 80f64.powf(-0.25)).abs() < 1e-12);
}

#[test]
fn a_head_is_adjusted_by_the_priors_of_its_classes() {
    let head = Head {
        kind: HeadKind::Linear,
        weight: vec![1.0, 1.0],
        bias: vec![0.5, 0.0],
        classes: 2,
        dims: 1,
    };
    assert_eq!(head.predict(&[1.0]).unwrap(), [0]);
    let adjusted = head.logit_adjusted(&[75, 25], 1.0).unwrap();
    assert_eq!(adjusted.bias, [0.5 - 0.75f32.ln(), -(0.25f32.ln())]);
    assert_eq!(adjusted.predict(&[1.0]).unwrap(), [1]);
    assert_eq!(head.logit_adjusted(&[75, 25], 0.0).unwrap(), head);
    assert!(matches!(
        head.logit_adjusted(&[75, 0], 1.0),
        Err(ModelError::EmptyClass { class: 1, .. })
    ));
    let normalised = Head::fresh(HeadKind::Normalised, 2, 3, 0);
    let told = normalised.logit_adjusted(&[75, 25], 1.0).unwrap_err();
    assert!(told.to_string().contains("\"logit-adjusted\""), "{told}");
    assert!(
        normalised
            .weight_norms()
            .iter()
            .all(|n| (n - 1.0).abs() < 1e-6)
    );
}

#[test]
fn the_gradient_of_a_normalised_head_is_what_differences_say() {
    const STEP: f32 = 1.0 / 64.0;
    let spec = NetworkSpec {
        head: HeadKind::Normalised,
        ..NetworkSpec::new(Arch::ResNet20, [1, 8, 8], 3)
    };
    let options = LossOptions {
        scale: 4.0,
        ..LossOptions::new(Loss::Ldam { max_margin: 0.5 })
    };
    let objective = Objective::new(&options, &[30, 20, 9], HeadKind::Normalised).unwrap();
    let mut rng = PhiloxRng::new(5, stream::BATCHES, 0);
    let images: Vec<f32> = (0..6 * 64).map(|_| rng.normal()).collect();
    let labels = [0, 1, 2, 2, 1, 0];
    let network = Network::new(spec, 2).unwrap();
    let head = network.head();
    let loss_of = |weight: Vec<f32>| {
        let mut network = network.clone();
        let moved = Head {
            weight,
            ..head.clone()
        };
        network.set_head(&moved).unwrap();
        let trainer = Trainer::new(network, SgdOptions::default()).unwrap();
        trainer
            .gradients(&images, labels[..].into(), &objective)
            .unwrap()
    };
    // Lengths other than 1, so that the division by them shows.
    let scaled: Vec<f32> = head.weight.iter().map(|w| 0.5 * w).collect();
    let (step, gradients) = loss_of(scaled.clone());
    assert!(!gradients.contains_key("linear.bias"));
    let gradient = &gradients["linear.weight"];
    let largest = gradient.iter().fold(0f32, |most, g| most.max(g.abs()));
    for i in (0..scaled.len()).step_by(5) {
        let at = |by: f32| {
            let mut moved = scaled.clone();
            moved[i] += by;
            f64::from(loss_of(moved).0.loss)
        };
        let slope = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
        assert!(
            (slope - f64::from(gradient[i])).abs() < 2e-3 * f64::from(largest),
            "weight {i}: {}, differences say {slope}; loss {}",
            gradient[i],
            step.loss
        );
    }
}
