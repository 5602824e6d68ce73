//! The player that tells real rows from made ones.

use crate::adam::Adam;
use crate::game::Game;
use crate::network::{Matrix, Network, Recording, back, copied, matrix, recorded};
use dfdx::prelude::Cpu;
use eos_plugin::Error;

/// Weight of real rows' scores for other classes than theirs.
const MISMATCH: f32 = 0.5;
/// Largest singular value of each weight: with 1 the scores are too even to part modes that lie near each
/// other.
const LARGEST: f32 = 3.0;
/// Power iterations before the first step; afterwards one a step follows the weights.
const FIRST_ITERATIONS: usize = 10;

/// Scores rows for every class.
#[derive(Debug)]
pub struct Critic {
    device: Cpu,
    /// Standardised rows `[n, D]` to scores `[n, C]`.
    network: Network,
    adam: Adam,
    /// Of each layer, its right singular vector, as far as it is known.
    directions: Vec<Vec<f32>>,
    dims: usize,
    classes: usize,
}

impl Critic {
    /// With random weights.
    pub fn new(game: &Game<'_>) -> Result<Self, Error> {
        let (hidden, device) = (game.sizes.hidden, Cpu::default());
        let (classes, dims) = (game.data.classes(), game.data.dims());
        let layers = [(4, dims, hidden), (5, hidden, hidden), (6, hidden, classes)];
        let layers = layers.map(|(layer, inputs, width)| {
            let normals = game.draws.weights(layer).take(inputs * width);
            (normals.collect(), width)
        });
        let mut critic = Self {
            network: Network::new(&device, layers)?,
            adam: Adam::new(),
            directions: [hidden, hidden, classes]
                .map(|width| vec![1.0; width])
                .into(),
            device,
            dims,
            classes,
        };
        (0..FIRST_ITERATIONS).for_each(|_| critic.bound());
        Ok(critic)
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// Learns from real and made rows `[n, D]`, row i of both of class `labels[i]`, and gives the
    /// loss.
    pub fn learn(
        &mut self,
        labels: &[u32],
        real: &[f32],
        made: &[f32],
        learning_rate: f64,
    ) -> Result<f64, Error> {
        let seen = matrix(&self.device, [real, made].concat(), self.dims)?;
        let scores = self.network.forward(recorded(seen))?;
        let (loss, by_scores) = self.hinges(&copied(&scores), labels);
        let gradients = back(scores, by_scores)?;
        self.adam
            .step(&mut self.network, gradients, learning_rate)?;
        self.bound();
        Ok(loss)
    }

    /// The loss of the scores `[2 n, C]`, those of real rows first, and its gradient by them.
    fn hinges(&self, scores: &[f32], labels: &[u32]) -> (f64, Vec<f32>) {
        let (n, classes) = (labels.len(), self.classes);
        let weight = 1.0 / n as f32;
        let others = MISMATCH * weight / (classes - 1).max(1) as f32;
        let (mut loss, mut gradient) = (0.0, vec![0.0; scores.len()]);
        let mut hinge = |at: usize, sign: f32, weight: f32| {
            let short = 1.0 - sign * scores[at];
            // A score that is no number counts, so that the loss shows it.
            if short > 0.0 || short.is_nan() {
                loss += f64::from(weight * short);
                gradient[at] = -sign * weight;
            }
        };
        for (i, &label) in labels.iter().enumerate() {
            let (real, made) = (i * classes, (n + i) * classes);
            for class in 0..classes {
                match class == label as usize {
                    true => hinge(real + class, 1.0, weight),
                    false => hinge(real + class, -1.0, others),
                }
            }
            hinge(made + label as usize, -1.0, weight);
        }
        (loss, gradient)
    }

    /// The generator's side: `rows`, row i of class `labels[i]`, on the tape that made them, scored,
    /// and the gradient by the scores of what the generator minimises, −mean s_c.
    pub fn judge(
        &self,
        rows: Matrix<Recording>,
        labels: &[u32],
    ) -> Result<(Matrix<Recording>, Vec<f32>), Error> {
        let scores = self.network.forward(rows)?;
        let mut gradient = vec![0.0; labels.len() * self.classes];
        for (row, label) in gradient.chunks_exact_mut(self.classes).zip(labels) {
            row[*label as usize] = -1.0 / labels.len() as f32;
        }
        Ok((scores, gradient))
    }

    /// Scales each weight so that its largest singular value, which a power iteration follows, is
    /// [`LARGEST`].
    fn bound(&mut self) {
        for (layer, right) in self.network.0.iter_mut().zip(&mut self.directions) {
            let mut weight = copied(&layer.weight);
            let inputs = weight.chunks_exact(right.len());
            let mut left: Vec<f32> = inputs.clone().map(|row| dot(row, right)).collect();
            unit(&mut left);
            right.fill(0.0);
            for (row, left) in inputs.zip(&left) {
                let sums = right.iter_mut().zip(row);
                sums.for_each(|(sum, weight)| *sum += left * weight);
            }
            let largest = unit(right);
            if largest > 0.0 {
                weight
                    .iter_mut()
                    .for_each(|weight| *weight *= LARGEST / largest);
                layer.weight.copy_from(&weight);
            }
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Makes a vector one of length 1, and gives the length that it had.
fn unit(vector: &mut [f32]) -> f32 {
    let norm = dot(vector, vector).sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    norm
}
