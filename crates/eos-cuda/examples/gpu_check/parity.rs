//! Equal bits: small cases against the plain definition, larger ones against the CPU's backend.

use crate::cases::{self, FORMS, SMALL, Took};
use eos_cuda::{CudaBackend, FirstPass};
use eos_tensor::{Backend, Classes, CpuBackend, PhiloxRng, Rows};
use std::time::Instant;

/// Runs every case and prints a line a form; whether all are equal.
pub fn run(backend: &CudaBackend) -> bool {
    let mut sound = true;
    for form in forms(backend) {
        let backend = backend.clone().with_first_pass(form);
        sound &= small(&backend, form);
        match cases::score_errors(&backend) {
            Ok(error) => println!(
                "{form:?}: {} scores are off by at most {:.2e}, {:.2e} is allowed",
                error.scores, error.measured, error.allowed
            ),
            Err(error) => {
                sound = false;
                println!("{form:?}: scores are off by more than is allowed: {error}");
            }
        }
    }
    for (dims, m) in [(64, 100_000), (13, 50_001), (1, 1001), (2048, 999)] {
        let equal = cases::check_interpolation(backend, dims, m);
        println!("interpolation of {m} x {dims}: {equal:?}");
        sound &= equal.is_ok();
    }
    for (n, dims, k, memory) in [
        (20_000, 64, 10, None),
        (20_000, 64, 300, None),
        (30_000, 200, 10, Some(24 << 20)),
        (5_000, 2048, 10, None),
    ] {
        for form in forms(backend) {
            let mut backend = backend.clone().with_first_pass(form);
            if let Some(memory) = memory {
                backend = backend.with_memory(memory);
            }
            sound &= large(
                &backend,
                n,
                dims,
                k,
                &format!("{form:?}, memory {memory:?}"),
            );
        }
    }
    sound
}

/// The small cases alone, for tools under which everything takes longer.
pub fn sanitize(backend: &CudaBackend) -> bool {
    let mut sound = true;
    for form in forms(backend) {
        sound &= small(&backend.clone().with_first_pass(form), form);
    }
    let equal = cases::check_interpolation(backend, 13, 501);
    println!("interpolation of 501 x 13: {equal:?}");
    sound & equal.is_ok()
}

/// The forms that the card has.
pub fn forms(backend: &CudaBackend) -> impl Iterator<Item = FirstPass> + use<> {
    let tensor_cores = backend.device().is_none_or(|d| d.capability >= (8, 0));
    let has = move |form: &FirstPass| tensor_cores || !form.needs_tensor_cores();
    FORMS.into_iter().filter(has)
}

/// Every small case in one form.
fn small(backend: &CudaBackend, form: FirstPass) -> bool {
    let (mut failed, mut took) = (0, Took::default());
    let start = Instant::now();
    for case in SMALL {
        match cases::check(backend, case) {
            Ok(more) => took.add(more),
            Err(error) => {
                failed += 1;
                println!("{form:?}: {error}");
            }
        }
    }
    println!(
        "{form:?}: {} of {} cases equal the definition in all bits, {} queries, {:?}, {:.2} s",
        SMALL.len() - failed,
        SMALL.len(),
        took.queries,
        took.proven,
        start.elapsed().as_secs_f64()
    );
    failed == 0
}

/// Embeddings as networks make them: clusters that overlap, not negative.
pub fn embeddings(n: usize, dims: usize, classes: u32) -> (Vec<f32>, Vec<u32>) {
    let mut random = PhiloxRng::new(11, 0, 0);
    let centres: Vec<f32> = (0..classes as usize * dims)
        .map(|_| random.normal())
        .collect();
    let mut labels = Vec::with_capacity(n);
    let mut data = Vec::with_capacity(n * dims);
    for _ in 0..n {
        let class = random.below(classes).min(random.below(classes));
        labels.push(class);
        let centre = &centres[class as usize * dims..][..dims];
        data.extend(centre.iter().map(|c| (c + 0.7 * random.normal()).max(0.0)));
    }
    (data, labels)
}

fn large(backend: &CudaBackend, n: usize, dims: usize, k: usize, what: &str) -> bool {
    let (data, labels) = embeddings(n, dims, 10);
    let rows = match Rows::new(&data, dims) {
        Ok(rows) => rows,
        Err(error) => {
            println!("{error}");
            return false;
        }
    };
    let queries: Vec<u32> = (0..n as u32).step_by(5).collect();
    let mut equal = true;
    let search = backend.searching(rows, &labels);
    let mut all = Vec::new();
    for classes in [Classes::Any, Classes::Same, Classes::Other] {
        let wanted = CpuBackend::new().neighbours(rows, &labels, &queries, k, classes);
        match (search.proven(&queries, k, classes), wanted) {
            (Ok((found, proven)), Ok(wanted)) => {
                let wrong = (0..queries.len())
                    .filter(|q| {
                        let slots = q * k..(q + 1) * k;
                        found.index[slots.clone()] != wanted.index[slots.clone()]
                            || found.distance[slots.clone()] != wanted.distance[slots]
                    })
                    .count();
                equal &= wrong == 0;
                all.push(format!("{classes:?} {wrong} differ, {proven:?}"));
            }
            (Err(error), _) | (_, Err(error)) => {
                equal = false;
                all.push(format!("{classes:?} {error}"));
            }
        }
    }
    println!("{n} x {dims}, K = {k}, {what}: {}", all.join("; "));
    equal
}
