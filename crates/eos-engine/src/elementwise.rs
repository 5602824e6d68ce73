//! What runs between convolutions: each kernel reads an image once and writes it once.

use crate::layout::Layout;
use crate::norm::{GradientSums, Norm, NormGradient, SPAN};
use crate::simd::{Kernel, LANES, Lanes};

/// `target = [relu] (z * scale + shift [+ shortcut])`.
pub(crate) struct Activate<'a> {
    pub z: &'a [f32],
    pub z_layout: Layout,
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    /// What a residual block adds, with its layout.
    pub shortcut: Option<(&'a [f32], Layout)>,
    pub relu: bool,
    pub target: &'a mut [f32],
    pub target_layout: Layout,
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (layout, relu) = (self.z_layout, self.relu);
        for block in 0..layout.blocks() {
            let scale = L::from_slice(&self.scale[block * LANES..]);
            let shift = L::from_slice(&self.shift[block * LANES..]);
            for y in 0..layout.height {
                let z = row(self.z, layout, block, y);
                let target = row_mut(self.target, self.target_layout, block, y);
                match self.shortcut {
                    None => {
                        for (z, target) in pixels(z).zip(pixels_mut(target)) {
                            let sum = L::from_slice(z).mul_add(scale, shift);
                            put(if relu { sum.relu() } else { sum }, target);
                        }
                    }
                    Some((shortcut, layout)) => {
                        let shortcut = pixels(row(shortcut, layout, block, y));
                        for ((z, add), target) in pixels(z).zip(shortcut).zip(pixels_mut(target)) {
                            let sum = L::from_slice(z).mul_add(scale, shift);
                            let sum = sum.add(L::from_slice(add));
                            put(if relu { sum.relu() } else { sum }, target);
                        }
                    }
                }
            }
        }
    }
}

/// The gradient through a normalization, into a target with or without border:
/// `target = of_gradient * gradient + of_value * (z - centre) + constant`.
pub(crate) struct ThroughNorm<'a> {
    pub gradient: &'a [f32],
    pub z: &'a [f32],
    /// Of both.
    pub layout: Layout,
    pub norm: &'a Norm,
    pub coefficients: &'a NormGradient,
    pub target: &'a mut [f32],
    pub target_layout: Layout,
}

impl Kernel for ThroughNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let layout = self.layout;
        for block in 0..layout.blocks() {
            let of_gradient = L::from_slice(&self.coefficients.of_gradient[block * LANES..]);
            let of_value = L::from_slice(&self.coefficients.of_value[block * LANES..]);
            let constant = L::from_slice(&self.coefficients.constant[block * LANES..]);
            let centre = L::from_slice(&self.norm.centre[block * LANES..]);
            for y in 0..layout.height {
                let gradient = pixels(row(self.gradient, layout, block, y));
                let z = pixels(row(self.z, layout, block, y));
                let target = pixels_mut(row_mut(self.target, self.target_layout, block, y));
                for ((gradient, z), target) in gradient.zip(z).zip(target) {
                    let value = L::from_slice(z).sub(centre).mul_add(of_value, constant);
                    put(L::from_slice(gradient).mul_add(of_gradient, value), target);
                }
            }
        }
    }
}

/// The gradient through a ReLU, where there is one, in place, with the sums that the normalization
/// before it needs: `gradient = 0 where activation <= 0`, then Σ gradient and
/// Σ gradient · (z − centre).
pub(crate) struct MaskAndSum<'a> {
    pub gradient: &'a mut [f32],
    pub z: &'a [f32],
    /// Of both.
    pub layout: Layout,
    /// The ReLU's output, with its layout.
    pub activation: Option<(&'a [f32], Layout)>,
    pub norm: &'a Norm,
    pub sums: &'a mut GradientSums,
}

impl Kernel for MaskAndSum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let layout = self.layout;
        // Rows whose values are summed in f32 before the sum is taken into f64.
        let band = (SPAN / layout.width).max(1);
        for block in 0..layout.blocks() {
            let centre = L::from_slice(&self.norm.centre[block * LANES..]);
            let (mut sum, mut product) = (L::splat(0.0), L::splat(0.0));
            for y in 0..layout.height {
                if y > 0 && y % band == 0 {
                    self.sums.add(block, sum.to_array(), product.to_array());
                    (sum, product) = (L::splat(0.0), L::splat(0.0));
                }
                let gradient = row_mut(self.gradient, layout, block, y);
                let z = pixels(row(self.z, layout, block, y));
                if let Some((activation, layout)) = self.activation {
                    let activation = pixels(row(activation, layout, block, y));
                    for (gradient, activation) in pixels_mut(gradient).zip(activation) {
                        let mask = L::from_slice(activation);
                        put(L::from_slice(gradient).where_positive(mask), gradient);
                    }
                }
                for (gradient, z) in pixels(gradient).zip(z) {
                    let g = L::from_slice(gradient);
                    sum = sum.add(g);
                    product = L::from_slice(z).sub(centre).mul_add(g, product);
                }
            }
            self.sums.add(block, sum.to_array(), product.to_array());
        }
    }
}

/// The pixels of row `y` of a block, border excluded.
#[inline(always)]
fn row(image: &[f32], layout: Layout, block: usize, y: usize) -> &[f32] {
    &image[layout.at(block, y, 0)..][..layout.width * LANES]
}

#[inline(always)]
fn row_mut(image: &mut [f32], layout: Layout, block: usize, y: usize) -> &mut [f32] {
    &mut image[layout.at(block, y, 0)..][..layout.width * LANES]
}

#[inline(always)]
fn pixels(row: &[f32]) -> std::slice::ChunksExact<'_, f32> {
    row.chunks_exact(LANES)
}

#[inline(always)]
fn pixels_mut(row: &mut [f32]) -> std::slice::ChunksExactMut<'_, f32> {
    row.chunks_exact_mut(LANES)
}

/// Writes a block to the first sixteen floats of a slice.
#[inline(always)]
fn put<L: Lanes>(value: L, to: &mut [f32]) {
    assert!(to.len() >= LANES, "a block needs 16 floats");
    // SAFETY: the slice holds at least 16 floats.
    unsafe { value.store(to.as_mut_ptr()) }
}
