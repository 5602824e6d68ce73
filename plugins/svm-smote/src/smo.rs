//! A support vector machine of two classes, by sequential minimal optimization with a working set
//! of second order (Fan, Chen, Lin 2005, "Working set selection using second order information").
//!
//! It finds α with 0 ≤ αᵢ ≤ C and Σ yᵢαᵢ = 0 that minimizes ½ Σᵢⱼ yᵢyⱼ αᵢαⱼ K(i, j) − Σᵢ αᵢ. Each
//! step moves two of the α along the line that keeps the sum: αᵢ by yᵢt and αⱼ by −yⱼt.

use crate::cache::Cache;
use eos_plugin::Error;

/// The curvature used where two rows are the same to the kernel.
const TAU: f64 = 1e-12;
/// Elementary operations between two questions whether to stop, some tens of milliseconds.
const PATIENCE: u64 = 1 << 24;

/// The two-class problem.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// +1 or −1 for each row.
    pub signs: &'a [f64],
    /// C, the most that an α may be.
    pub cost: f64,
    /// By how much the conditions of optimality may be missed.
    pub tolerance: f64,
    /// Bytes for rows of the kernel matrix.
    pub cache: usize,
}

/// What the solver asks of its surroundings.
pub trait Machine {
    /// Values in a kernel row; at least the number of rows, what is beyond them is not read.
    fn width(&self) -> usize;
    /// Elementary operations that [`fill`](Self::fill) takes.
    fn effort(&self) -> u64;
    /// Writes the kernels of row `q` with every row.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and what else stops the computation.
    fn fill(&mut self, q: usize, out: &mut [f32]) -> Result<(), Error>;
    /// Asks whether to stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    fn check(&mut self) -> Result<(), Error>;
}

/// What the solver found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// α of each row; exactly 0 for a row that is no support vector.
    pub alpha: Vec<f64>,
    /// b of the decision Σ yᵢαᵢK(i, ·) + b.
    pub bias: f64,
    /// yᵢ − Σⱼ yⱼαⱼK(i, j) of each row, which is b for a row on the margin.
    pub violation: Vec<f64>,
    /// Whether the conditions of optimality hold within the tolerance.
    pub converged: bool,
}

/// Solves `problem`.
///
/// # Errors
/// Those of `machine`.
pub fn solve(problem: &Problem<'_>, machine: &mut dyn Machine) -> Result<Solution, Error> {
    let n = problem.signs.len();
    let mut state = State {
        problem,
        alpha: vec![0.0; n],
        violation: problem.signs.to_vec(),
        up: problem.signs.iter().map(|&sign| sign > 0.0).collect(),
        low: problem.signs.iter().map(|&sign| sign < 0.0).collect(),
    };
    let mut cache = Cache::new(n, machine.width(), problem.cache);
    let steps = (100 * n as u64).max(10_000_000);
    let (mut spent, mut filled) = (0, 0);
    let effort = machine.effort();
    for _ in 0..steps {
        let mut fill = |q: usize, out: &mut [f32]| {
            filled += effort;
            machine.fill(q, out)
        };
        let Some(i) = state.first() else { break };
        let row_i = cache.fetch(i, &mut fill)?;
        let Some(j) = state.second(i, cache.kernels(row_i)) else {
            break;
        };
        let row_j = cache.fetch(j, &mut fill)?;
        state.step(i, j, cache.kernels(row_i), cache.kernels(row_j));
        spent += 3 * n as u64;
        if spent + filled > PATIENCE {
            machine.check()?;
            (spent, filled) = (0, 0);
        }
    }
    Ok(state.finish())
}

struct State<'a> {
    problem: &'a Problem<'a>,
    alpha: Vec<f64>,
    violation: Vec<f64>,
    /// Whether yα may grow, and whether it may shrink.
    up: Vec<bool>,
    low: Vec<bool>,
}

impl State<'_> {
    /// The row that violates optimality most among those whose yα may grow; the last of equals.
    fn first(&self) -> Option<usize> {
        let (mut best, mut most) = (None, f64::NEG_INFINITY);
        for (t, (&up, &v)) in self.up.iter().zip(&self.violation).enumerate() {
            if up && v >= most {
                (best, most) = (Some(t), v);
            }
        }
        best
    }

    /// The row whose yα may shrink with which `i` lowers the objective most, b²/a; the last of
    /// equals. None where all conditions hold within the tolerance.
    fn second(&self, i: usize, kernels: &[f32]) -> Option<usize> {
        let top = self.violation[i];
        let (mut best, mut most, mut least) = (None, 0.0, f64::INFINITY);
        let rows = self.low.iter().zip(&self.violation).zip(kernels);
        for (t, ((&low, &v), &kernel)) in rows.enumerate() {
            if !low {
                continue;
            }
            least = v.min(least);
            let b = top - v;
            if b > 0.0 {
                let gain = b * b / curvature(kernel);
                if gain >= most {
                    (best, most) = (Some(t), gain);
                }
            }
        }
        best.filter(|_| top - least >= self.problem.tolerance)
    }

    /// Moves αᵢ and αⱼ to the best point on their line that their bounds allow.
    fn step(&mut self, i: usize, j: usize, kernels_i: &[f32], kernels_j: &[f32]) {
        let gradient = self.violation[i] - self.violation[j];
        let wanted = gradient / curvature(kernels_i[j]);
        let room = self.room(i, 1.0).min(self.room(j, -1.0));
        let t = wanted.min(room);
        self.shift(i, t);
        self.shift(j, -t);
        let rows = self.violation.iter_mut().zip(kernels_i).zip(kernels_j);
        for ((v, &ki), &kj) in rows {
            *v -= t * (f64::from(ki) - f64::from(kj));
        }
    }

    /// How far yα of a row may move in `direction`.
    fn room(&self, row: usize, direction: f64) -> f64 {
        if self.problem.signs[row] * direction > 0.0 {
            self.problem.cost - self.alpha[row]
        } else {
            self.alpha[row]
        }
    }

    /// Moves yα of a row by `t`; what reaches a bound is put there exactly.
    fn shift(&mut self, row: usize, t: f64) {
        let (sign, cost) = (self.problem.signs[row], self.problem.cost);
        let bound = self.room(row, t) == t.abs();
        let grows = sign * t > 0.0;
        self.alpha[row] = match (bound, grows) {
            (true, true) => cost,
            (true, false) => 0.0,
            (false, _) => (self.alpha[row] + sign * t).clamp(0.0, cost),
        };
        self.up[row] = self.room(row, 1.0) > 0.0;
        self.low[row] = self.room(row, -1.0) > 0.0;
    }

    /// b is the mean over the rows between the bounds, or else the middle of what the rows at
    /// the bounds allow.
    fn finish(self) -> Solution {
        let free = |t: &usize| self.up[*t] && self.low[*t];
        let free: Vec<f64> = (0..self.alpha.len())
            .filter(free)
            .map(|t| self.violation[t])
            .collect();
        let bound = |side: &[bool], pick: fn(f64, f64) -> f64, start| {
            let rows = side.iter().zip(&self.violation).filter(|(side, _)| **side);
            rows.fold(start, |so_far, (_, &v)| pick(so_far, v))
        };
        let most = bound(&self.up, f64::max, f64::NEG_INFINITY);
        let least = bound(&self.low, f64::min, f64::INFINITY);
        let bias = if free.is_empty() {
            (most + least) / 2.0
        } else {
            free.iter().sum::<f64>() / free.len() as f64
        };
        Solution {
            bias,
            converged: most - least < self.problem.tolerance,
            alpha: self.alpha,
            violation: self.violation,
        }
    }
}

/// K(i, i) + K(j, j) − 2K(i, j), where K(i, i) = 1.
fn curvature(kernel: f32) -> f64 {
    let a = 2.0 - 2.0 * f64::from(kernel);
    if a > 0.0 { a } else { TAU }
}
