//! One machine on one thread, and its decisions by the plain formula.
#![allow(dead_code)]

use crate::common::Set;
use eos_plugin::Error;
use eos_plugin_svm_smote::{Kernel, LANES, Machine, Problem, Scale, Solution, solve};

/// A fitted machine.
pub struct Fit {
    /// Rows of the first class, then of the second.
    pub rows: Vec<u32>,
    pub signs: Vec<f64>,
    pub solution: Solution,
    /// Kernel rows computed.
    pub filled: usize,
}

struct Plain {
    kernel: Kernel,
    filled: usize,
}

impl Machine for Plain {
    fn width(&self) -> usize {
        self.kernel.panels() * LANES
    }

    fn effort(&self) -> u64 {
        1
    }

    fn fill(&mut self, q: usize, out: &mut [f32]) -> Result<(), Error> {
        self.filled += 1;
        self.kernel.fill(q, 0..self.kernel.panels(), out);
        Ok(())
    }

    fn check(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Fit {
    pub fn new(set: &Set, (a, b): (u32, u32), gamma: f64, cost: f64, tolerance: f64) -> Self {
        Self::within(set, (a, b), gamma, cost, tolerance, usize::MAX)
    }

    /// With so many bytes for kernel rows.
    pub fn within(
        set: &Set,
        (a, b): (u32, u32),
        gamma: f64,
        cost: f64,
        tolerance: f64,
        cache: usize,
    ) -> Self {
        let rows = [set.members(a), set.members(b)].concat();
        let sign = |row: &u32| {
            if set.labels[*row as usize] == a {
                1.0
            } else {
                -1.0
            }
        };
        let signs: Vec<f64> = rows.iter().map(sign).collect();
        let scale = Scale::new(&set.rows, set.dims, gamma);
        let mut machine = Plain {
            kernel: Kernel::new(&set.rows, set.dims, &scale, &rows),
            filled: 0,
        };
        let problem = Problem {
            signs: &signs,
            cost,
            tolerance,
            cache,
        };
        let solution = solve(&problem, &mut machine).unwrap();
        Self {
            rows,
            signs,
            solution,
            filled: machine.filled,
        }
    }

    pub fn support(&self) -> Vec<u32> {
        let rows = self.rows.iter().zip(&self.solution.alpha);
        rows.filter(|(_, alpha)| **alpha > 0.0)
            .map(|(row, _)| *row)
            .collect()
    }

    /// Σⱼ yⱼαⱼK(row, j) + b, by the definition.
    pub fn decision(&self, set: &Set, gamma: f64, row: u32) -> f64 {
        let (view, weights) = (set.view(), self.signs.iter().zip(&self.solution.alpha));
        let sum: f64 = self
            .rows
            .iter()
            .zip(weights)
            .map(|(&other, (sign, alpha))| {
                let pairs = view.row(row as usize).iter().zip(view.row(other as usize));
                let squared: f64 = pairs
                    .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                    .sum();
                sign * alpha * (-gamma * squared).exp()
            })
            .sum();
        sum + self.solution.bias
    }
}
