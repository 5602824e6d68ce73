//! How an image lies in memory: blocks of sixteen channels, with or without a border of zeros.

use crate::simd::LANES;

/// The geometry of one image, `[blocks, height + 2 * border, width + 2 * border, 16]`.
///
/// Channel `c` is lane `c % 16` of block `c / 16`; lanes past the last channel are zero. A border
/// of one pixel of zeros is the padding of a 3 × 3 convolution, which then needs no edge cases.
/// Coordinates count from the first pixel inside the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub border: usize,
}

impl Layout {
    pub(crate) fn plain(channels: usize, height: usize, width: usize) -> Layout {
        Layout {
            channels,
            height,
            width,
            border: 0,
        }
    }

    /// The same image with a border of one pixel.
    pub(crate) fn bordered(self) -> Layout {
        Layout { border: 1, ..self }
    }

    /// The same image without border.
    pub(crate) fn without_border(self) -> Layout {
        Layout { border: 0, ..self }
    }

    /// Blocks of sixteen channels.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Channels that block `block` holds: sixteen but for the last.
    #[inline(always)]
    pub(crate) fn lanes(&self, block: usize) -> usize {
        (self.channels - block * LANES).min(LANES)
    }

    /// Floats from a pixel to the one below it.
    #[inline(always)]
    pub(crate) fn row(&self) -> usize {
        (self.width + 2 * self.border) * LANES
    }

    /// Floats of one block.
    #[inline(always)]
    pub(crate) fn plane(&self) -> usize {
        (self.height + 2 * self.border) * self.row()
    }

    /// Floats of the image.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.blocks() * self.plane()
    }

    /// Pixels inside the border.
    pub(crate) fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Where pixel (y, x) of a block begins.
    #[inline(always)]
    pub(crate) fn at(&self, block: usize, y: usize, x: usize) -> usize {
        block * self.plane() + (y + self.border) * self.row() + (x + self.border) * LANES
    }

    /// Copies an image `[C, H, W]` into this layout.
    pub(crate) fn pack(&self, image: &[f32], out: &mut [f32]) {
        for (c, plane) in image.chunks_exact(self.pixels()).enumerate() {
            for (y, row) in plane.chunks_exact(self.width).enumerate() {
                let start = self.at(c / LANES, y, 0) + c % LANES;
                for (to, &from) in out[start..].iter_mut().step_by(LANES).zip(row) {
                    *to = from;
                }
            }
        }
    }

    /// Copies an image without border into this layout.
    pub(crate) fn enclose(&self, image: &[f32], out: &mut [f32]) {
        let row = self.width * LANES;
        for (block, plane) in image.chunks_exact(self.height * row).enumerate() {
            for (y, pixels) in plane.chunks_exact(row).enumerate() {
                out[self.at(block, y, 0)..][..row].copy_from_slice(pixels);
            }
        }
    }

    /// Copies an image in this layout back to `[C, H, W]`.
    pub(crate) fn unpack(&self, image: &[f32], out: &mut [f32]) {
        for (c, plane) in out.chunks_exact_mut(self.pixels()).enumerate() {
            for (y, row) in plane.chunks_exact_mut(self.width).enumerate() {
                let start = self.at(c / LANES, y, 0) + c % LANES;
                for (to, &from) in row.iter_mut().zip(image[start..].iter().step_by(LANES)) {
                    *to = from;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_there_and_back_returns_the_image() {
        let layout = Layout::plain(19, 3, 5).bordered();
        let image: Vec<f32> = (1..=19 * 15).map(|i| i as f32).collect();
        let mut packed = vec![0.0; layout.len()];
        layout.pack(&image, &mut packed);
        // Channel 17 is lane 1 of block 1; pixel (2, 4) is the image's last.
        assert_eq!(packed[layout.at(1, 2, 4) + 1], (17 * 15 + 15) as f32);
        assert_eq!(
            packed.iter().filter(|&&v| v != 0.0).count(),
            image.len(),
            "border is zero"
        );
        let plain = layout.without_border();
        let (mut inner, mut enclosed) = (vec![0.0; plain.len()], vec![0.0; layout.len()]);
        plain.pack(&image, &mut inner);
        layout.enclose(&inner, &mut enclosed);
        assert_eq!(enclosed, packed);
        let mut back = vec![0.0; image.len()];
        layout.unpack(&packed, &mut back);
        assert_eq!(back, image);
    }
}
