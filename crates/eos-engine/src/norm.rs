//! Batch normalization: statistics of a batch, the scale and shift they give, and the gradient.

use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Lanes};

/// Added to a variance before its root is taken (PyTorch's default).
const EPSILON: f64 = 1e-5;

/// Mean and sum of squared deviations by channel, over some values.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    pub(crate) fn none(channels: usize) -> Moments {
        Moments {
            count: 0.0,
            mean: vec![0.0; channels],
            squares: vec![0.0; channels],
        }
    }

    /// Takes in `count` further values of channel `channel` (Chan, Golub and LeVeque 1979). No
    /// squares of uncentred values are ever summed, so a large mean costs no digits.
    fn merge_channel(&mut self, channel: usize, count: f64, mean: f64, squares: f64) {
        let all = self.count + count;
        let delta = mean - self.mean[channel];
        self.mean[channel] += delta * (count / all);
        self.squares[channel] += squares + delta * delta * (self.count * count / all);
    }

    /// Takes in the moments of further values.
    pub(crate) fn merge(&mut self, other: &Moments) {
        for channel in 0..self.mean.len() {
            let (mean, squares) = (other.mean[channel], other.squares[channel]);
            self.merge_channel(channel, other.count, mean, squares);
        }
        self.count += other.count;
    }
}

/// Takes an image's values into [`Moments`]. Two passes over it: the mean, then the deviations.
pub(crate) struct AddMoments<'a> {
    pub image: &'a [f32],
    /// Without border.
    pub layout: Layout,
    pub moments: &'a mut Moments,
}

impl Kernel for AddMoments<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (layout, count) = (self.layout, self.layout.pixels() as f64);
        assert_eq!(layout.border, 0, "statistics run over the image alone");
        assert_eq!(self.image.len(), layout.len(), "image as its layout");
        for (block, plane) in self.image.chunks_exact(layout.plane()).enumerate() {
            let centre = sum::<L>(plane).map(|sum| (sum / count) as f32);
            let (deviation, squares) = deviations::<L>(plane, L::from_slice(&centre));
            for lane in 0..layout.lanes(block) {
                // The rounded mean's own error shows as a mean deviation, and is taken out.
                let off = deviation[lane] / count;
                let mean = f64::from(centre[lane]) + off;
                let squares = squares[lane] - off * off * count;
                self.moments
                    .merge_channel(block * LANES + lane, count, mean, squares.max(0.0));
            }
        }
        self.moments.count += count;
    }
}

/// Running sums side by side, to hide the latency of an addition.
const CHAINS: usize = 4;
/// Pixels that are summed in f32 before the sum is taken into f64: short sums lose fewer digits.
pub(crate) const SPAN: usize = 256;

/// The sum of a plane by lane.
#[inline(always)]
fn sum<L: Lanes>(plane: &[f32]) -> [f64; LANES] {
    let mut total = [0.0; LANES];
    for span in plane.chunks(SPAN * LANES) {
        let mut sums = [L::splat(0.0); CHAINS];
        let mut groups = span.chunks_exact(CHAINS * LANES);
        for group in &mut groups {
            for (chain, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add(L::from_slice(&group[chain * LANES..]));
            }
        }
        for pixel in groups.remainder().chunks_exact(LANES) {
            sums[0] = sums[0].add(L::from_slice(pixel));
        }
        add_lanes(&mut total, join(sums));
    }
    total
}

/// The sums of deviations from `centre` and of their squares, by lane.
#[inline(always)]
fn deviations<L: Lanes>(plane: &[f32], centre: L) -> ([f64; LANES], [f64; LANES]) {
    let (mut total, mut total_squares) = ([0.0; LANES], [0.0; LANES]);
    for span in plane.chunks(SPAN * LANES) {
        let (mut sums, mut squares) = ([L::splat(0.0); CHAINS], [L::splat(0.0); CHAINS]);
        let mut groups = span.chunks_exact(CHAINS * LANES);
        for group in &mut groups {
            for chain in 0..CHAINS {
                let deviation = L::from_slice(&group[chain * LANES..]).sub(centre);
                sums[chain] = sums[chain].add(deviation);
                squares[chain] = deviation.mul_add(deviation, squares[chain]);
            }
        }
        for pixel in groups.remainder().chunks_exact(LANES) {
            let deviation = L::from_slice(pixel).sub(centre);
            sums[0] = sums[0].add(deviation);
            squares[0] = deviation.mul_add(deviation, squares[0]);
        }
        add_lanes(&mut total, join(sums));
        add_lanes(&mut total_squares, join(squares));
    }
    (total, total_squares)
}

#[inline(always)]
fn add_lanes<L: Lanes>(total: &mut [f64; LANES], sum: L) {
    for (total, sum) in total.iter_mut().zip(sum.to_array()) {
        *total += f64::from(sum);
    }
}

/// Joins sums that ran side by side.
#[inline(always)]
fn join<L: Lanes>(sums: [L; CHAINS]) -> L {
    sums[0].add(sums[1]).add(sums[2].add(sums[3]))
}

/// A layer's normalization over one batch.
pub(crate) struct Norm {
    count: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// `1 / sqrt(variance + EPSILON)`.
    inverse: Vec<f64>,
    /// The mean as kernels subtract it; this and the next two have one value a lane, zero where a
    /// lane has no channel.
    pub centre: Vec<f32>,
    /// `gamma * inverse`: normalized values are `z * scale + shift`.
    pub scale: Vec<f32>,
    /// `beta - mean * scale`.
    pub shift: Vec<f32>,
}

impl Norm {
    pub(crate) fn new(moments: &Moments, gamma: &[f32], beta: &[f32]) -> Norm {
        let variance: Vec<f64> = moments.squares.iter().map(|s| s / moments.count).collect();
        let inverse: Vec<f64> = variance
            .iter()
            .map(|v| 1.0 / (v + EPSILON).sqrt())
            .collect();
        let mean = moments.mean.clone();
        let scale = |c: usize| f64::from(gamma[c]) * inverse[c];
        let channels = 0..mean.len();
        Norm {
            centre: lanes(mean.iter().map(|&m| m as f32)),
            scale: lanes(channels.clone().map(|c| scale(c) as f32)),
            shift: lanes(channels.map(|c| (f64::from(beta[c]) - mean[c] * scale(c)) as f32)),
            count: moments.count,
            mean,
            variance,
            inverse,
        }
    }

    pub(crate) fn mean(&self) -> Vec<f32> {
        self.mean.iter().map(|&m| m as f32).collect()
    }

    /// The variance with count − 1 in the denominator.
    pub(crate) fn unbiased_variance(&self) -> Vec<f32> {
        let correction = self.count / (self.count - 1.0);
        self.variance
            .iter()
            .map(|&v| (v * correction) as f32)
            .collect()
    }

    /// The gradient through the normalization, from the sums over its output's gradient.
    ///
    /// With x̂ = (z − mean) · inverse and m values a channel:
    /// dβ = Σ g, dγ = Σ g · x̂, dz = γ · inverse · (g − dβ / m − x̂ · dγ / m).
    pub(crate) fn gradient(&self, gamma: &[f32], sums: &GradientSums) -> NormGradient {
        let mut out = NormGradient::zeros(gamma.len());
        for (c, &factor) in gamma.iter().enumerate() {
            // What the rounding of `centre` left in the product is taken out here.
            let off = f64::from(self.centre[c]) - self.mean[c];
            let product = sums.product[c] + off * sums.gradient[c];
            let gamma_gradient = product * self.inverse[c];
            let of_gradient = f64::from(factor) * self.inverse[c];
            let of_value = -of_gradient * self.inverse[c] * gamma_gradient / self.count;
            let constant = -of_gradient * sums.gradient[c] / self.count + of_value * off;
            out.gamma[c] = gamma_gradient as f32;
            out.beta[c] = sums.gradient[c] as f32;
            out.of_gradient[c] = of_gradient as f32;
            out.of_value[c] = of_value as f32;
            out.constant[c] = constant as f32;
        }
        out
    }
}

/// A normalization with running statistics, by channel: gamma / sqrt(variance + EPSILON), and
/// beta − mean · that.
pub(crate) fn running_scale(
    gamma: &[f32],
    beta: &[f32],
    mean: &[f32],
    variance: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let channels = 0..gamma.len();
    let scale = |c: usize| f64::from(gamma[c]) / (f64::from(variance[c]) + EPSILON).sqrt();
    let shift = |c: usize| f64::from(beta[c]) - f64::from(mean[c]) * scale(c);
    (
        lanes(channels.clone().map(|c| scale(c) as f32)),
        lanes(channels.map(|c| shift(c) as f32)),
    )
}

/// One value a lane: those of the channels, and zeros to a multiple of sixteen.
pub(crate) fn lanes(of_channels: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = of_channels.collect();
    values.resize(values.len().next_multiple_of(LANES), 0.0);
    values
}

/// Sums by channel that the gradient through a normalization needs: Σ g and Σ g · (z − centre).
#[derive(Debug, Clone)]
pub(crate) struct GradientSums {
    pub gradient: Vec<f64>,
    pub product: Vec<f64>,
}

impl GradientSums {
    pub(crate) fn zeros(channels: usize) -> GradientSums {
        GradientSums {
            gradient: vec![0.0; channels],
            product: vec![0.0; channels],
        }
    }

    pub(crate) fn merge(&mut self, other: &GradientSums) {
        for (sum, other) in self.gradient.iter_mut().zip(&other.gradient) {
            *sum += other;
        }
        for (sum, other) in self.product.iter_mut().zip(&other.product) {
            *sum += other;
        }
    }

    /// Adds the sums of one block by lane.
    pub(crate) fn add(&mut self, block: usize, gradient: [f32; LANES], product: [f32; LANES]) {
        let channels = block * LANES..self.gradient.len().min((block + 1) * LANES);
        for (lane, c) in channels.enumerate() {
            self.gradient[c] += f64::from(gradient[lane]);
            self.product[c] += f64::from(product[lane]);
        }
    }
}

/// A normalization's gradient: dγ, dβ, and the coefficients, one a lane, of
/// `dz = of_gradient * g + of_value * (z - centre) + constant`.
pub(crate) struct NormGradient {
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub of_gradient: Vec<f32>,
    pub of_value: Vec<f32>,
    pub constant: Vec<f32>,
}

impl NormGradient {
    fn zeros(channels: usize) -> NormGradient {
        let lanes = channels.next_multiple_of(LANES);
        NormGradient {
            gamma: vec![0.0; channels],
            beta: vec![0.0; channels],
            of_gradient: vec![0.0; lanes],
            of_value: vec![0.0; lanes],
            constant: vec![0.0; lanes],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Simd, SimdPath};

    /// Values far from zero, where E[x²] − m² in f32 would have no digits left.
    #[test]
    fn moments_of_a_large_mean_keep_their_digits() {
        moments_keep_their_digits(Layout::plain(16, 5, 7));
    }

    /// More pixels than a span, and a last span that is not full.
    #[test]
    fn moments_of_a_large_image_keep_their_digits() {
        moments_keep_their_digits(Layout::plain(16, 61, 67));
    }

    fn moments_keep_their_digits(layout: Layout) {
        let value = |i: usize| 3000.0 + ((i * 7919) % 101) as f32 / 100.0;
        let images: Vec<f32> = (0..3 * layout.len()).map(value).collect();
        for path in SimdPath::available() {
            let simd = Simd::new(path).unwrap();
            let mut moments = Moments::none(16);
            for image in images.chunks_exact(layout.len()) {
                simd.run(AddMoments {
                    image,
                    layout,
                    moments: &mut moments,
                });
            }
            let norm = Norm::new(&moments, &[1.0; 16], &[0.0; 16]);
            let count = (3 * layout.pixels()) as f64;
            for c in 0..16 {
                let values = || images.iter().skip(c).step_by(16).map(|&v| f64::from(v));
                let mean = values().sum::<f64>() / count;
                let squares = values().map(|v| (v - mean) * (v - mean)).sum::<f64>();
                let variance = squares / (count - 1.0);
                assert!((norm.mean[c] - mean).abs() < 1e-6, "{path} mean {c}");
                let got = f64::from(norm.unbiased_variance()[c]);
                assert!(
                    (got - variance).abs() < 1e-5 * variance,
                    "{path}: {got} {variance}"
                );
            }
        }
    }
}
