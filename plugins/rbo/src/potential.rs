//! The potential of a class, and how one step of one coordinate changes it.

use eos_plugin::choice;
use eos_plugin::math::exp;

/// Rows whose terms are summed side by side.
const LANES: usize = 8;

choice! {
    /// How rows lie apart.
    #[derive(PartialEq, Eq)]
    pub enum Norm {
        /// By the root of the squared differences.
        L2 = "l2",
        /// By the absolute differences.
        L1 = "l1",
    }
}

choice! {
    /// What γ does to a distance.
    #[derive(PartialEq, Eq)]
    pub enum Form {
        /// exp(−(d / γ)²), as the paper and the later of its authors' programs have it.
        Divide = "divide",
        /// exp(−(d · γ)²), as the first of them has it.
        Multiply = "multiply",
    }
}

/// The radial basis function.
#[derive(Clone, Copy, Debug)]
pub struct Radial {
    norm: Norm,
    /// What a distance is multiplied with, squared.
    squared: f64,
}

impl Radial {
    /// exp(−(d / γ)²) or exp(−(d · γ)²) of a distance d in `norm`.
    pub fn new(norm: Norm, form: Form, gamma: f64) -> Self {
        let factor = match form {
            Form::Divide => 1.0 / gamma,
            Form::Multiply => gamma,
        };
        Self {
            norm,
            squared: factor * factor,
        }
    }

    /// Its value at a distance, which is squared already in the norm L2.
    #[inline(always)]
    fn at(&self, distance: f64) -> f64 {
        match self.norm {
            Norm::L2 => exp(-distance * self.squared),
            Norm::L1 => exp(-distance * distance * self.squared),
        }
    }

    /// What a coordinate that lies `t` apart adds to a distance.
    #[inline(always)]
    fn part(&self, t: f64) -> f64 {
        match self.norm {
            Norm::L2 => t * t,
            Norm::L1 => t.abs(),
        }
    }
}

/// All rows, column by column `[D, N]`: a step of one coordinate reads one column.
#[derive(Clone, Debug)]
pub struct Columns {
    values: Vec<f32>,
    /// N, filled up with zeros to whole [`LANES`].
    padded: usize,
}

impl Columns {
    /// Of the rows `values`, `[N, D]` with D = `dims`.
    pub fn new(values: &[f32], dims: usize) -> Self {
        let rows = values.chunks_exact(dims);
        let padded = rows.len().next_multiple_of(LANES);
        let mut columns = vec![0.0; padded * dims];
        for (i, row) in rows.enumerate() {
            for (j, &value) in row.iter().enumerate() {
                columns[j * padded + i] = value;
            }
        }
        Self {
            values: columns,
            padded,
        }
    }

    fn column(&self, j: usize) -> &[f32] {
        &self.values[j * self.padded..][..self.padded]
    }

    /// Rows, with those that fill up.
    pub fn padded(&self) -> usize {
        self.padded
    }
}

/// φ(x) = Σ over rows of other classes − Σ over rows of the class, of the radial function of their
/// distances to x.
#[derive(Clone, Debug)]
pub struct Potential<'a> {
    columns: &'a Columns,
    /// 1 for a row of another class, −1 for one of the class, 0 for one that fills up.
    signs: Vec<f64>,
    radial: Radial,
}

/// Distances `[N]` of one point to all rows, squared in the norm L2.
pub type Distances = Vec<f64>;

impl<'a> Potential<'a> {
    /// Of class `class`, where the rows have the classes `labels`.
    pub fn new(columns: &'a Columns, labels: &[u32], class: u32, radial: Radial) -> Self {
        let sign = |&label: &u32| if label == class { -1.0 } else { 1.0 };
        let mut signs: Vec<f64> = labels.iter().map(sign).collect();
        signs.resize(columns.padded, 0.0);
        Self {
            columns,
            signs,
            radial,
        }
    }

    /// The rows that it sums over, with those that fill up.
    pub fn terms(&self) -> usize {
        self.signs.len()
    }

    /// Distances of `point`, `[D]`, to all rows.
    pub fn distances(&self, point: &[f32]) -> Distances {
        let mut distances = vec![0.0; self.columns.padded];
        widest(
            #[inline(always)]
            || self.add_up(point, &mut distances),
        );
        distances
    }

    #[inline(always)]
    fn add_up(&self, point: &[f32], distances: &mut [f64]) {
        for (j, &x) in point.iter().enumerate() {
            let x = f64::from(x);
            for (distance, &c) in distances.iter_mut().zip(self.columns.column(j)) {
                *distance += self.radial.part(x - f64::from(c));
            }
        }
    }

    /// φ of the point with these distances.
    pub fn of(&self, distances: &[f64]) -> f64 {
        widest(
            #[inline(always)]
            || self.sum(distances),
        )
    }

    #[inline(always)]
    fn sum(&self, distances: &[f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let rows = distances.as_chunks::<LANES>().0.iter();
        for (distances, signs) in rows.zip(self.signs.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                sums[lane] += signs[lane] * self.radial.at(distances[lane]);
            }
        }
        sums.iter().sum()
    }

    /// Takes the `distances` of a point to `moved`, those after its coordinate `j` went from one
    /// value to another.
    pub fn shift(&self, distances: &[f64], j: usize, from: f32, to: f32, moved: &mut [f64]) {
        widest(
            #[inline(always)]
            || self.change(distances, j, (f64::from(from), f64::from(to)), moved),
        );
    }

    #[inline(always)]
    fn change(&self, distances: &[f64], j: usize, (from, to): (f64, f64), moved: &mut [f64]) {
        let rows = distances.iter().zip(self.columns.column(j));
        for (moved, (distance, &c)) in moved.iter_mut().zip(rows) {
            let c = f64::from(c);
            let change = self.radial.part(to - c) - self.radial.part(from - c);
            // Rounding may leave less than nothing of a distance of zero.
            *moved = (distance + change).max(0.0);
        }
    }
}

/// Runs `work` compiled for the widest vectors of the processor. Its operations stay the same ones
/// in the same order, so its bits do too.
#[inline(always)]
fn widest<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_potential_is_the_plain_sum() {
        let columns = Columns::new(&[0.0, 0.0, 3.0, 4.0, 1.0, 0.0], 2);
        let potential = |norm, form| {
            let of = Potential::new(&columns, &[0, 1, 0], 0, Radial::new(norm, form, 2.0));
            of.of(&of.distances(&[0.0, 0.0]))
        };
        let e = f64::exp;
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(potential(Norm::L2, Form::Divide), e(-6.25) - 1.0 - e(-0.25));
        close(
            potential(Norm::L1, Form::Divide),
            e(-12.25) - 1.0 - e(-0.25),
        );
        close(
            potential(Norm::L2, Form::Multiply),
            e(-100.0) - 1.0 - e(-4.0),
        );
    }

    proptest! {
        #[test]
        fn a_shifted_point_has_the_distances_of_where_it_is(
            values in proptest::collection::vec(-9f32..9.0, 3..60), j in 0usize..3, to in -9f32..9.0,
        ) {
            let values = &values[..values.len() / 3 * 3];
            let columns = Columns::new(values, 3);
            let labels = vec![0; values.len() / 3];
            for norm in [Norm::L1, Norm::L2] {
                let radial = Radial::new(norm, Form::Divide, 1.0);
                let potential = Potential::new(&columns, &labels, 1, radial);
                let mut point = values[..3].to_vec();
                let before = potential.distances(&point);
                let mut moved = before.clone();
                potential.shift(&before, j, point[j], to, &mut moved);
                // The bits are those without wider vectors.
                let mut plain = before.clone();
                let step = (f64::from(point[j]), f64::from(to));
                potential.change(&before, j, step, &mut plain);
                prop_assert_eq!(&moved, &plain);
                prop_assert_eq!(potential.of(&moved), potential.sum(&moved));
                point[j] = to;
                for (moved, exact) in moved.iter().zip(potential.distances(&point)) {
                    prop_assert!((moved - exact).abs() < 1e-9);
                }
            }
        }
    }
}
