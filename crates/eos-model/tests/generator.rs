//! The generator: it learns, keeps its bits, goes through files, and refuses what it cannot use.

use eos_model::{Generator, GeneratorSpec, GeneratorStep, GeneratorTraining, ModelError};
use rayon::ThreadPoolBuilder;

const SPEC: GeneratorSpec = GeneratorSpec {
    channels: 3,
    height: 9,
    width: 8,
    latent: 6,
};
const EACH: usize = 3 * 9 * 8;

/// Images of two classes, vertical and horizontal bars, that differ in place and colour.
fn bars() -> (Vec<f32>, Vec<u32>) {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for image in 0..14 {
        let class = u32::from(image >= 10);
        let at = 1 + image % 5;
        for channel in 0..3 {
            for y in 0..9 {
                for x in 0..8 {
                    let along = if class == 0 { x } else { y };
                    let lit = along == at || along == at + 1;
                    let colour = 0.3 + 0.1 * ((image + channel) % 7) as f32;
                    images.push(if lit { colour } else { 0.0 });
                }
            }
        }
        labels.push(class);
    }
    (images, labels)
}

fn options() -> GeneratorTraining {
    GeneratorTraining {
        epochs: 100,
        batch: 14,
        group: 4,
        ..GeneratorTraining::default()
    }
}

fn train(options: &GeneratorTraining) -> (Generator, Vec<GeneratorStep>) {
    let (images, labels) = bars();
    let mut steps = Vec::new();
    let generator = Generator::train(SPEC, &images, &labels, options, &mut |step| {
        steps.push(step);
        true
    });
    (generator.unwrap(), steps)
}

fn mean_square(a: &[f32], b: &[f32]) -> f32 {
    let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    sum / a.len() as f32
}

#[test]
fn training_learns_to_decode_what_it_encodes() {
    let (images, _) = bars();
    let (generator, steps) = train(&options());
    let (first, last) = (steps[0], steps[99]);
    assert_eq!((steps.len(), last.step, last.of), (100, 100, 100));
    assert!(
        last.reconstruction < 0.1 * first.reconstruction && last.permuted < first.permuted,
        "{first:?} {last:?}"
    );
    let codes = generator.encode(&images).unwrap();
    assert_eq!(codes.len(), 14 * 6);
    let decoded = generator.decode(&codes).unwrap();
    assert_eq!(decoded.len(), images.len());
    assert!(decoded.iter().all(|v| (0.0..=1.0).contains(v)));
    // Better than a grey image of the mean brightness.
    let mean = images.iter().sum::<f32>() / images.len() as f32;
    let grey = mean_square(&vec![mean; images.len()], &images);
    let off = mean_square(&decoded, &images);
    assert!(off < 0.5 * grey, "{off} {grey}");
}

/// The penalty's gradient goes to the codes' own images: with it alone, codes of a class come to
/// decode to the same.
#[test]
fn the_penalty_draws_the_images_of_a_class_together() {
    let spread = |penalty: f64| {
        let options = GeneratorTraining {
            penalty,
            ..options()
        };
        let (generator, _) = train(&options);
        let (images, _) = bars();
        let codes = generator.encode(&images[..10 * EACH]).unwrap();
        let decoded = generator.decode(&codes).unwrap();
        let first = &decoded[..EACH];
        let others = decoded.chunks_exact(EACH).skip(1);
        others.map(|other| mean_square(first, other)).sum::<f32>()
    };
    let (without, with) = (spread(0.0), spread(100.0));
    assert!(with < 0.5 * without, "{with} {without}");
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let options = GeneratorTraining {
                epochs: 3,
                ..options()
            };
            let (generator, steps) = train(&options);
            let codes = generator.encode(&bars().0).unwrap();
            let decoded = generator.decode(&codes).unwrap();
            (generator.to_safetensors().unwrap(), steps, codes, decoded)
        })
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn seeds_make_other_generators() {
    let bytes = |seed| {
        Generator::new(SPEC, seed)
            .unwrap()
            .to_safetensors()
            .unwrap()
    };
    assert!(bytes(0) != bytes(1));
}

#[test]
fn an_image_s_code_does_not_depend_on_the_others() {
    let generator = Generator::new(SPEC, 3).unwrap();
    let (images, _) = bars();
    let together = generator.encode(&images).unwrap();
    let alone: Vec<f32> = images
        .chunks_exact(EACH)
        .flat_map(|image| generator.encode(image).unwrap())
        .collect();
    assert_eq!(together, alone);
}

#[test]
fn files_hold_the_whole_generator() {
    let options = GeneratorTraining {
        epochs: 2,
        ..options()
    };
    let (generator, _) = train(&options);
    let bytes = generator.to_safetensors().unwrap();
    let read = Generator::from_safetensors(&bytes, SPEC).unwrap();
    assert!(read.to_safetensors().unwrap() == bytes);
    let (images, _) = bars();
    assert_eq!(
        read.encode(&images).unwrap(),
        generator.encode(&images).unwrap()
    );
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for name in [
        "encoder.0.weight",
        "encoder.1.running_var",
        "encoder.1.num_batches_tracked",
        "decoder.0.bias",
    ] {
        assert!(file.tensor(name).is_ok(), "{name}");
    }
    let other = GeneratorSpec { latent: 7, ..SPEC };
    let refused = Generator::from_safetensors(&bytes, other).unwrap_err();
    let message = refused.to_string();
    assert!(
        message.starts_with(
            "the checkpoint does not fit a generator of 3×9×8 images with codes of 7 values:"
        ) && message.contains("encoder.7.weight is F32 [6, 384], wanted F32 [7, 384]"),
        "{message}"
    );
    let refused = Generator::from_safetensors(b"no file", SPEC).unwrap_err();
    assert!(matches!(refused, ModelError::Unreadable { .. }));
    let mut head = safetensors::serialize(
        std::iter::empty::<(String, safetensors::tensor::TensorView<'_>)>(),
        None,
    );
    let refused = Generator::from_safetensors(head.as_mut().unwrap(), SPEC).unwrap_err();
    assert!(
        refused.to_string().contains("it is no generator"),
        "{refused}"
    );
}

#[test]
fn training_stops_when_told() {
    let (images, labels) = bars();
    let mut calls = 0;
    let generator = Generator::train(SPEC, &images, &labels, &options(), &mut |step| {
        calls += 1;
        step.step < 3
    });
    assert_eq!(calls, 3);
    assert!(generator.unwrap().encode(&images).is_ok());
}

/// One class, one image, no group.
#[test]
fn the_smallest_sets_train() {
    let (images, _) = bars();
    let options = GeneratorTraining {
        epochs: 2,
        batch: 2,
        group: 0,
        ..GeneratorTraining::default()
    };
    let mut permuted = Vec::new();
    let one = Generator::train(SPEC, &images[..EACH], &[4], &options, &mut |step| {
        permuted.push(step.permuted);
        true
    });
    assert!(one.is_ok());
    assert_eq!(permuted, [0.0; 2]);
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let (images, labels) = bars();
    let refusal = |spec: GeneratorSpec, images: &[f32], labels: &[u32], options: &_| {
        let refused = Generator::train(spec, images, labels, options, &mut |_| true);
        refused.unwrap_err().to_string()
    };
    let usual = options();
    for (spec, message) in [
        (
            GeneratorSpec {
                channels: 0,
                ..SPEC
            },
            "channels is 0, wanted 1 or more",
        ),
        (
            GeneratorSpec { width: 7, ..SPEC },
            "width is 7, wanted 8 or more; resize or pad the images",
        ),
        (
            GeneratorSpec { height: 0, ..SPEC },
            "height is 0, wanted 8 or more; resize or pad the images",
        ),
        (
            GeneratorSpec { latent: 0, ..SPEC },
            "latent is 0, wanted 1 or more",
        ),
    ] {
        assert_eq!(refusal(spec, &images, &labels, &usual), message);
    }
    assert_eq!(
        refusal(SPEC, &images[1..], &labels, &usual),
        "images: 3023 values given, wanted one or more images of 216 values"
    );
    assert_eq!(
        refusal(SPEC, &images, &labels[1..], &usual),
        "labels: 13 values given, wanted one for each of 14 images"
    );
    for value in [1.5, -0.1, f32::NAN] {
        let mut images = images.clone();
        images[2 * EACH + 5] = value;
        assert_eq!(
            refusal(SPEC, &images, &labels, &usual),
            format!("images: image 2 holds the value {value}, wanted 0 to 1; divide bytes by 255")
        );
    }
    for (options, message) in [
        (
            GeneratorTraining { epochs: 0, ..usual },
            "generator.epochs is 0, wanted 1 or more",
        ),
        (
            GeneratorTraining { batch: 1, ..usual },
            "generator.batch is 1, wanted 2 or more",
        ),
        (
            GeneratorTraining {
                penalty: -1.0,
                ..usual
            },
            "generator.penalty is -1, wanted a number of 0 or more",
        ),
        (
            GeneratorTraining {
                learning_rate: f64::INFINITY,
                ..usual
            },
            "generator.learning-rate is inf, wanted a number above 0",
        ),
    ] {
        assert_eq!(refusal(SPEC, &images, &labels, &options), message);
    }
    let steep = GeneratorTraining {
        learning_rate: 1e30,
        ..usual
    };
    let message = refusal(SPEC, &images, &labels, &steep);
    assert!(message.starts_with("training diverged"), "{message}");
    let generator = Generator::new(SPEC, 0).unwrap();
    let refused = generator.decode(&[0.0; 7]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "codes: 7 values given, wanted one or more codes of 6 values"
    );
    assert!(generator.encode(&[]).is_err());
}
