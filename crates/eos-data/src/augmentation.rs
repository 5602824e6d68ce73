//! Random crop, flip and hole of one training image, a pure function of seed, epoch, row and copy.

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
/// Last, where asked for, a square hole is cut out (DeVries & Taylor 2017): its centre is a uniform
/// pixel, so that it may hang over the edge, and it is 0 *after* normalisation, the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of padding on each side; 0 for no crop.
    pub crop_padding: usize,
    /// Whether to mirror left and right half of the time.
    pub flip: bool,
    /// Side of the square hole; 0 for none.
    pub cutout: usize,
}

impl Augmentation {
    /// The reference recipe for CIFAR: padding 4, flip.
    pub const REFERENCE: Self = Self {
        crop_padding: 4,
        flip: true,
        cutout: 0,
    };

    /// The window of image `row` where it appears in `epoch` for the time `copy`, from 0.
    pub(crate) fn draw(&self, philox: &Philox, epoch: u32, row: u32, copy: u32) -> Window {
        let index = u64::from(epoch) << 32 | u64::from(row);
        let [down, right, mirror, _] = philox.block(index, stream::AUGMENTATION, copy);
        // The padding is below a side of the image, and a side is far below 2³¹.
        let places = (2 * self.crop_padding + 1) as u32;
        let offset = |word| below(word, places) as isize - self.crop_padding as isize;
        Window {
            down: offset(down),
            right: offset(right),
            mirror: self.flip && below(mirror, 2) == 1,
        }
    }

    /// Cuts the hole out of a normalised image, where there is one.
    pub(crate) fn cut_out(
        &self,
        philox: &Philox,
        (epoch, row, copy): (u32, u32, u32),
        shape: ImageShape,
        image: &mut [f32],
    ) {
        if self.cutout == 0 {
            return;
        }
        let index = u64::from(epoch) << 32 | u64::from(row);
        let [y, x, ..] = philox.block(index, stream::CUTOUT, copy);
        // A side of an image is far below 2³².
        let span = |word, side: usize| {
            let begin = below(word, side as u32) as isize - (self.cutout / 2) as isize;
            let end = begin.saturating_add_unsigned(self.cutout).max(0) as usize;
            begin.max(0) as usize..end.min(side)
        };
        let (rows, columns) = (span(y, shape.height), span(x, shape.width));
        for plane in image.chunks_exact_mut(shape.height * shape.width) {
            for y in rows.clone() {
                plane[y * shape.width..][..shape.width][columns.clone()].fill(0.0);
            }
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
            ..Augmentation::REFERENCE
        };
        let philox = Philox::new(3);
        let mut seen = std::collections::HashMap::new();
        for row in 0..1800 {
            let Window {
                down,
                right,
                mirror,
            } = augmentation.draw(&philox, 5, row, 0);
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
        assert_eq!(still.draw(&Philox::new(1), 9, 9, 0), whole);
    }

    #[test]
    fn copies_of_an_image_have_windows_of_their_own() {
        let of = |copy| Augmentation::REFERENCE.draw(&Philox::new(2), 1, 5, copy);
        let seen: Vec<Window> = (0..8).map(of).collect();
        assert!(seen.iter().any(|window| *window != seen[0]));
        assert_eq!(of(3), seen[3]);
    }

    #[test]
    fn holes_are_squares_around_every_pixel_and_end_at_the_edge() {
        let shape = ImageShape {
            channels: 2,
            height: 4,
            width: 5,
        };
        let augmentation = Augmentation {
            cutout: 3,
            ..Augmentation::default()
        };
        let mut sizes = [0; 10];
        for row in 0..400 {
            let mut image = vec![1.0; 40];
            augmentation.cut_out(&Philox::new(1), (0, row, 0), shape, &mut image);
            let (first, second) = image.split_at(20);
            assert_eq!(first, second, "the channels have one hole");
            let holes = |line: Vec<f32>| line.iter().filter(|v| **v == 0.0).count();
            let tall = holes(
                (0..5)
                    .map(|x| (0..4).map(|y| first[y * 5 + x]).product())
                    .collect(),
            );
            let wide = holes(
                (0..4)
                    .map(|y| first[y * 5..][..5].iter().product())
                    .collect(),
            );
            assert_eq!(holes(first.to_vec()), tall * wide, "a rectangle");
            sizes[tall * wide] += 1;
        }
        // Of 20 centres 6 lie inside, 4 at a corner, 4 + 6 on an edge.
        let share = |size: usize| f64::from(sizes[size]) / 400.0;
        assert!(
            (share(9) - 0.3).abs() < 0.08 && (share(4) - 0.2).abs() < 0.08,
            "{sizes:?}"
        );
        assert!((share(6) - 0.5).abs() < 0.08, "{sizes:?}");
    }
}
