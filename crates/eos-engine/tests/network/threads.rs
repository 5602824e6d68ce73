//! Bits: the same whatever the number of threads, and whatever ran before.

use eos_engine::SimdPath;
use rayon::ThreadPoolBuilder;

use crate::case::{Case, Shape, network};

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for (n, size, factor) in [(37, [8, 12], 1), (3, [12, 8], 1), (5, [8, 8], 2)] {
        let shape = Shape {
            depth: 8,
            factor,
            channels: 3,
            size,
            n,
        };
        let case = Case::new(shape, 11);
        for path in SimdPath::available() {
            let network = network(shape, path);
            let run = |threads: usize| {
                let pool = ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| case.run(&network))
            };
            let one = run(1);
            for threads in [2, 3, 8] {
                assert!(run(threads) == one, "{path}, {threads} threads, {n} images");
            }
        }
    }
}

#[test]
fn reused_memory_leaves_no_trace() {
    let shape = Shape {
        depth: 8,
        factor: 1,
        channels: 3,
        size: [12, 8],
        n: 9,
    };
    let (case, other) = (Case::new(shape, 1), Case::new(shape, 2));
    let fewer = Case::new(Shape { n: 4, ..shape }, 3);
    let more = Case::new(Shape { n: 20, ..shape }, 4);
    for path in SimdPath::available() {
        let fresh = case.run(&network(shape, path));
        let network = network(shape, path);
        for before in [&other, &fewer, &more, &fewer] {
            before.run(&network);
            assert!(
                case.run(&network) == fresh,
                "{path}, after {:?}",
                before.shape
            );
        }
    }
}

/// Two batches between forward and backward do not share memory.
#[test]
fn steps_may_interleave() {
    let shape = Shape {
        depth: 8,
        factor: 1,
        channels: 1,
        size: [8, 8],
        n: 5,
    };
    let (a, b) = (Case::new(shape, 1), Case::new(shape, 2));
    let network = network(shape, SimdPath::available()[0]);
    let (want_a, want_b) = (a.run(&network), b.run(&network));
    let (_, saved_a) = network.forward(&a.images, shape.n, &a.params()).unwrap();
    let (_, saved_b) = network.forward(&b.images, shape.n, &b.params()).unwrap();
    let got_a = network
        .backward(saved_a, &a.params(), &a.embedding_gradient, true)
        .unwrap();
    let got_b = network
        .backward(saved_b, &b.params(), &b.embedding_gradient, true)
        .unwrap();
    assert!(got_a == want_a.gradients && got_b == want_b.gradients);
}

/// An image's embedding in evaluation does not depend on its batch.
#[test]
fn evaluation_takes_each_image_alone() {
    let shape = Shape {
        depth: 8,
        factor: 1,
        channels: 3,
        size: [8, 8],
        n: 33,
    };
    let case = Case::new(shape, 6);
    for path in SimdPath::available() {
        let network = network(shape, path);
        let (params, running) = (case.params(), case.running());
        let together = network
            .embed(&case.images, shape.n, &params, &running)
            .unwrap();
        let images = case.images.chunks_exact(network.input().values());
        let alone: Vec<f32> = images
            .flat_map(|image| network.embed(image, 1, &params, &running).unwrap())
            .collect();
        assert!(together == alone, "{path}");
    }
}
