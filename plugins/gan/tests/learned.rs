//! Whether the generator learns what the classes are.

#[path = "../../eos/tests/common/mod.rs"]
mod common;

use common::Set;
use eos_plugin_gan::ENTRY;
use eos_registry::Synthetic;
use eos_tensor::PhiloxRng;

/// Rows of each class; `row` appends one of class c.
fn set(counts: &[usize], dims: usize, row: impl Fn(usize, &mut PhiloxRng) -> Vec<f32>) -> Set {
    let mut rng = PhiloxRng::new(7, 0, 0);
    let mut set = Set {
        rows: Vec::new(),
        dims,
        labels: Vec::new(),
    };
    for (class, count) in counts.iter().enumerate() {
        for _ in 0..*count {
            set.rows.extend(row(class, &mut rng));
            set.labels.push(class as u32);
        }
    }
    set
}

fn of_class(rows: &[f32], labels: &[u32], dims: usize, class: u32) -> Vec<Vec<f32>> {
    let rows = rows.chunks(dims).zip(labels);
    let own = rows.filter(|(_, label)| **label == class);
    own.map(|(row, _)| row.to_vec()).collect()
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let dims = 0..rows[0].len();
    dims.map(|j| rows.iter().map(|row| row[j]).sum::<f32>() / rows.len() as f32)
        .collect()
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Mean squared distance to the mean.
fn spread(rows: &[Vec<f32>]) -> f32 {
    let centre = mean(rows);
    rows.iter().map(|row| squared(row, &centre)).sum::<f32>() / rows.len() as f32
}

/// Copies, and the nearest rows, are told of in notes.
fn no_copies(made: &Synthetic) {
    let [trained, nearness] = &made.notes[..] else {
        panic!("{:?}", made.notes);
    };
    assert!(trained.starts_with("trained a generator of "), "{trained}");
    assert!(made.trained.parameters > 1000 && made.trained.steps > 100);
    assert!(
        nearness.starts_with("from a synthetic row to the nearest"),
        "{nearness}"
    );
}

/// Five overlapping clouds of 400 to 4 rows: each with a deviation of 1 in 16 dimensions, their
/// centres some 7 apart.
#[test]
fn made_rows_are_named_by_what_knows_real_ones() {
    let counts = [400, 126, 40, 13, 4];
    let clouds = set(&counts, 16, |class, rng| {
        let mut centre = PhiloxRng::new(8, class as u32, 0);
        (0..16)
            .map(|_| 1.3 * centre.normal() + rng.normal())
            .collect()
    });
    for noise in [8, 32, 64] {
        let params = format!("noise = {noise}");
        let made = clouds.sample(&ENTRY, &[200; 5], &params).unwrap();
        no_copies(&made);
        let real = |class| of_class(&clouds.rows, &clouds.labels, 16, class);
        let centres: Vec<Vec<f32>> = (0..5).map(|class| mean(&real(class))).collect();
        for class in 0..5 {
            let rows = of_class(&made.rows, &made.labels, 16, class);
            let near = |row: &&Vec<f32>| {
                let own = squared(row, &centres[class as usize]);
                centres.iter().all(|centre| own <= squared(row, centre))
            };
            let right = rows.iter().filter(near).count();
            assert!(right >= 150, "noise {noise}, class {class}: {right} of 200");
            let wide = spread(&rows) / spread(&real(class));
            assert!(
                (0.2..2.0).contains(&wide),
                "noise {noise}, class {class}: {wide}"
            );
        }
    }
}

/// Each class is two clouds, 6 apart, with nothing between them: its mean and deviation, which the
/// generator begins with, put most of the rows there.
#[test]
fn the_shape_of_a_class_is_learned() {
    let pairs = set(&[600, 120], 4, |class, rng| {
        let side = if rng.below(2) == 0 { 3.0 } else { -3.0 };
        let mut row: Vec<f32> = (0..4).map(|_| 0.3 * rng.normal()).collect();
        row[class] += side;
        row[2] += side;
        row
    });
    let share = |params| {
        let made = pairs.sample(&ENTRY, &[500, 500], params).unwrap();
        let right = |(row, label): (&[f32], &u32)| {
            let (own, joint) = (row[*label as usize], row[2]);
            (own * joint > 0.0) && [own, joint].iter().all(|v| (2.0..4.0).contains(&v.abs()))
        };
        let rows = made.rows.chunks(4).zip(&made.labels);
        rows.filter(|row| right(*row)).count() as f64 / 1000.0
    };
    let (start, end) = (share("epochs = 1"), share(""));
    assert!(start < 0.5 && end > 0.8, "{start} {end}");
}
