//! Images as they were read, small and within the page.

use super::{Material, origin, pick};
use crate::summary::Summary;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use eos_data::ImageSet;
use eos_registry::Content;
use image::{ExtendedColorType, ImageEncoder};

/// Larger images are shrunk to at most so many pixels a side.
const SIDE: usize = 64;
/// Pairs of classes, and images of each.
const PAIRS: usize = 6;
const OF_PAIR: usize = 6;
/// Classes with synthetic rows, the rarest first, and rows of each.
const CLASSES: usize = 12;
const OF_CLASS: usize = 3;

/// An image with its caption.
pub(crate) struct Thumbnail {
    /// `data:image/png;base64,…`.
    pub uri: String,
    pub caption: String,
}

/// Images of one class that the chosen method's head takes for another.
pub(crate) struct Pair {
    pub truth: String,
    pub named: String,
    /// How many, under the head as trained and under the chosen method's.
    pub before: u64,
    pub after: u64,
    pub images: Vec<Thumbnail>,
}

/// A synthetic row by the images behind it.
pub(crate) struct Origin {
    pub ratio: String,
    pub images: Vec<Thumbnail>,
}

/// Synthetic rows of a class.
pub(crate) struct OfClass {
    pub class: String,
    pub added: usize,
    pub rows: Vec<Origin>,
}

/// Whether images of this kind can be shown: grey or RGB.
pub(crate) fn can_show(set: &ImageSet) -> bool {
    matches!(set.shape().channels, 1 | 3)
}

/// The pairs of classes that are confused most often after the chosen method, with images of those measured on.
pub(crate) fn confused(summary: &Summary, material: &Material, images: &ImageSet) -> Vec<Pair> {
    let (before, after) = (&summary.before().confusion, &summary.after().confusion);
    let classes = summary.classes.len();
    let pairs = (0..classes * classes).map(|at| (at / classes, at % classes));
    let mut pairs: Vec<(usize, usize)> = pairs
        .filter(|(t, n)| t != n && after.count(*t, *n) > 0)
        .collect();
    pairs.sort_by_key(|(t, n)| std::cmp::Reverse(after.count(*t, *n)));
    pairs.truncate(PAIRS);
    let pair = |(truth, named): (usize, usize)| {
        let rows: Vec<usize> = (0..images.len())
            .filter(|row| images.labels()[*row] as usize == truth)
            .filter(|row| material.predicted[*row] as usize == named)
            .collect();
        let shown = pick::evenly(&rows, OF_PAIR).into_iter();
        Pair {
            truth: summary.classes[truth].clone(),
            named: summary.classes[named].clone(),
            before: before.count(truth, named),
            after: after.count(truth, named),
            images: shown
                .map(|row| Thumbnail {
                    uri: uri(images, row),
                    caption: format!("{} row {row}", summary.measured_on),
                })
                .collect(),
        }
    };
    pairs.into_iter().map(pair).collect()
}

/// Some synthetic rows of the rarest classes; nothing where a plugin makes rows itself.
pub(crate) fn origins(summary: &Summary, material: &Material, images: &ImageSet) -> Vec<OfClass> {
    let Content::Recipes(recipes) = &material.made else {
        return Vec::new();
    };
    let (labels, classes) = (material.made_labels(), summary.classes.len());
    let picked = pick::by_class(&labels, classes, OF_CLASS);
    let origin = |row: &usize| Origin {
        ratio: format!("{:.3}", recipes[*row].ratio),
        images: origin::sources(&recipes[*row], images.labels())
            .iter()
            .map(|source| Thumbnail {
                uri: uri(images, source.row as usize),
                caption: format!(
                    "{}: {}",
                    source.role, summary.classes[source.class as usize]
                ),
            })
            .collect(),
    };
    let of_class = |class: usize| OfClass {
        class: summary.classes[class].clone(),
        added: labels
            .iter()
            .filter(|label| **label as usize == class)
            .count(),
        rows: picked[class].iter().map(origin).collect(),
    };
    let order = summary.rarest(classes).into_iter();
    let with_rows = order.filter(|class| !picked[*class].is_empty());
    with_rows.take(CLASSES).map(of_class).collect()
}

/// An image of 1 or 3 channels as a PNG file within an address.
fn uri(set: &ImageSet, row: usize) -> String {
    let shape = set.shape();
    let (pixels, width, height) =
        shrunk(set.image(row), [shape.channels, shape.height, shape.width]);
    let colour = match shape.channels {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(&pixels, width as u32, height as u32, colour)
        .expect("pixels are as many as the shape says, and memory takes them");
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&file))
}

/// `[C, H, W]` to `[h, w, C]`, each pixel the mean of a square of the image.
fn shrunk(image: &[u8], [channels, height, width]: [usize; 3]) -> (Vec<u8>, usize, usize) {
    let square = height.max(width).div_ceil(SIDE).max(1);
    let (h, w) = ((height / square).max(1), (width / square).max(1));
    let mut pixels = Vec::with_capacity(h * w * channels);
    for at in 0..h * w * channels {
        let (y, x, c) = (at / (w * channels), at / channels % w, at % channels);
        let (mut sum, mut count) = (0, 0);
        for row in (y * square..(y + 1) * square).take_while(|row| *row < height) {
            for column in (x * square..(x + 1) * square).take_while(|column| *column < width) {
                sum += usize::from(image[(c * height + row) * width + column]);
                count += 1;
            }
        }
        pixels.push(((sum + count / 2) / count) as u8);
    }
    (pixels, w, h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels_and_large_images_shrink_by_means() {
        let (pixels, w, h) = shrunk(&[1, 2, 3, 4, 5, 6], [3, 1, 2]);
        assert_eq!((pixels, w, h), (vec![1, 3, 5, 2, 4, 6], 2, 1));
        let image: Vec<u8> = (0..128 * 2)
            .map(|at| if at % 2 == 0 { 10 } else { 21 })
            .collect();
        let (pixels, w, h) = shrunk(&image, [1, 2, 128]);
        assert_eq!((w, h, pixels.iter().all(|p| *p == 16)), (64, 1, true));
    }
}
