//! Which loss, and everything that goes with it: names and numbers as a configuration has them.

use crate::kinded::{kinded, no_fields};
use crate::{ClassWeights, HeadKind, ModelError};
use serde::{Deserialize, Serialize};

/// What training minimises, in terms of the class probabilities p = softmax(logits) of a row of
/// class y. In a configuration a name (`"focal"`), or a table (`{ kind = "focal", gamma = 1 }`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields,
    remote = "Self"
)]
#[non_exhaustive]
pub enum Loss {
    /// `"ce"`, cross entropy: −ln p_y.
    #[serde(rename = "ce", deserialize_with = "no_fields")]
    CrossEntropy,
    /// `"focal"` (Lin et al. 2017): −(1 − p_y)^γ ln p_y.
    Focal {
        /// γ: how little rows count that are named with certainty. 0 is cross entropy.
        #[serde(default = "two")]
        gamma: f64,
    },
    /// `"ldam"`, label-distribution-aware margins (Cao et al. 2019): cross entropy of
    /// s · (cos θ − m_y · \[class = y\]), with m_c in proportion to n_c^(−1/4) for n_c rows. Trains a
    /// normalised head, whose factor s is [`LossOptions::scale`].
    Ldam {
        /// Margin of the rarest class.
        #[serde(default = "half")]
        max_margin: f64,
    },
    /// `"asl"`, the asymmetric loss for one label a row (Ridnik et al. 2021): −(1 − p_y)^γ₊ ln p_y,
    /// and where labels are smoothed −p_c^γ₋ ln p_c for the other classes.
    Asl {
        /// γ₊ of the row's own class.
        #[serde(default)]
        gamma_pos: f64,
        /// γ₋ of the others.
        #[serde(default = "four")]
        gamma_neg: f64,
    },
    /// `"logit-adjusted"` (Menon et al. 2021): cross entropy of logits + τ ln π for class priors π.
    /// τ = 1 is also known as balanced softmax.
    LogitAdjusted {
        /// How far logits move.
        #[serde(default = "one")]
        tau: f64,
    },
}

kinded!(Loss);

const fn half() -> f64 {
    0.5
}
const fn one() -> f64 {
    1.0
}
const fn two() -> f64 {
    2.0
}
const fn four() -> f64 {
    4.0
}

impl Loss {
    /// The name of its kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "ce",
            Self::Focal { .. } => "focal",
            Self::Ldam { .. } => "ldam",
            Self::Asl { .. } => "asl",
            Self::LogitAdjusted { .. } => "logit-adjusted",
        }
    }

    /// The head that it trains where none is chosen.
    pub fn head(self) -> HeadKind {
        match self {
            Self::Ldam { .. } => HeadKind::Normalised,
            _ => HeadKind::Linear,
        }
    }

    /// The label smoothing where none is chosen: 0.1 of the asymmetric loss, as in its reference,
    /// else 0.
    pub fn label_smoothing(self) -> f64 {
        match self {
            Self::Asl { .. } => 0.1,
            _ => 0.0,
        }
    }
}

/// A loss with its weights and targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossOptions {
    /// The loss of one row.
    pub loss: Loss,
    /// ε: the target is 1 − ε + ε / C for a row's class and ε / C for the others.
    pub label_smoothing: f64,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// β of [`ClassWeights::Effective`].
    pub beta: f64,
    /// s: what multiplies the cosines of a normalised head; logits of a linear head stay as they are.
    pub scale: f64,
}

impl LossOptions {
    /// s of the reference.
    pub const SCALE: f64 = 30.0;

    /// `loss` with its own smoothing and without weights.
    pub fn new(loss: Loss) -> Self {
        Self {
            loss,
            label_smoothing: loss.label_smoothing(),
            class_weights: ClassWeights::None,
            beta: ClassWeights::BETA,
            scale: Self::SCALE,
        }
    }

    /// Refuses numbers that no training can use, and LDAM on a linear head.
    ///
    /// # Errors
    /// [`ModelError::Option`], [`ModelError::LinearMargin`].
    pub fn check(&self, head: HeadKind) -> Result<(), ModelError> {
        let above = "0 or more";
        let numbers = match self.loss {
            Loss::CrossEntropy => vec![],
            Loss::Focal { gamma } => vec![("gamma", gamma, above)],
            Loss::Ldam { max_margin } => vec![("max-margin", max_margin, above)],
            Loss::Asl {
                gamma_pos,
                gamma_neg,
            } => vec![
                ("gamma-pos", gamma_pos, above),
                ("gamma-neg", gamma_neg, above),
            ],
            Loss::LogitAdjusted { tau } => vec![("tau", tau, above)],
        };
        let refuse = |field, got, wanted| Err(ModelError::Option { field, got, wanted });
        for (field, got, wanted) in numbers {
            if !(got >= 0.0 && got.is_finite()) {
                return refuse(field, got, wanted);
            }
        }
        self.class_weights.check(self.beta)?;
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let got = self.label_smoothing;
            return refuse("label-smoothing", got, "a number from 0 to below 1");
        }
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            return refuse("scale", self.scale, "a number above 0, 30 in the reference");
        }
        if matches!(self.loss, Loss::Ldam { .. }) && head == HeadKind::Linear {
            return Err(ModelError::LinearMargin);
        }
        Ok(())
    }
}

impl Default for LossOptions {
    fn default() -> Self {
        Self::new(Loss::CrossEntropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Loss, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn a_name_alone_takes_the_reference_s_numbers() {
        for (name, loss) in [
            ("ce", Loss::CrossEntropy),
            ("focal", Loss::Focal { gamma: 2.0 }),
            ("ldam", Loss::Ldam { max_margin: 0.5 }),
            (
                "asl",
                Loss::Asl {
                    gamma_pos: 0.0,
                    gamma_neg: 4.0,
                },
            ),
            ("logit-adjusted", Loss::LogitAdjusted { tau: 1.0 }),
        ] {
            assert_eq!(read(&format!("{name:?}")), Ok(loss));
            assert_eq!(loss.name(), name);
            let written = serde_json::to_string(&loss).unwrap();
            assert_eq!(read(&written), Ok(loss), "{written}");
        }
        let focal = read(r#"{"kind": "focal", "gamma": 1}"#);
        assert_eq!(focal, Ok(Loss::Focal { gamma: 1.0 }));
    }

    #[test]
    fn what_is_no_loss_is_told_what_there_is() {
        let told = |json| read(json).unwrap_err();
        let unknown = told(r#""focl""#);
        assert!(
            unknown.contains("`focl`") && unknown.contains("`focal`, `ldam`"),
            "{unknown}"
        );
        let field = told(r#"{"kind": "ce", "gamma": 1}"#);
        assert!(field.contains("unknown field `gamma`"), "{field}");
        let field = told(r#"{"kind": "focal", "gama": 1}"#);
        assert!(field.contains("expected `gamma`"), "{field}");
        assert!(told("3").contains("a name, or a table with `kind`"));
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let told = |options: LossOptions, head| options.check(head).unwrap_err().to_string();
        let focal = LossOptions::new(Loss::Focal { gamma: -1.0 });
        assert_eq!(
            told(focal, HeadKind::Linear),
            "gamma is -1, wanted 0 or more"
        );
        let smooth = LossOptions {
            label_smoothing: 1.0,
            ..LossOptions::default()
        };
        assert!(told(smooth, HeadKind::Linear).contains("label-smoothing is 1"));
        let ldam = LossOptions::new(Loss::Ldam { max_margin: 0.5 });
        assert!(told(ldam, HeadKind::Linear).contains("normalised"));
        assert!(ldam.check(HeadKind::Normalised).is_ok());
    }
}
