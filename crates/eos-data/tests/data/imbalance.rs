//! Imbalance and splits: the paper's counts, pinned choices, and what they refuse.

use crate::support::{refused, shared};
use eos_data::{Imbalance, ImbalanceKind, Split, Subset, stratified_split};
use proptest::prelude::*;

fn exponential(ratio: f64) -> Imbalance {
    Imbalance {
        kind: ImbalanceKind::Exponential,
        ratio,
        seed: 0,
        subset: Subset::Seeded,
    }
}

fn step(ratio: f64) -> Imbalance {
    Imbalance {
        kind: ImbalanceKind::Step,
        ..exponential(ratio)
    }
}

/// n rows of each class, class by class.
fn labels(per_class: &[usize]) -> Vec<u32> {
    let classes = (0..).zip(per_class);
    classes
        .flat_map(|(class, rows)| std::iter::repeat_n(class, *rows))
        .collect()
}

#[test]
fn counts_are_the_papers() {
    assert_eq!(
        exponential(100.0).counts(&[5000; 10]),
        [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    );
    assert_eq!(
        exponential(100.0).counts(&[1000; 10]),
        [1000, 599, 359, 215, 129, 77, 46, 27, 16, 10]
    );
    let hundred = exponential(10.0).counts(&[500; 100]);
    assert_eq!((hundred[0], hundred[99], hundred.len()), (500, 50, 100));
    assert_eq!(step(10.0).counts(&[500; 4]), [500, 500, 50, 50]);
    assert_eq!(step(10.0).counts(&[500; 5]), [500, 500, 500, 50, 50]);
    assert_eq!(exponential(1.0).counts(&[7, 7]), [7, 7]);
    assert_eq!(exponential(50.0).counts(&[9]), [9]);
    assert_eq!(exponential(50.0).counts(&[]), [0; 0]);
}

#[test]
fn a_class_with_too_few_rows_lowers_all_in_proportion() {
    let svhn = [4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659];
    let counts = exponential(100.0).counts(&svhn);
    assert_eq!((counts[0], counts[9]), (4948, 49));
    assert!(counts.is_sorted_by(|a, b| a >= b));
    // Class 1 has 300 of the 600 that 1000 at the head would ask for.
    let counts =
        exponential(100.0).counts(&[1000, 300, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);
    assert_eq!(counts[..2], [502, 300]);
}

#[test]
fn the_choice_is_pinned_and_depends_on_the_class_alone() {
    let labels = labels(&[20, 20, 20]);
    let kept = exponential(4.0).select(&labels, 3).unwrap();
    assert_eq!(kept.len(), 20 + 10 + 5);
    assert_eq!(kept[30..], KNOWN_ROWS);
    // Rows of other classes in between do not change which of a class's rows are kept.
    let mixed: Vec<u32> = (0..60).map(|row| row % 3).collect();
    let of_mixed = exponential(4.0).select(&mixed, 3).unwrap();
    let third: Vec<u32> = of_mixed[30..].iter().map(|row| row / 3 + 40).collect();
    assert_eq!(third, KNOWN_ROWS);
    let other = Imbalance {
        seed: 1,
        ..exponential(4.0)
    };
    assert_ne!(other.select(&labels, 3).unwrap(), kept);
}

const KNOWN_ROWS: [u32; 5] = [48, 56, 51, 40, 42];

#[test]
fn ratios_and_labels_that_do_not_fit_are_refused() {
    let balanced = labels(&[10, 10]);
    for ratio in [0.5, 0.0, -3.0, f64::NAN, f64::INFINITY] {
        refused(
            exponential(ratio).select(&balanced, 2),
            "Request",
            &["imbalance: ratio", "at least 1"],
        );
    }
    refused(
        exponential(11.0).select(&balanced, 2),
        "Request",
        &[
            "got 11, which keeps none of class 1's 10 rows",
            "a ratio of at most 10",
        ],
    );
    refused(
        exponential(2.0).select(&balanced, 3),
        "Value",
        &["class 2", "no rows"],
    );
    refused(
        exponential(2.0).select(&balanced, 1),
        "Value",
        &["label of row 10", "below 1"],
    );
}

#[test]
fn a_split_takes_a_share_of_every_class() {
    let labels = labels(&[100, 10, 3, 2, 1]);
    let Split { train, validation } = stratified_split(&labels, 5, 0.2, 0).unwrap();
    let held = |class| {
        validation
            .iter()
            .filter(|row| labels[**row as usize] == class)
            .count()
    };
    assert_eq!([0, 1, 2, 3, 4].map(held), [20, 2, 1, 1, 0]);
    assert_eq!(train.len() + validation.len(), labels.len());
    assert_eq!(validation[validation.len() - 5..], KNOWN_VALIDATION);
    let none = stratified_split(&labels, 5, 0.0, 0).unwrap();
    assert!(none.validation.is_empty() && none.train.len() == labels.len());
    let most = stratified_split(&labels, 5, 0.999, 0).unwrap();
    assert_eq!(
        most.train.len(),
        5,
        "a row of each class is left for training"
    );
    for share in [1.0, -0.1, f64::NAN] {
        refused(
            stratified_split(&labels, 5, share, 0),
            "Request",
            &["split: share"],
        );
    }
    refused(
        stratified_split(&labels, 4, 0.1, 0),
        "Value",
        &["label of row 115"],
    );
}

const KNOWN_VALIDATION: [u32; 5] = [98, 103, 104, 111, 113];

#[test]
fn the_references_subset_is_the_published_one() {
    let (Some(labels), Some(index)) = (
        shared("cifar10/train_labels.u8"),
        shared("cifar10/lt_seed0_index.npy"),
    ) else {
        return;
    };
    let labels: Vec<u32> = std::fs::read(labels)
        .unwrap()
        .into_iter()
        .map(u32::from)
        .collect();
    let index = npyz::NpyFile::new(std::fs::File::open(index).unwrap()).unwrap();
    let index = index.into_vec::<i64>().unwrap();
    let reference = Imbalance {
        subset: Subset::Reference,
        ..exponential(100.0)
    };
    let kept = reference.select(&labels, 10).unwrap();
    let kept: Vec<i64> = kept.into_iter().map(i64::from).collect();
    assert_eq!(kept, index);
    let beyond = Imbalance {
        seed: 1 << 32,
        ..reference
    };
    refused(
        beyond.select(&labels, 10),
        "Request",
        &["4294967296", "below 2³²"],
    );
}

proptest! {
    #[test]
    fn a_split_has_every_row_on_one_side(
        labels in proptest::collection::vec(0_u32..5, 0..200),
        share in 0.0..0.99_f64,
        seed: u64,
    ) {
        let split = stratified_split(&labels, 5, share, seed).unwrap();
        let mut rows = [&split.train[..], &split.validation].concat();
        prop_assert!(split.train.is_sorted() && split.validation.is_sorted());
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..labels.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn a_class_never_gives_more_than_it_has(
        per_class in proptest::collection::vec(1_usize..500, 1..12),
        ratio in 1.0..200.0_f64,
        is_step: bool,
    ) {
        let rule = if is_step { step(ratio) } else { exponential(ratio) };
        let counts = rule.counts(&per_class);
        prop_assert!(counts.iter().zip(&per_class).all(|(kept, there)| kept <= there));
        prop_assert!(counts.is_sorted_by(|a, b| a >= b));
        if counts.iter().all(|count| *count > 0) {
            let kept = rule.select(&labels(&per_class), per_class.len()).unwrap();
            prop_assert_eq!(kept.len(), counts.iter().sum::<usize>());
        }
    }
}
