//! Global average pooling: an image becomes one value a channel.

use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Lanes};

/// `out[c]` = the mean of channel `c`.
pub(crate) struct AveragePool<'a> {
    pub image: &'a [f32],
    pub layout: Layout,
    /// A multiple of sixteen channels.
    pub out: &'a mut [f32],
}

impl Kernel for AveragePool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let share = 1.0 / self.layout.pixels() as f32;
        for (block, out) in self.out.chunks_exact_mut(LANES).enumerate() {
            let mut sum = L::splat(0.0);
            for y in 0..self.layout.height {
                let row = &self.image[self.layout.at(block, y, 0)..][..self.layout.width * LANES];
                for pixel in row.chunks_exact(LANES) {
                    sum = sum.add(L::from_slice(pixel));
                }
            }
            out.copy_from_slice(&sum.to_array().map(|sum| sum * share));
        }
    }
}

/// The gradient of [`AveragePool`]: every pixel's share, into an image without border.
pub(crate) fn spread(of_mean: &[f32], layout: Layout, out: &mut [f32]) {
    let share = 1.0 / layout.pixels() as f32;
    for (block, plane) in out.chunks_exact_mut(layout.plane()).enumerate() {
        let mut values = [0.0; LANES];
        for (value, &mean) in values.iter_mut().zip(&of_mean[block * LANES..]) {
            *value = mean * share;
        }
        for pixel in plane.chunks_exact_mut(LANES) {
            pixel.copy_from_slice(&values);
        }
    }
}
