//! Random crop and flip of one training image, a pure function of seed, epoch and row.

use crate::{ImageShape, normalization::Table};
use eos_tensor::{
    philox::{Philox, below},
    stream,
};
use serde::{Deserialize, Serialize};

/// What is done at random to a training image before it is normalised.
///
/// As in the reference recipe (torchvision's RandomCrop, then RandomHorizontalFlip): the image is
/// padded with black pixels on all sides, a window of its own size is cut out at a uniform place,
/// and the window is mirrored with probability one half. Black is byte 0 *before* normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of padding on each side; 0 for no crop.
    pub crop_padding: usize,
    /// Whether to mirror left and right half of the time.
    pub flip: bool,
}

impl Augmentation {
    /// The reference recipe for CIFAR: padding 4, flip.
    pub const REFERENCE: Self = Self {
        crop_padding: 4,
        flip: true,
    };

    /// The draw for image `row` in `epoch`.
    pub(crate) fn draw(&self, philox: &Philox, epoch: u32, row: u32) -> Window {
        let index = u64::from(epoch) << 32 | u64::from(row);
        let [down, right, mirror, _] = philox.block(index, stream::AUGMENTATION, 0);
        // The padding is below a side of the image, and a side is far below 2³¹.
        let places = (2 * self.crop_padding + 1) as u32;
        let offset = |word| below(word, places) as isize - self.crop_padding as isize;
        Window {
            down: offset(down),
            right: offset(right),
            mirror: self.flip && below(mirror, 2) == 1,
        }
    }
}

/// Where an image's window lies relative to the image, and whether it is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) down: isize,
    pub(crate) right: isize,
    pub(crate) mirror: bool,
}

impl Window {
    /// Appends the normalised window of `image` (`[C, H, W]`) to `out`.
    pub(crate) fn cut(self, image: &[u8], shape: ImageShape, table: &Table, out: &mut Vec<f32>) {
        let plane = shape.height * shape.width;
        for (channel, pixels) in image.chunks_exact(plane).enumerate() {
            let values = table.channel(channel);
            for y in 0..shape.height {
                let begin = out.len();
                match y
                    .checked_add_signed(self.down)
                    .filter(|y| *y < shape.height)
                {
                    Some(y) => self.cut_row(&pixels[y * shape.width..][..shape.width], values, out),
                    None => out.resize(begin + shape.width, values[0]),
                }
                if self.mirror {
                    out[begin..].reverse();
                }
            }
        }
    }

    fn cut_row(self, row: &[u8], values: &[f32; 256], out: &mut Vec<f32>) {
        let width = row.len();
        let shift = self.right.unsigned_abs().min(width);
        let (before, seen) = if self.right < 0 {
            (shift, &row[..width - shift])
        } else {
            (0, &row[shift..])
        };
        let end = out.len() + width;
        out.resize(out.len() + before, values[0]);
        out.extend(seen.iter().map(|pixel| values[usize::from(*pixel)]));
        out.resize(end, values[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Normalization;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 3,
        width: 3,
    };

    fn cut(window: Window) -> Vec<f32> {
        let unit = Normalization {
            mean: vec![0.0],
            deviation: vec![1.0 / 255.0],
        };
        let mut out = Vec::new();
        window.cut(
            &[1, 2, 3, 4, 5, 6, 7, 8, 9],
            SHAPE,
            &Table::new(&unit),
            &mut out,
        );
        out.iter().map(|value| value.round()).collect()
    }

    #[test]
    fn a_window_shows_black_outside_the_image() {
        let window = |down, right, mirror| {
            cut(Window {
                down,
                right,
                mirror,
            })
        };
        assert_eq!(window(0, 0, false), [1., 2., 3., 4., 5., 6., 7., 8., 9.]);
        assert_eq!(window(0, 0, true), [3., 2., 1., 6., 5., 4., 9., 8., 7.]);
        assert_eq!(window(1, 1, false), [5., 6., 0., 8., 9., 0., 0., 0., 0.]);
        assert_eq!(window(-1, -2, false), [0., 0., 0., 0., 0., 1., 0., 0., 4.]);
        assert_eq!(window(-1, -2, true), [0., 0., 0., 1., 0., 0., 4., 0., 0.]);
        assert_eq!(window(2, -1, true), [8., 7., 0., 0., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn draws_cover_every_window_about_equally() {
        let augmentation = Augmentation {
            crop_padding: 1,
            flip: true,
        };
        let philox = Philox::new(3);
        let mut seen = std::collections::HashMap::new();
        for row in 0..1800 {
            let Window {
                down,
                right,
                mirror,
            } = augmentation.draw(&philox, 5, row);
            *seen.entry((down, right, mirror)).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 18);
        assert!(
            seen.values().all(|count| (60..140).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn without_augmentation_the_draw_is_the_image_itself() {
        let still = Augmentation::default();
        let whole = Window {
            down: 0,
            right: 0,
            mirror: false,
        };
        assert_eq!(still.draw(&Philox::new(1), 9, 9), whole);
    }
}
