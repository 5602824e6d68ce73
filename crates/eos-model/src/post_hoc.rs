//! Heads that are made without training: the free rivals of oversampling.

use crate::head::norm;
use crate::objective::{check_labels, log_priors};
use crate::{Head, HeadData, HeadKind, ModelError};
use eos_tensor::Rows;

impl Head {
    /// Post-hoc logit adjustment (Menon et al. 2021): this head with logits − τ ln π, for priors π
    /// of training classes with `counts` rows, `[C]`. No training.
    ///
    /// # Errors
    /// [`ModelError::Length`] for counts of other classes, [`ModelError::EmptyClass`],
    /// [`ModelError::Adjustment`] for a normalised head, which has no bias.
    pub fn logit_adjusted(&self, counts: &[usize], tau: f64) -> Result<Self, ModelError> {
        self.check()?;
        if self.kind == HeadKind::Normalised {
            return Err(ModelError::Adjustment);
        }
        if counts.len() != self.classes {
            return Err(ModelError::Length {
                what: "class counts",
                got: counts.len(),
                wanted: format!("one for each of {} classes", self.classes),
            });
        }
        let priors = log_priors(counts)?;
        let moved = self.bias.iter().zip(priors);
        let bias = moved.map(|(bias, prior)| bias - (tau * prior) as f32);
        Ok(Self {
            bias: bias.collect(),
            ..self.clone()
        })
    }

    /// τ-normalisation (Kang et al. 2020): the weights of each class divided by their norm to the
    /// power τ, without bias. τ = 0 leaves the weights as they are. No training.
    ///
    /// ```
    /// use eos_model::{Head, HeadKind};
    /// let (weight, bias) = (vec![3.0, 4.0, 0.0, 1.0], vec![0.5, 0.0]);
    /// let head = Head { kind: HeadKind::Linear, weight, bias, classes: 2, dims: 2 };
    /// let even = head.tau_normalised(1.0)?;
    /// assert_eq!((even.weight, even.bias), (vec![0.6, 0.8, 0.0, 1.0], vec![0.0, 0.0]));
    /// # Ok::<(), eos_model::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// [`ModelError::Option`] for a τ that is not finite, [`ModelError::Norms`] for a normalised
    /// head, whose norms do not count.
    pub fn tau_normalised(&self, tau: f64) -> Result<Self, ModelError> {
        self.check()?;
        if self.kind == HeadKind::Normalised {
            return Err(ModelError::Norms);
        }
        if !tau.is_finite() {
            return Err(ModelError::Option {
                field: "tau",
                got: tau,
                wanted: "a finite number, usually 0 to 1",
            });
        }
        let mut weight = self.weight.clone();
        for class in weight.chunks_exact_mut(self.dims) {
            let length = f64::from(norm(class)).powf(tau);
            class
                .iter_mut()
                .for_each(|w| *w = (f64::from(*w) / length) as f32);
        }
        Ok(Self {
            weight,
            bias: vec![0.0; self.classes],
            ..self.clone()
        })
    }

    /// The nearest class mean (Kang et al. 2020) as a linear head: ‖x − μ_c‖² is least where
    /// μ_c · x − ‖μ_c‖² / 2 is largest. Means are summed in double precision, row by row.
    ///
    /// ```
    /// use eos_model::{Head, HeadData};
    /// let rows = [0.0, 0.0, 2.0, 0.0, 6.0, 0.0];
    /// let head = Head::nearest_class_mean(HeadData { rows: &rows, dims: 2, labels: &[0, 0, 1], classes: 2 })?;
    /// assert_eq!((&head.weight[..], &head.bias[..]), (&[1.0, 0.0, 6.0, 0.0][..], &[-0.5, -18.0][..]));
    /// assert_eq!(head.predict(&[3.4, 9.0, 3.6, 9.0])?, [0, 1]);
    /// # Ok::<(), eos_model::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// Rows or labels that cannot be used, [`ModelError::EmptyClass`].
    pub fn nearest_class_mean(data: HeadData<'_>) -> Result<Self, ModelError> {
        let (classes, dims) = (data.classes, data.dims);
        let rows = Rows::new(data.rows, dims).map_err(ModelError::Rows)?;
        if rows.len() != data.labels.len() {
            return Err(ModelError::Length {
                what: "labels",
                got: data.labels.len(),
                wanted: format!("one for each of {} rows", rows.len()),
            });
        }
        check_labels(data.labels, classes)?;
        let (mut sums, mut counts) = (vec![0.0; classes * dims], vec![0usize; classes]);
        for (row, label) in data.labels.iter().enumerate() {
            let class = *label as usize;
            counts[class] += 1;
            let sums = &mut sums[class * dims..][..dims];
            for (sum, value) in sums.iter_mut().zip(rows.row(row)) {
                *sum += f64::from(*value);
            }
        }
        if let Some(class) = counts.iter().position(|n| *n == 0) {
            let what = "class means";
            return Err(ModelError::EmptyClass { class, what });
        }
        let mut bias = Vec::with_capacity(classes);
        for (mean, count) in sums.chunks_exact_mut(dims).zip(&counts) {
            mean.iter_mut().for_each(|sum| *sum /= *count as f64);
            let square: f64 = mean.iter().map(|m| m * m).sum();
            bias.push((-square / 2.0) as f32);
        }
        Ok(Self {
            kind: HeadKind::Linear,
            weight: sums.into_iter().map(|mean| mean as f32).collect(),
            bias,
            classes,
            dims,
        })
    }
}
