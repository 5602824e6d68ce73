//! The gap of small made-up sets, by hand and in general.

mod files;

use super::*;
use crate::phases::Labelled;
use eos_model::{Head, HeadKind};
use eos_tensor::{Backend, CpuBackend, Recipe};
use proptest::prelude::*;

/// A scene of one dimension: class "common" of four rows ranges over [0, 3], "rare" of two over
/// [10, 11], and "absent" has none. Rows at 5 and above are named "rare".
struct Scene {
    classes: Vec<String>,
    train: Vec<f32>,
    balanced: Vec<f32>,
    test: Vec<f32>,
    head: Head,
}

const LABELS: [u32; 8] = [0, 0, 0, 0, 1, 1, 1, 1];
const UNSEEN: [u32; 6] = [0, 0, 0, 1, 1, 2];

impl Scene {
    fn new() -> Self {
        Self {
            classes: ["common, kin", "rare", "absent"]
                .map(str::to_owned)
                .to_vec(),
            train: vec![0.0, 1.0, 2.0, 3.0, 10.0, 11.0],
            balanced: vec![0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 9.0],
            test: vec![1.0, 3.5, 6.0, 8.0, 13.0, 4.0],
            head: Head {
                kind: HeadKind::Linear,
                weight: vec![0.0, 1.0, 0.0],
                bias: vec![0.0, -5.0, -100.0],
                classes: 3,
                dims: 1,
            },
        }
    }

    fn analyse(&self, options: Options) -> Analysis {
        self.with(options, |request| analyse(request).unwrap())
    }

    fn with<T>(&self, options: Options, of: impl FnOnce(&Request<'_>) -> T) -> T {
        let data = |values, labels| Labelled {
            rows: Rows::new(values, 1).unwrap(),
            labels,
        };
        let sets = [
            Set {
                name: "training rows",
                data: data(&self.train, &LABELS[..6]),
                head: Some(&self.head),
            },
            Set {
                name: "smote",
                data: data(&self.balanced, &LABELS),
                head: None,
            },
        ];
        of(&Request {
            classes: &self.classes,
            sets: &sets,
            test: data(&self.test, &UNSEEN),
            options,
        })
    }
}

/// Equal, a missing figure being equal to a missing one.
fn same(a: &[f64], b: &[f64]) -> bool {
    let equal = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan();
    a.len() == b.len() && a.iter().zip(b).all(equal)
}

#[test]
fn gaps_of_every_kind_by_hand() {
    let found = Scene::new().analyse(Options::default());
    let [train, smote] = &found.sets[..] else {
        panic!("two sets");
    };
    let none = f64::NAN;
    assert!(same(&train.gap.gap.per_class, &[3.0, 4.0, none]));
    assert_eq!((train.gap.gap.mean, train.gap.gap.sum), (3.5, 3.5));
    assert_eq!(train.gap.rows, [3, 2, 1]);
    assert!(same(&smote.gap.gap.per_class, &[3.0, 2.0, none]));
    assert_eq!(smote.counts, [4, 4, 0]);
    // Of two classes, either order is as far: p is 1.
    let correlation = train.gap.correlation.unwrap();
    assert_eq!(
        (correlation.rho, correlation.p, correlation.classes),
        (-1.0, 1.0, 2)
    );
    // Rows at 6, 8 and 13 are named "rare", the others "common".
    let by = train.by_outcome.as_ref().unwrap();
    assert!(same(&by.true_positives.gap.per_class, &[0.5, 4.0, none]));
    assert!(same(&by.false_negatives.gap.per_class, &[3.0, none, none]));
    assert_eq!(by.false_negatives.rows, [1, 0, 1]);
    assert!(same(&by.false_positives.gap.per_class, &[1.0, 4.0, none]));
    assert!(smote.by_outcome.is_none() && smote.head_norms.is_none());
    assert_eq!(train.head_norms.as_ref().unwrap().per_class[1], 1.0);
    assert_eq!(found.largest_first(), [0, 1, 2]);
}

#[test]
fn quantiles_leave_out_what_is_farthest() {
    let quantile = 0.25;
    let found = Scene::new().analyse(Options {
        quantile,
        equal_rows: None,
    });
    // Common: [0.75, 2.25] and, of 1, 3.5 and 6, [2.25, 4.75]; rare: [10.25, 10.75] and [9.25, 11.75].
    let gap = &found.sets[0].gap.gap;
    assert!(same(&gap.per_class, &[2.5, 2.0, f64::NAN]));
}

#[test]
fn outcomes_are_told_apart() {
    // One dimension; class 0 ranges over [0, 1], class 1 over [4, 5]; class 2 is never seen.
    let train = Rows::new(&[0.0, 1.0, 4.0, 5.0], 1).unwrap();
    let test = Rows::new(&[1.5, 3.0, 4.5, 2.0, 9.0], 1).unwrap();
    let (labels, predicted) = ([0, 0, 1, 1, 2], [0, 1, 1, 0, 1]);
    let split = gap_by_outcome(train, &[0, 0, 1, 1], test, &labels, &predicted, 3);
    let none = f64::NAN;
    assert!(same(&split.true_positives.per_class, &[0.5, 0.0, none]));
    assert!(same(&split.false_negatives.per_class, &[2.0, 2.0, none]));
    // Named 0: the row at 2; named 1: those at 3 and 9.
    assert!(same(&split.false_positives.per_class, &[1.0, 5.0, none]));
    assert_eq!(split.false_positives.mean, 3.0);
    let whole = gap(train, &[0, 0, 1, 1], test, &labels, 3);
    assert_eq!((whole.per_class[0], whole.mean), (2.0, 2.0));
}

#[test]
fn a_gap_keeps_what_is_missing_in_json() {
    let train = Rows::new(&[0.0], 1).unwrap();
    let found = gap(train, &[0], train, &[0], 2);
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(text, r#"{"per_class":[0.0,null],"mean":0.0,"sum":0.0}"#);
    let read: Gap = serde_json::from_str(&text).unwrap();
    assert!(same(&read.per_class, &found.per_class));
    let nothing = gap(train, &[0], train, &[1], 2);
    assert!(nothing.mean.is_nan());
    let read: Gap = serde_json::from_str(&serde_json::to_string(&nothing).unwrap()).unwrap();
    assert!(read.mean.is_nan() && read.sum.is_nan());
}

/// `n` values of three classes in turn and one distribution, class 0 with as many rows as given.
fn drawn(sizes: [usize; 3], seed: u64) -> (Vec<f32>, Vec<u32>) {
    let labels: Vec<u32> = (0..3)
        .flat_map(|c| std::iter::repeat_n(c, sizes[c as usize]))
        .collect();
    let mut rng = eos_tensor::PhiloxRng::new(seed, 0, 0);
    let values = (0..labels.len() * 4).map(|_| rng.normal());
    (values.collect(), labels)
}

#[test]
fn equal_rows_take_away_what_the_number_of_rows_does() {
    // All classes are of one distribution: whatever differs is the number of rows.
    let ((train, labels), (test, unseen)) = (drawn([800, 80, 8], 1), drawn([400; 3], 2));
    let classes = ["a", "b", "c"].map(str::to_owned);
    let request = |threads: usize, seed| {
        let data = |values, labels| Labelled {
            rows: Rows::new(values, 4).unwrap(),
            labels,
        };
        let set = Set {
            name: "training rows",
            data: data(&train, &labels),
            head: None,
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            analyse(&Request {
                classes: &classes,
                sets: &[set],
                test: data(&test, &unseen),
                options: Options {
                    quantile: 0.0,
                    equal_rows: Some(EqualRows { draws: 200, seed }),
                },
            })
            .unwrap()
        })
    };
    let found = request(1, 0);
    let subsets = found.subsets.unwrap();
    assert_eq!(
        (subsets.train_rows, subsets.test_rows, subsets.draws),
        (8, 400, 200)
    );
    let set = &found.sets[0];
    let (whole, equal) = (
        &set.gap.gap.per_class,
        &set.equal_rows.as_ref().unwrap().gap.per_class,
    );
    assert!(whole[2] > 5.0 * whole[0], "{whole:?}");
    // The class that has no more rows is measured as it is.
    assert!((equal[2] - whole[2]).abs() < 1e-12, "{equal:?} {whole:?}");
    assert!((equal[0] / equal[1] - 1.0).abs() < 0.2, "{equal:?}");
    assert_eq!(request(8, 0), found);
    assert_ne!(request(8, 1), found);
}

#[test]
fn ten_classes_that_shrink_and_leave_are_correlated_exactly() {
    // Class c has 11 − c rows within [0, 1] and one unseen row at 1 + c.
    let (mut train, mut labels) = (Vec::new(), Vec::new());
    for c in 0..10_u32 {
        for row in 0..11 - c {
            train.push(row as f32 / 10.0);
            labels.push(c);
        }
    }
    let test: Vec<f32> = (1..=10).map(|c| c as f32).collect();
    let unseen: Vec<u32> = (0..10).collect();
    let classes: Vec<String> = unseen.iter().map(u32::to_string).collect();
    let data = |values, labels| Labelled {
        rows: Rows::new(values, 1).unwrap(),
        labels,
    };
    let set = Set {
        name: "training rows",
        data: data(&train, &labels),
        head: None,
    };
    let found = analyse(&Request {
        classes: &classes,
        sets: &[set],
        test: data(&test, &unseen),
        options: Options::default(),
    })
    .unwrap();
    let correlation = found.sets[0].gap.correlation.unwrap();
    assert_eq!(correlation.rho, -1.0);
    assert!((correlation.p * 3_628_800.0 - 2.0).abs() < 1e-6 && correlation.exact);
    let text = render(&found);
    assert!(
        text.contains("smaller classes have the wider gap (rank correlation -1.000, p 5.5e-7)."),
        "{text}"
    );
}

/// Rows of two dimensions in three classes whose values and ratios are short enough for interpolation
/// in f32 to be exact.
fn grid() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<Recipe>)> {
    let rows = prop::collection::vec((-64i8..64).prop_map(f32::from), 24);
    let recipes = prop::collection::vec((0u32..3, 0u32..4, 0u32..4, 0u8..=8), 1..30);
    (rows.clone(), rows, recipes).prop_map(|(train, test, recipes)| {
        let recipe = |(label, base, to, eighths): (u32, u32, u32, u8)| Recipe {
            label,
            base: label + 3 * base,
            from: label + 3 * base,
            to: label + 3 * to,
            ratio: f32::from(eighths) / 8.0,
        };
        (train, test, recipes.into_iter().map(recipe).collect())
    })
}

proptest! {
    #[test]
    fn interpolation_within_a_class_leaves_the_gap_exactly_unchanged(
        (train, test, recipes) in grid()
    ) {
        let labels: Vec<u32> = (0..12).map(|row| row % 3).collect();
        let (rows, held) = (Rows::new(&train, 2).unwrap(), Rows::new(&test, 2).unwrap());
        let before = gap(rows, &labels, held, &labels, 3);
        let mut all = train.clone();
        all.resize(train.len() + 2 * recipes.len(), 0.0);
        CpuBackend::new().interpolate(rows, &recipes, &mut all[24..]).unwrap();
        let made = recipes.iter().map(|recipe| recipe.label);
        let grown: Vec<u32> = labels.iter().copied().chain(made).collect();
        let after = gap(Rows::new(&all, 2).unwrap(), &grown, held, &labels, 3);
        prop_assert_eq!(before, after);
    }
}

#[test]
fn interpolation_within_a_class_changes_the_gap_between_quantiles() {
    let ranges = |values: &[f32]| {
        let labels = vec![0; values.len()];
        Ranges::of(Rows::new(values, 1).unwrap(), &of_labels(&labels, 1), 0.25)
    };
    let test = ranges(&[0.0, 4.0]);
    // Quantiles [1, 3] of the training rows; with two rows between them at 2, [1.5, 2.5] of all.
    let (before, after) = (ranges(&[0.0, 4.0]), ranges(&[0.0, 2.0, 2.0, 4.0]));
    assert_eq!((before.gap(&test).mean, after.gap(&test).mean), (0.0, 1.0));
}
