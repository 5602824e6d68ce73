//! Batches: every image once, the same bytes however they are made, threads that end.

use crate::support::refused;
use eos_data::{
    Augmentation, Batch, BatchOptions, Batches, ImageSet, ImageShape, Normalization, demo,
};
use proptest::prelude::*;
use std::sync::Arc;

fn set() -> Arc<ImageSet> {
    Arc::new(demo::train())
}

/// Image i is 2 × 3 × 3 pixels of value i, so that its place shows.
fn plain(images: usize) -> Arc<ImageSet> {
    let shape = ImageShape {
        channels: 2,
        height: 3,
        width: 3,
    };
    let pixels = (0..images).flat_map(|i| [i as u8; 18]).collect();
    let labels = (0..images).map(|i| (i % 3) as u32).collect();
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    Arc::new(ImageSet::new(shape, pixels, labels, classes).unwrap())
}

fn reference(batch: usize) -> BatchOptions {
    BatchOptions {
        augmentation: Augmentation::REFERENCE,
        seed: 7,
        ..BatchOptions::new(batch, Normalization::measure(&demo::train()))
    }
}

fn all(set: &Arc<ImageSet>, epoch: usize, options: &BatchOptions) -> Vec<Batch> {
    Batches::epoch(set, epoch, options).unwrap().collect()
}

#[test]
fn threads_and_depth_do_not_change_a_byte() {
    let set = set();
    let made = |threads, prefetch| {
        let options = BatchOptions {
            threads,
            prefetch,
            ..reference(128)
        };
        all(&set, 3, &options)
    };
    let here = made(0, 0);
    assert_eq!(here.len(), 20);
    assert_eq!(
        here[19].labels.len(),
        2478 - 19 * 128,
        "the last, smaller batch is kept"
    );
    for (threads, prefetch) in [(1, 0), (1, 4), (2, 1), (3, 100), (64, 2)] {
        assert!(
            made(threads, prefetch) == here,
            "{threads} threads, {prefetch} ahead"
        );
    }
}

#[test]
fn an_epoch_has_every_image_once_in_an_order_of_its_own() {
    let set = plain(100);
    let options = BatchOptions::new(
        32,
        Normalization {
            mean: vec![0.0; 2],
            deviation: vec![1.0; 2],
        },
    );
    let order = |epoch, seed| -> Vec<u32> {
        let options = BatchOptions {
            seed,
            ..options.clone()
        };
        all(&set, epoch, &options)
            .into_iter()
            .flat_map(|batch| batch.index)
            .collect()
    };
    let first = order(0, 0);
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    assert_ne!(first, order(1, 0));
    assert_ne!(first, order(0, 1));
    assert_eq!(first, order(0, 0));
    // Known answer: a change of generator or of the shuffle shows here.
    assert_eq!(first[..8], KNOWN_ORDER);
}

const KNOWN_ORDER: [u32; 8] = [68, 76, 89, 15, 82, 65, 99, 49];

#[test]
fn labels_and_pixels_stay_together() {
    let set = plain(50);
    let normalization = Normalization {
        mean: vec![0.5, 0.25],
        deviation: vec![0.5, 2.0],
    };
    for batch in all(&set, 0, &BatchOptions::new(8, normalization)) {
        for (at, row) in batch.index.iter().enumerate() {
            assert_eq!(batch.labels[at], row % 3);
            let unit = *row as f32 / 255.0;
            let image = &batch.images[at * 18..][..18];
            assert!(image[..9].iter().all(|v| *v == (unit - 0.5) / 0.5));
            assert!(image[9..].iter().all(|v| *v == (unit - 0.25) / 2.0));
        }
    }
}

#[test]
fn padding_is_black_before_it_is_normalised() {
    let set = plain(30);
    let options = BatchOptions {
        augmentation: Augmentation {
            crop_padding: 2,
            flip: true,
            cutout: 0,
        },
        ..BatchOptions::new(
            30,
            Normalization {
                mean: vec![0.5; 2],
                deviation: vec![0.5; 2],
            },
        )
    };
    let batch = all(&set, 0, &options).remove(0);
    let mut black = 0;
    for (at, row) in batch.index.iter().enumerate().filter(|(_, row)| **row > 0) {
        let own = (*row as f32 / 255.0 - 0.5) / 0.5;
        let image = &batch.images[at * 18..][..18];
        assert!(image.iter().all(|value| *value == own || *value == -1.0));
        black += image.iter().filter(|value| **value == -1.0).count();
    }
    // On average (1 − (9/15)²) of a window lies outside: a window of 3 at ± 2 places.
    let share = black as f64 / (29.0 * 18.0);
    assert!((0.45..0.8).contains(&share), "{share}");
}

#[test]
fn evaluation_goes_through_the_set_in_order() {
    let set = set();
    let normalization = Normalization::measure(&set);
    let batches = Batches::in_order(&set, 1000, &normalization).unwrap();
    assert_eq!(batches.len(), 3);
    let batches: Vec<Batch> = batches.collect();
    let index: Vec<u32> = batches
        .iter()
        .flat_map(|batch| batch.index.clone())
        .collect();
    assert_eq!(index, (0..2478).collect::<Vec<_>>());
    let images: Vec<f32> = batches.into_iter().flat_map(|batch| batch.images).collect();
    assert!(images == normalization.apply(&set, &index).unwrap());
    let mean = images.iter().map(|v| f64::from(*v)).sum::<f64>() / images.len() as f64;
    let square = images.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / images.len() as f64;
    assert!(
        mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-4,
        "{mean} {square}"
    );
}

#[test]
fn dropping_early_ends_the_threads() {
    let set = set();
    for taken in [0, 1, 3] {
        let options = BatchOptions {
            threads: 3,
            prefetch: 1,
            ..reference(16)
        };
        let mut batches = Batches::epoch(&set, 0, &options).unwrap();
        for _ in 0..taken {
            batches.next().unwrap();
        }
        drop(batches);
        // The threads are joined, so nothing else holds the set.
        assert_eq!(Arc::strong_count(&set), 1);
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let set = plain(3);
    let two = Normalization {
        mean: vec![0.0; 2],
        deviation: vec![1.0; 2],
    };
    let made = |options: &BatchOptions| Batches::epoch(&set, 0, options);
    refused(
        made(&BatchOptions::new(0, two.clone())),
        "Request",
        &["batch", "0 images"],
    );
    let of = |mean: &[f32], deviation: &[f32]| {
        let normalization = Normalization {
            mean: mean.to_vec(),
            deviation: deviation.to_vec(),
        };
        made(&BatchOptions::new(1, normalization))
    };
    refused(
        of(&[0.0], &[1.0, 1.0]),
        "Request",
        &["mean", "1 values", "2, one for each channel"],
    );
    refused(of(&[0.0, 0.0], &[1.0]), "Request", &["deviation"]);
    refused(of(&[0.0, 0.0], &[1.0, 0.0]), "Request", &["above zero"]);
    refused(of(&[f32::NAN, 0.0], &[1.0, 1.0]), "Request", &["finite"]);
    let wide = BatchOptions {
        augmentation: Augmentation {
            crop_padding: 3,
            flip: false,
            cutout: 0,
        },
        ..BatchOptions::new(1, two.clone())
    };
    refused(
        made(&wide),
        "Request",
        &["crop padding", "got 3", "2 × 3 × 3"],
    );
    for (weights, word) in [
        (vec![1.0; 2], "2 weights"),
        (vec![1.0, 0.0, 1.0], "above 0"),
        (vec![1.0, f64::NAN, 1.0], "above 0"),
    ] {
        let options = BatchOptions {
            class_weights: Some(weights),
            ..BatchOptions::new(1, two.clone())
        };
        refused(made(&options), "Request", &["class weights", word]);
    }
    let mixup = BatchOptions {
        mixup: -0.5,
        ..BatchOptions::new(1, two)
    };
    refused(made(&mixup), "Request", &["mixup", "-0.5"]);
}

/// 900, 90 and 10 images of three classes; image i is one pixel of value i mod 256.
fn imbalanced() -> Arc<ImageSet> {
    let shape = ImageShape {
        channels: 1,
        height: 1,
        width: 1,
    };
    let labels = [vec![0; 900], vec![1; 90], vec![2; 10]].concat();
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let pixels = (0..1000).map(|i| (i % 256) as u8).collect();
    Arc::new(ImageSet::new(shape, pixels, labels, classes).unwrap())
}

#[test]
fn classes_are_drawn_by_their_weights() {
    let set = imbalanced();
    let normalization = Normalization::measure(&set);
    let shares = |weights: [f64; 3]| {
        let options = BatchOptions {
            class_weights: Some(weights.to_vec()),
            ..BatchOptions::new(64, normalization.clone())
        };
        let mut seen = [0usize; 3];
        let mut rows = std::collections::HashMap::new();
        for epoch in 0..10 {
            let batches = all(&set, epoch, &options);
            assert_eq!(batches.iter().map(|b| b.labels.len()).sum::<usize>(), 1000);
            for (row, label) in batches.iter().flat_map(|b| b.index.iter().zip(&b.labels)) {
                assert_eq!(set.labels()[*row as usize], *label);
                seen[*label as usize] += 1;
                *rows.entry(*row).or_insert(0) += 1;
            }
        }
        (seen.map(|n| n as f64 / 10_000.0), rows)
    };
    let near = |got: [f64; 3], wanted: [f64; 3]| {
        let apart = got.iter().zip(wanted).map(|(g, w)| (g - w).abs());
        assert!(
            apart.fold(0.0, f64::max) < 0.02,
            "{got:?}, wanted {wanted:?}"
        );
    };
    let (balanced, rows) = shares([1.0 / 900.0, 1.0 / 90.0, 1.0 / 10.0]);
    near(balanced, [1.0 / 3.0; 3]);
    // The ten rows of the last class share a third of 10,000 draws.
    assert!(
        (990..1000).all(|row| (270..400).contains(&rows[&row])),
        "{rows:?}"
    );
    near(shares([1.0; 3]).0, [0.9, 0.09, 0.01]);
}

#[test]
fn drawn_and_mixed_images_do_not_depend_on_threads() {
    let set = set();
    let made = |threads| {
        let reference = reference(64);
        let options = BatchOptions {
            threads,
            class_weights: Some(set.class_counts().iter().map(|n| 1.0 / *n as f64).collect()),
            augmentation: Augmentation {
                cutout: 8,
                ..reference.augmentation
            },
            mixup: 0.4,
            ..reference
        };
        all(&set, 2, &options)
    };
    let here = made(0);
    assert!(made(1) == here && made(3) == here);
    assert!(here.iter().all(|batch| batch.mixed.is_some()));
    let shares = here.iter().flat_map(|batch| &batch.mixed);
    let shares: Vec<f32> = shares.map(|mixed| mixed.share).collect();
    assert!(shares.iter().any(|share| *share != shares[0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_sizes_cover_the_set(images in 1_usize..40, batch in 1_usize..50, threads in 0_usize..5) {
        let set = plain(images);
        let options = BatchOptions {
            threads,
            ..BatchOptions::new(batch, Normalization { mean: vec![0.0; 2], deviation: vec![1.0; 2] })
        };
        let batches = all(&set, 1, &options);
        prop_assert_eq!(batches.len(), images.div_ceil(batch));
        let mut rows: Vec<u32> = batches.iter().flat_map(|b| b.index.clone()).collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..images as u32).collect::<Vec<_>>());
        prop_assert!(batches.iter().all(|b| b.images.len() == b.labels.len() * 18));
    }
}
