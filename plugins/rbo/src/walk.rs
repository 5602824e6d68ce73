//! The walk that makes one row.

use crate::potential::Potential;
use eos_plugin::Error;

/// Terms summed between two questions whether to stop, some tens of milliseconds.
const PATIENCE: usize = 1 << 22;

/// How a walk goes.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// By how much a coordinate changes.
    pub size: f32,
    /// Steps tried at most.
    pub most: u32,
    /// The chance, before each try, that the walk ends.
    pub stop: f64,
}

/// Walks from `base` with the random words of each try, `words(0)`, `words(1)`, …: word 0 says
/// whether to end, word 1 picks the coordinate, the lowest bit of word 2 the direction. A step is
/// taken where it lowers |φ|.
///
/// # Errors
/// Those of `check`, which is asked every now and then.
pub fn walk(
    potential: &Potential<'_>,
    base: &[f32],
    steps: &Steps,
    words: impl Fn(u32) -> [u32; 4],
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<f32>, Error> {
    let mut point = base.to_vec();
    let mut distances = potential.distances(base);
    let mut moved = distances.clone();
    let mut least = potential.of(&distances).abs();
    let mut spent = 0;
    for attempt in 0..steps.most {
        let [end, coordinate, direction, _] = words(attempt);
        if f64::from(end) < steps.stop * 2f64.powi(32) {
            break;
        }
        let j = ((u64::from(coordinate) * point.len() as u64) >> 32) as usize;
        let to = if direction & 1 == 0 {
            point[j] + steps.size
        } else {
            point[j] - steps.size
        };
        // Beyond the largest number there is nothing to step on.
        if to.is_finite() {
            potential.shift(&distances, j, point[j], to, &mut moved);
            let reached = potential.of(&moved).abs();
            if reached < least {
                (point[j], least) = (to, reached);
                std::mem::swap(&mut distances, &mut moved);
            }
        }
        spent += potential.terms();
        if spent > PATIENCE {
            spent = 0;
            check()?;
        }
    }
    Ok(point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potential::{Columns, Form, Norm, Radial};

    #[test]
    fn a_walk_goes_where_the_classes_balance_and_no_further() {
        // One row of each class: their potentials balance halfway.
        let columns = Columns::new(&[0.0, 1.0], 1);
        let radial = Radial::new(Norm::L2, Form::Divide, 0.8);
        let potential = Potential::new(&columns, &[0, 1], 0, radial);
        let go = |most, stop, direction| {
            let steps = Steps {
                size: 0.125,
                most,
                stop,
            };
            walk(
                &potential,
                &[0.0],
                &steps,
                |_| [0, 0, direction, 0],
                &mut || Ok(()),
            )
            .unwrap()[0]
        };
        assert_eq!(
            [1, 2, 4, 99].map(|most| go(most, 0.0, 0)),
            [0.125, 0.25, 0.5, 0.5]
        );
        // Away from the enemy its part falls faster than the class's own, and |φ| rises.
        assert_eq!(go(99, 0.0, 1), 0.0);
        assert_eq!((go(99, 1.0, 0), go(99, 1e-9, 0)), (0.0, 0.0));
    }

    #[test]
    fn a_step_beyond_the_largest_number_is_not_taken() {
        let columns = Columns::new(&[f32::MAX, 0.0], 1);
        let radial = Radial::new(Norm::L1, Form::Divide, 1e38);
        let potential = Potential::new(&columns, &[0, 1], 0, radial);
        let steps = Steps {
            size: 1e37,
            most: 50,
            stop: 0.0,
        };
        let end = walk(
            &potential,
            &[f32::MAX],
            &steps,
            |_| [9, 0, 0, 0],
            &mut || Ok(()),
        )
        .unwrap();
        assert_eq!(end, [f32::MAX]);
    }
}
