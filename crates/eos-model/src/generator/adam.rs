//! Adam (Kingma and Ba 2015), as PyTorch has it.

use rayon::prelude::*;

const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;
/// Values that one thread moves at a time.
const CHUNK: usize = 1 << 14;

/// Moments of every parameter of some lists of parameters.
#[derive(Debug, Default)]
pub(super) struct Adam {
    steps: i32,
    moments: Vec<[Vec<f32>; 2]>,
}

impl Adam {
    /// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
    /// p ← p − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε).
    pub fn step<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a mut Vec<f32>>,
        gradients: impl Iterator<Item = Vec<f32>>,
        rate: f64,
    ) {
        self.steps += 1;
        let [b1, b2] = BETAS;
        let rate = (rate / (1.0 - b1.powi(self.steps))) as f32;
        let unbias = (1.0 - b2.powi(self.steps)).sqrt() as f32;
        let (b1, b2) = (b1 as f32, b2 as f32);
        for (index, (parameter, gradient)) in parameters.zip(gradients).enumerate() {
            if index == self.moments.len() {
                let zeros = || vec![0.0; parameter.len()];
                self.moments.push([zeros(), zeros()]);
            }
            let [first, second] = &mut self.moments[index];
            let moments = first
                .par_chunks_mut(CHUNK)
                .zip(second.par_chunks_mut(CHUNK));
            let values = parameter.par_chunks_mut(CHUNK);
            let values = values.zip(gradient.par_chunks(CHUNK));
            values.zip(moments).for_each(|((p, g), (m, v))| {
                for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                    *m = b1 * *m + (1.0 - b1) * g;
                    *v = b2 * *v + (1.0 - b2) * g * g;
                    *p -= rate * *m / (v.sqrt() / unbias + EPSILON);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first step is the rate against the gradient's sign; a second along 1, then 3:
    /// m̂ = (0.9 · 0.1 + 0.3) / 0.19, v̂ = (0.999 · 0.001 + 0.009) / 0.001999.
    #[test]
    fn steps_are_those_of_its_definition() {
        let mut adam = Adam::default();
        let mut values = vec![vec![2.0, 2.0]];
        adam.step(values.iter_mut(), [vec![1.0, -5.0]].into_iter(), 0.1);
        for (got, wanted) in values[0].iter().zip([1.9, 2.1]) {
            assert!((got - wanted).abs() < 1e-6, "{got}");
        }
        adam.step(values.iter_mut(), [vec![3.0, 0.0]].into_iter(), 0.1);
        let moved = 0.1 * (0.39 / 0.19) / (0.009_999_f32 / 0.001_999).sqrt();
        assert!((values[0][0] - (1.9 - moved)).abs() < 1e-5, "{values:?}");
    }
}
