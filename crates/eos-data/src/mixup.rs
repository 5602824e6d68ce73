//! Mixup (Zhang et al. 2018): images of a batch mixed in pairs.

use eos_tensor::{PhiloxRng, stream};
use rand::seq::SliceRandom;
use std::f64::consts::TAU;

/// The other part of a batch whose images are `share` · (image of its label) + (1 − `share`) ·
/// (image of its other label).
#[derive(Debug, Clone, PartialEq)]
pub struct MixedWith {
    /// Other class indices, `[n]`.
    pub labels: Vec<u32>,
    /// In [0, 1]; one for the whole batch, as in the authors' code.
    pub share: f32,
}

/// Mixes `images` `[n, size]` in place, each with the image at its place in a random order; the share
/// is drawn from Beta(`alpha`, `alpha`).
pub(crate) fn mix(images: &mut [f32], labels: &[u32], alpha: f64, mut rng: PhiloxRng) -> MixedWith {
    let words = [rng.word(), rng.word(), rng.word()];
    let share = symmetric_beta(alpha, words) as f32;
    let mut partners: Vec<usize> = (0..labels.len()).collect();
    partners.shuffle(&mut rng);
    let size = images.len() / labels.len();
    let own = images.to_vec();
    for (image, partner) in images.chunks_exact_mut(size).zip(&partners) {
        for (value, other) in image.iter_mut().zip(&own[partner * size..][..size]) {
            *value = share * *value + (1.0 - share) * other;
        }
    }
    MixedWith {
        labels: partners
            .into_iter()
            .map(|partner| labels[partner])
            .collect(),
        share,
    }
}

/// The generator of batch `number` in `epoch`.
pub(crate) fn rng(seed: u64, epoch: u32, number: usize) -> PhiloxRng {
    // An epoch has fewer batches than images, fewer than 2³².
    PhiloxRng::new(seed, stream::MIXUP, u64::from(epoch) << 32 | number as u64)
}

/// λ ~ Beta(α, α) from three words, by Devroye's (1996) formula for any α > 0:
/// ½ ± ½ / √(1 + 1 / ((U^(−1/α) − 1) · cos² 2πV)).
fn symmetric_beta(alpha: f64, [u, v, sign]: [u32; 3]) -> f64 {
    let open_unit = |word: u32| (f64::from(word) + 0.5) / 4_294_967_296.0;
    let cosine = (TAU * open_unit(v)).cos();
    // U^(−1/α) − 1 without loss where it is small.
    let power = (-open_unit(u).ln() / alpha).exp_m1();
    let half = 0.5 / (1.0 + 1.0 / (power * cosine * cosine)).sqrt();
    if sign & 1 == 0 {
        0.5 + half
    } else {
        0.5 - half
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_moments_of_their_distribution() {
        for alpha in [0.2, 1.0, 8.0] {
            let draws: Vec<f64> = (0..40_000)
                .map(|i| {
                    let mut rng = rng(3, 1, i);
                    symmetric_beta(alpha, [rng.word(), rng.word(), rng.word()])
                })
                .collect();
            let mean = |power| {
                let sum: f64 = draws.iter().map(|x| (x - 0.5).powi(power)).sum();
                sum / draws.len() as f64
            };
            // Variance 1 / (4 (2α + 1)).
            let variance = 0.25 / (2.0 * alpha + 1.0);
            assert!(mean(1).abs() < 0.01, "α = {alpha}: {}", mean(1));
            assert!(
                (mean(2) / variance - 1.0).abs() < 0.03,
                "α = {alpha}: {}",
                mean(2)
            );
        }
    }

    #[test]
    fn images_and_labels_mix_with_the_same_partners() {
        // Image i is two pixels of value i, and so is its label.
        let labels: Vec<u32> = (0..16).collect();
        let mut images: Vec<f32> = (0..32).map(|i| (i / 2) as f32).collect();
        let mixed = mix(&mut images, &labels, 1.0, rng(0, 0, 0));
        assert!((0.0..=1.0).contains(&mixed.share));
        let mut partners = mixed.labels.clone();
        partners.sort_unstable();
        assert_eq!(partners, labels);
        assert_ne!(mixed.labels, labels);
        for (i, pair) in images.chunks_exact(2).enumerate() {
            let wanted = mixed.share * i as f32 + (1.0 - mixed.share) * mixed.labels[i] as f32;
            assert_eq!(pair, [wanted, wanted]);
        }
    }
}
