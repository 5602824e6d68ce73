//! A loss made ready for classes of given sizes: its value and its gradient by the logits.

use crate::class_weights::known;
use crate::{HeadKind, Loss, LossOptions, ModelError};

/// What the rows of a batch are meant to be.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// Classes, `[N]`.
    pub labels: &'a [u32],
    /// Where rows are mixtures of two: the other class of each.
    pub mixed: Option<Mixed<'a>>,
}

/// The other part of mixed rows: each is `share` · (row of its label) + (1 − `share`) · (row of its
/// other label).
#[derive(Debug, Clone, Copy)]
pub struct Mixed<'a> {
    /// Other classes, `[N]`.
    pub labels: &'a [u32],
    /// In [0, 1].
    pub share: f32,
}

impl<'a> From<&'a [u32]> for Targets<'a> {
    fn from(labels: &'a [u32]) -> Self {
        Self {
            labels,
            mixed: None,
        }
    }
}

/// The mean over rows of
///
/// L = Σ_c w_c q_c f_c(p_c) / w_y,  f_c(p) = −m_c(p) ln p,  p = softmax(s · (x − margin_y \[c = y\]) + offset)
///
/// for logits x, with the rows weighted by w_y (as PyTorch's `CrossEntropyLoss(weight,
/// label_smoothing)` does it): q is the smoothed target; m, margins and offsets are the loss's.
/// A mixed row's loss is the mixture of its two labels' losses.
///
/// ```
/// use eos_model::{HeadKind, LossOptions, Objective};
/// let objective = Objective::new(&LossOptions::default(), &[10, 10], HeadKind::Linear)?;
/// let (loss, gradient) = objective.loss(&[0.0, 0.0], [1].as_slice().into())?;
/// assert_eq!((loss, gradient), (2f64.ln(), vec![0.5, -0.5]));
/// # Ok::<(), eos_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    loss: Loss,
    smoothing: f64,
    scale: f64,
    /// `[C]` each.
    weights: Vec<f64>,
    margins: Vec<f64>,
    offsets: Vec<f64>,
}

impl Objective {
    /// The loss for a head of `kind` and classes with `counts` rows, `[C]`.
    ///
    /// # Errors
    /// What [`LossOptions::check`] refuses; [`ModelError::EmptyClass`] where weights, margins or
    /// priors need the rows of a class that has none.
    pub fn new(
        options: &LossOptions,
        counts: &[usize],
        kind: HeadKind,
    ) -> Result<Self, ModelError> {
        options.check(kind)?;
        let nothing = || vec![0.0; counts.len()];
        let margins = match options.loss {
            Loss::Ldam { max_margin } => margins(counts, max_margin)?,
            _ => nothing(),
        };
        let offsets = match options.loss {
            Loss::LogitAdjusted { tau } => log_priors(counts)?.iter().map(|p| tau * p).collect(),
            _ => nothing(),
        };
        Ok(Self {
            loss: options.loss,
            smoothing: options.label_smoothing,
            scale: match kind {
                HeadKind::Linear => 1.0,
                HeadKind::Normalised => options.scale,
            },
            weights: options.class_weights.of(counts, options.beta)?,
            margins,
            offsets,
        })
    }

    /// C.
    pub fn classes(&self) -> usize {
        self.weights.len()
    }

    /// The loss of logits `[N, C]`, and its gradient by them.
    ///
    /// # Errors
    /// [`ModelError::Length`] and [`ModelError::Label`].
    pub fn loss(
        &self,
        logits: &[f32],
        targets: Targets<'_>,
    ) -> Result<(f64, Vec<f32>), ModelError> {
        let parts = self.parts(targets)?;
        let wanted = targets.labels.len() * self.classes();
        if logits.len() != wanted {
            return Err(ModelError::Length {
                what: "logits",
                got: logits.len(),
                wanted: format!("{wanted}, one a row and class"),
            });
        }
        let mut weight = 0.0;
        for (labels, share) in &parts {
            let of = |label: &u32| self.weights[*label as usize];
            weight += share * labels.iter().map(of).sum::<f64>();
        }
        let mut row = Row::new(self);
        let (mut sum, mut gradient) = (0.0, Vec::with_capacity(logits.len()));
        for (i, logits) in logits.chunks_exact(self.classes()).enumerate() {
            row.gradient.fill(0.0);
            for (labels, share) in &parts {
                sum += share * row.add(logits, labels[i] as usize, *share);
            }
            let by_logit = row.gradient.iter().map(|g| (g / weight) as f32);
            gradient.extend(by_logit);
        }
        Ok((sum / weight, gradient))
    }

    /// The labels with their shares; both parts where rows are mixed.
    fn parts<'a>(&self, targets: Targets<'a>) -> Result<Vec<(&'a [u32], f64)>, ModelError> {
        let Targets { labels, mixed } = targets;
        check_labels(labels, self.classes())?;
        let Some(Mixed {
            labels: others,
            share,
        }) = mixed
        else {
            return Ok(vec![(labels, 1.0)]);
        };
        check_labels(others, self.classes())?;
        if others.len() != labels.len() {
            return Err(ModelError::Length {
                what: "other labels",
                got: others.len(),
                wanted: format!("{}, as many as labels", labels.len()),
            });
        }
        if !(0.0..=1.0).contains(&share) {
            return Err(ModelError::Option {
                field: "share",
                got: share.into(),
                wanted: "a number from 0 to 1",
            });
        }
        let share = f64::from(share);
        Ok(vec![(labels, share), (others, 1.0 - share)])
    }
}

/// Room for one row, in double precision.
struct Row<'a> {
    objective: &'a Objective,
    log_p: Vec<f64>,
    /// By ln p.
    slopes: Vec<f64>,
    /// By logit, added up over a row's labels.
    gradient: Vec<f64>,
}

impl<'a> Row<'a> {
    fn new(objective: &'a Objective) -> Self {
        let zeros = || vec![0.0; objective.classes()];
        Self {
            objective,
            log_p: zeros(),
            slopes: zeros(),
            gradient: zeros(),
        }
    }

    /// The loss of a row of class `label`; adds `share` times its gradient by the logits.
    fn add(&mut self, logits: &[f32], label: usize, share: f64) -> f64 {
        let of = self.objective;
        for (c, (log_p, logit)) in self.log_p.iter_mut().zip(logits).enumerate() {
            let margin = if c == label { of.margins[c] } else { 0.0 };
            *log_p = of.scale * (f64::from(*logit) - margin) + of.offsets[c];
        }
        let largest = self.log_p.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = self.log_p.iter().map(|z| (z - largest).exp()).sum();
        let normalizer = largest + sum.ln();
        let spread = of.smoothing / of.classes() as f64;
        let mut loss = 0.0;
        for (c, log_p) in self.log_p.iter_mut().enumerate() {
            *log_p -= normalizer;
            let hit = if c == label { 1.0 - of.smoothing } else { 0.0 };
            let target = of.weights[c] * (hit + spread);
            let (value, slope) = match target {
                0.0 => (0.0, 0.0),
                _ => term(of.loss, c == label, *log_p),
            };
            loss += target * value;
            self.slopes[c] = target * slope;
        }
        let whole: f64 = self.slopes.iter().sum();
        let by_logit = self.gradient.iter_mut().zip(&self.slopes).zip(&self.log_p);
        for ((gradient, slope), log_p) in by_logit {
            *gradient += share * of.scale * (slope - log_p.exp() * whole);
        }
        loss
    }
}

/// f(p) = −m(p) ln p of one class at ln p, and its derivative by ln p.
fn term(loss: Loss, own: bool, log_p: f64) -> (f64, f64) {
    match (loss, own) {
        (Loss::Focal { gamma }, _)
        | (
            Loss::Asl {
                gamma_pos: gamma, ..
            },
            true,
        ) => {
            // (1 − p)^γ; at p = 1 its slope times ln p goes to 0 for every γ.
            let rest = -log_p.exp_m1();
            let modulator = rest.powf(gamma);
            let slope = match rest > 0.0 {
                true => gamma * log_p.exp() * rest.powf(gamma - 1.0) * log_p,
                false => 0.0,
            };
            (-modulator * log_p, slope - modulator)
        }
        (Loss::Asl { gamma_neg, .. }, false) => {
            let modulator = (gamma_neg * log_p).exp();
            (
                -modulator * log_p,
                -modulator - gamma_neg * modulator * log_p,
            )
        }
        _ => (-log_p, -1.0),
    }
}

/// m_c = C · n_c^(−1/4) for the C that makes the largest `max_margin`.
fn margins(counts: &[usize], max_margin: f64) -> Result<Vec<f64>, ModelError> {
    let raw = known(counts, "margins")?;
    let raw: Vec<f64> = raw.iter().map(|n| n.powf(-0.25)).collect();
    let largest = raw.iter().copied().fold(f64::MIN, f64::max);
    Ok(raw.iter().map(|m| m * max_margin / largest).collect())
}

/// ln of each class's share of the rows.
pub(crate) fn log_priors(counts: &[usize]) -> Result<Vec<f64>, ModelError> {
    let rows = known(counts, "priors")?;
    let all: f64 = rows.iter().sum();
    Ok(rows.iter().map(|n| (n / all).ln()).collect())
}

/// Refuses no labels and labels without a class.
pub(crate) fn check_labels(labels: &[u32], classes: usize) -> Result<(), ModelError> {
    if labels.is_empty() {
        return Err(ModelError::Length {
            what: "labels",
            got: 0,
            wanted: "at least 1".to_owned(),
        });
    }
    match labels.iter().position(|label| *label as usize >= classes) {
        None => Ok(()),
        Some(row) => Err(ModelError::Label {
            row,
            label: labels[row],
            classes,
        }),
    }
}
