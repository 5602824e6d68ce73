//! Learning rates over the epochs.

use crate::ModelError;
use crate::kinded::{kinded, no_fields};
use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate moves between the first step and the last. In a configuration a name
/// (`"cosine"`), or a table (`{ kind = "cosine", warmup-epochs = 5 }`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields,
    remote = "Self"
)]
#[non_exhaustive]
pub enum Schedule {
    /// The steps of the reference scripts, by whole epochs: a fifth of the peak in epoch 1, two
    /// fifths in epoch 2 … the peak from epoch 5, a hundredth of it from epoch 161, a
    /// ten-thousandth from epoch 181. The numbers are absolute, whatever the number of epochs:
    /// a head trained for 10 epochs sees the warm-up and then the peak, as in the reference.
    #[default]
    #[serde(deserialize_with = "no_fields")]
    Reference,
    /// From a hundredth of the peak linearly up over `warmup_epochs`, then half a cosine down to 0.
    Cosine {
        /// Epochs until the peak, possibly fractional; at most all epochs are used.
        #[serde(default)]
        warmup_epochs: f64,
    },
    /// From a hundredth of the peak linearly up over `warmup_epochs`, then the peak times `factor` for
    /// each epoch of `at` that is done, as PyTorch's `MultiStepLR` has it.
    Steps {
        /// Epochs after which the rate falls, in rising order.
        at: Vec<usize>,
        /// What it falls to each time, as a share.
        #[serde(default = "tenth")]
        factor: f64,
        /// Epochs until the peak, possibly fractional.
        #[serde(default)]
        warmup_epochs: f64,
    },
    /// One cycle (Smith 2018) as PyTorch's `OneCycleLR` has it by default: from peak / 25 along a
    /// half cosine up to the peak at 30 % of training, then down to peak / 250 000.
    #[serde(deserialize_with = "no_fields")]
    OneCycle,
    /// The peak throughout.
    #[serde(deserialize_with = "no_fields")]
    Constant,
}

kinded!(Schedule);

fn tenth() -> f64 {
    0.1
}

impl Schedule {
    /// The learning rate of a step that starts when `position` epochs are done (0 for the very
    /// first step, 1.5 in the middle of the second epoch) of `epochs` in all.
    ///
    /// ```
    /// use eos_model::Schedule;
    /// assert_eq!(Schedule::Reference.learning_rate(0.5, 0.0, 200), 0.1);
    /// assert_eq!(Schedule::Constant.learning_rate(0.5, 0.0, 200), 0.5);
    /// ```
    pub fn learning_rate(&self, peak: f64, position: f64, epochs: usize) -> f64 {
        let epochs = (epochs as f64).max(f64::MIN_POSITIVE);
        let position = position.clamp(0.0, epochs);
        match self {
            Self::Reference => peak * reference_factor(position),
            Self::Steps {
                at,
                factor,
                warmup_epochs,
            } => {
                let done = at.iter().filter(|epoch| **epoch as f64 <= position);
                let fallen = peak * factor.powi(done.count() as i32);
                warm_up(fallen, position, warmup_epochs.clamp(0.0, epochs))
            }
            Self::Cosine { warmup_epochs } => {
                let warmup = warmup_epochs.clamp(0.0, epochs);
                if position < warmup {
                    warm_up(peak, position, warmup)
                } else {
                    // Without an epoch after the warm-up there is nothing to come down over.
                    let rest = (epochs - warmup).max(f64::MIN_POSITIVE);
                    half_cosine(peak, 0.0, (position - warmup) / rest)
                }
            }
            Self::OneCycle => {
                let share = position / epochs;
                let (low, lowest) = (peak / 25.0, peak / 25.0 / 1e4);
                if share < 0.3 {
                    half_cosine(low, peak, share / 0.3)
                } else {
                    half_cosine(peak, lowest, (share - 0.3) / 0.7)
                }
            }
            Self::Constant => peak,
        }
    }

    /// Refuses numbers that no training of `epochs` epochs can use.
    ///
    /// # Errors
    /// [`ModelError::Option`], [`ModelError::Steps`].
    pub fn check(&self, epochs: usize) -> Result<(), ModelError> {
        let (at, factor, warmup) = match self {
            Self::Steps {
                at,
                factor,
                warmup_epochs,
            } => (at.as_slice(), *factor, *warmup_epochs),
            Self::Cosine { warmup_epochs } => (&[][..], 1.0, *warmup_epochs),
            _ => return Ok(()),
        };
        let refuse = |field, got, wanted| Err(ModelError::Option { field, got, wanted });
        if !(warmup >= 0.0 && warmup.is_finite()) {
            return refuse("warmup-epochs", warmup, "a number of 0 or more");
        }
        if !(factor > 0.0 && factor <= 1.0) {
            return refuse(
                "factor",
                factor,
                "a number above 0 and up to 1, such as 0.1",
            );
        }
        let rising = at.windows(2).all(|pair| pair[0] < pair[1]);
        match at.last() {
            Some(last) if !rising || at[0] == 0 || *last >= epochs => Err(ModelError::Steps {
                got: at.to_vec(),
                epochs,
            }),
            _ => Ok(()),
        }
    }
}

/// From a hundredth of the peak linearly up to it over `warmup` epochs.
fn warm_up(peak: f64, position: f64, warmup: f64) -> f64 {
    if position < warmup {
        peak * (0.01 + 0.99 * position / warmup)
    } else {
        peak
    }
}

/// The reference's factor in the epoch that contains `position`.
fn reference_factor(position: f64) -> f64 {
    let epoch = position.floor() + 1.0;
    if epoch <= 5.0 {
        epoch / 5.0
    } else if epoch <= 160.0 {
        1.0
    } else if epoch <= 180.0 {
        1e-2
    } else {
        1e-4
    }
}

/// From `from` at share 0 to `to` at share 1 along half a cosine.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    /// The learning rates at the given positions are the wanted ones, to twelve digits.
    fn check(schedule: Schedule, epochs: usize, expect: &[(f64, f64)]) {
        for &(position, wanted) in expect {
            let got = schedule.learning_rate(0.1, position, epochs);
            assert!(
                (got - wanted).abs() <= 1e-12,
                "{schedule:?} at {position} of {epochs}: {got}, wanted {wanted}"
            );
        }
    }

    #[test]
    fn the_reference_warms_up_and_steps_down() {
        let warmup = [
            (0.0, 0.02),
            (1.0, 0.04),
            (2.0, 0.06),
            (3.0, 0.08),
            (4.0, 0.1),
        ];
        check(Schedule::Reference, 200, &warmup);
        check(Schedule::Reference, 10, &warmup);
        check(
            Schedule::Reference,
            10,
            &[(0.99, 0.02), (5.0, 0.1), (9.99, 0.1)],
        );
        check(
            Schedule::Reference,
            200,
            &[
                (159.99, 0.1),
                (160.0, 1e-3),
                (179.0, 1e-3),
                (180.0, 1e-5),
                (199.99, 1e-5),
            ],
        );
    }

    #[test]
    fn the_cosine_rises_then_falls_to_nothing() {
        let schedule = Schedule::Cosine {
            warmup_epochs: 10.0,
        };
        check(
            schedule,
            110,
            &[
                (0.0, 0.001),
                (5.0, 0.0505),
                (10.0, 0.1),
                (60.0, 0.05),
                (110.0, 0.0),
            ],
        );
        check(
            Schedule::Cosine { warmup_epochs: 0.0 },
            4,
            &[(0.0, 0.1), (2.0, 0.05), (4.0, 0.0)],
        );
    }

    #[test]
    fn steps_multiply_the_peak_after_a_warm_up() {
        let steps = |at: &[usize]| Schedule::Steps {
            at: at.to_vec(),
            factor: 0.1,
            warmup_epochs: 2.0,
        };
        let wanted = [
            (0.0, 0.001),
            (1.0, 0.0505),
            (2.0, 0.1),
            (3.99, 0.1),
            (4.0, 0.01),
            (5.5, 0.01),
            (6.0, 0.001),
        ];
        check(steps(&[4, 6]), 8, &wanted);
        assert!(steps(&[4, 6]).check(8).is_ok());
        for at in [&[6, 4][..], &[0, 4], &[4, 8]] {
            let told = steps(at).check(8).expect_err("no steps").to_string();
            assert!(told.contains("rising, from 1 to 7"), "{told}");
        }
        let json = r#"{"kind": "steps", "at": [4, 6], "warmup-epochs": 2}"#;
        let read: Schedule = serde_json::from_str(json).expect("a schedule");
        assert_eq!(read, steps(&[4, 6]));
    }

    #[test]
    fn a_warm_up_longer_than_training_is_cut() {
        let schedule = Schedule::Cosine {
            warmup_epochs: 50.0,
        };
        check(schedule, 10, &[(0.0, 0.001), (5.0, 0.0505), (10.0, 0.1)]);
    }

    #[test]
    fn one_cycle_rises_for_three_tenths_and_falls_after() {
        // PyTorch's OneCycleLR counts steps and puts the peak one step before three tenths of them,
        // so that its rates differ from these by that one step.
        check(
            Schedule::OneCycle,
            1000,
            &[
                (0.0, 0.004),
                (150.0, 0.052),
                (300.0, 0.1),
                (650.0, 0.050_000_2),
                (1000.0, 4e-7),
            ],
        );
    }

    #[test]
    fn serde_names_are_those_of_configurations() {
        let read = |json| serde_json::from_str::<Schedule>(json).map_err(|e| e.to_string());
        let cosine = read(r#"{"kind": "cosine", "warmup-epochs": 5}"#);
        assert_eq!(cosine, Ok(Schedule::Cosine { warmup_epochs: 5.0 }));
        let named = read(r#""cosine""#);
        assert_eq!(named, Ok(Schedule::Cosine { warmup_epochs: 0.0 }));
        assert_eq!(read(r#""one-cycle""#), Ok(Schedule::OneCycle));
        for (json, word) in [
            (r#"{"kind": "cosine", "warm-up": 5}"#, "`warm-up`"),
            (
                r#"{"kind": "constant", "warmup-epochs": 5}"#,
                "`warmup-epochs`",
            ),
            (r#""cosin""#, "`one-cycle`"),
        ] {
            let told = read(json).expect_err("no schedule");
            assert!(told.contains(word), "{told}");
        }
    }
}
