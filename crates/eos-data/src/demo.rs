//! The embedded demonstration set: Fashion-MNIST, long-tailed 100:1.

use crate::{
    ImageSet, ImageShape,
    read::{idx, source::Source},
};

/// Name of the set in configurations: `set = "fashion-mnist-lt"`.
pub const NAME: &str = "fashion-mnist-lt";

/// Copyright notice and licence (MIT) of Fashion-MNIST.
pub const LICENCE: &str = include_str!("../data/LICENSE");

/// Names of the ten classes, by label.
pub const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// 2,478 training images of 1 × 28 × 28: 1000, 599, 359, 215, 129, 77, 46, 27, 16, 10 a class.
pub fn train() -> ImageSet {
    embedded(
        include_bytes!("../data/demo-n1000-ir100-train-images-idx3-ubyte.gz"),
        include_bytes!("../data/demo-n1000-ir100-train-labels-idx1-ubyte.gz"),
    )
}

/// 2,000 test images of 1 × 28 × 28, 200 of each class, none of them in [`train`].
pub fn test() -> ImageSet {
    embedded(
        include_bytes!("../data/demo-test2000-images-idx3-ubyte.gz"),
        include_bytes!("../data/demo-test2000-labels-idx1-ubyte.gz"),
    )
}

fn embedded(images: &[u8], labels: &[u8]) -> ImageSet {
    let whole = "the embedded set is whole: a test reads it";
    let images = Source::memory(NAME, images)
        .and_then(idx::images)
        .expect(whole);
    let labels = Source::memory(NAME, labels)
        .and_then(idx::labels)
        .expect(whole);
    let shape = ImageShape {
        channels: 1,
        height: images.height,
        width: images.width,
    };
    let labels = labels.into_iter().map(u32::from).collect();
    let classes = CLASSES.map(str::to_owned).to_vec();
    ImageSet::new(shape, images.pixels, labels, classes).expect(whole)
}
