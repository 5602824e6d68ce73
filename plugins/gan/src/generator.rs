//! The player that makes rows.

use crate::draws::Draws;
use crate::game::Game;
use crate::network::{Matrix, Network, copied, fault, matrix};
use crate::units::Units;
use dfdx::prelude::{Cpu, NoneTape, Tape, TryAdd, TryMatMul, TryMul};
use eos_plugin::Error;
use std::ops::Range;

/// m_c + σ_c · g(z, c), in standardised values.
#[derive(Clone, Debug)]
pub struct Generator {
    device: Cpu,
    /// g: noise and a one-hot class, `[n, Z + C]`, to `[n, D]`.
    pub network: Network,
    /// m, `[C, D]`.
    means: Matrix,
    /// σ, `[C, D]`.
    deviations: Matrix,
    noise: usize,
    classes: usize,
}

impl Generator {
    /// With first weights that give the values of g a variance of about 1.
    pub fn new(game: &Game<'_>) -> Result<Self, Error> {
        let device = Cpu::default();
        let (noise, hidden) = (game.sizes.noise, game.sizes.hidden);
        let (classes, dims) = (game.data.classes(), game.data.dims());
        let draw = |layer, inputs: usize, width: usize, gain: f32| {
            let deviation = (gain / inputs as f32).sqrt();
            let normals = game.draws.weights(layer).take(inputs * width);
            normals.map(|z| deviation * z).collect::<Vec<_>>()
        };
        let mut first = draw(0, noise, hidden, 2.0);
        // As much to each unit as all the noise: the class decides which of them are awake.
        first.extend(game.draws.weights(1).take(classes * hidden));
        let (second, last) = (draw(2, hidden, hidden, 2.0), draw(3, hidden, dims, 1.0));
        let layers = [(first, hidden), (second, hidden), (last, dims)];
        let units = Units::new(game);
        Ok(Self {
            network: Network::new(&device, layers)?,
            means: matrix(&device, units.means, dims)?,
            deviations: matrix(&device, units.deviations, dims)?,
            device,
            noise,
            classes,
        })
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// Rows of the classes `labels`, row i of the noise `noise(i)`; `start` puts the input on a tape
    /// or leaves it.
    pub fn forward<T: Tape<f32, Cpu> + 'static, Z: Iterator<Item = f32>>(
        &self,
        labels: &[u32],
        noise: impl Fn(usize) -> Z,
        start: impl Fn(Matrix) -> Matrix<T>,
    ) -> Result<Matrix<T>, Error> {
        let mut input = Vec::with_capacity(labels.len() * (self.noise + self.classes));
        let mut chosen = Vec::with_capacity(labels.len() * self.classes);
        for (i, &label) in labels.iter().enumerate() {
            input.extend(noise(i).take(self.noise));
            let one_hot = (0..self.classes).map(|c| f32::from(u8::from(c == label as usize)));
            input.extend(one_hot.clone());
            chosen.extend(one_hot);
        }
        let input = matrix(&self.device, input, self.noise + self.classes)?;
        let chosen = matrix(&self.device, chosen, self.classes)?;
        let shape = self.network.forward(start(input))?;
        let place = || {
            let deviations = chosen.clone().try_matmul(self.deviations.clone())?;
            let means = chosen.try_matmul(self.means.clone())?;
            shape.try_mul(deviations)?.try_add(means)
        };
        place().map_err(fault)
    }

    /// Standardised rows `[n, D]`: the given samples of class `label`.
    ///
    /// # Errors
    /// A value that is no number.
    pub fn rows(
        &self,
        draws: &Draws<'_>,
        label: u32,
        samples: Range<u64>,
    ) -> Result<Vec<f32>, Error> {
        let noise = |i| draws.noise(label, samples.start + i as u64);
        let labels = vec![label; (samples.end - samples.start) as usize];
        let rows = copied(&self.forward::<NoneTape, _>(&labels, noise, |rows| rows)?);
        if rows.iter().any(|value| !value.is_finite()) {
            return Err(Error::failed(format_args!(
                "the trained generator makes rows of class {label} that are no numbers: lower \
                 learning-rate"
            )));
        }
        Ok(rows)
    }
}
