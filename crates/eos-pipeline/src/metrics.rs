//! How good predictions are, class by class.

use serde::{Deserialize, Serialize};

/// Counts of (true class, predicted class).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// Counts pairs of `[N]` true and predicted classes, each below `classes`.
    ///
    /// ```
    /// use eos_pipeline::metrics::Confusion;
    /// let c = Confusion::new(&[0, 0, 0, 0, 1, 1], &[0, 0, 0, 1, 1, 0], 2);
    /// assert_eq!(c.recall(), [0.75, 0.5]);
    /// assert_eq!(c.bac(), 0.625);
    /// assert_eq!(c.g_mean(), (0.75f64 * 0.5).sqrt());
    /// ```
    pub fn new(labels: &[u32], predicted: &[u32], classes: usize) -> Self {
        let mut counts = vec![0; classes * classes];
        for (label, predicted) in labels.iter().zip(predicted) {
            counts[*label as usize * classes + *predicted as usize] += 1;
        }
        Self { classes, counts }
    }

    /// Rows of class `truth` that were named `named`.
    pub fn count(&self, truth: usize, named: usize) -> u64 {
        self.counts[truth * self.classes + named]
    }

    /// Number of classes, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    fn of_class(&self, c: usize) -> u64 {
        (0..self.classes).map(|p| self.count(c, p)).sum()
    }

    fn named(&self, c: usize) -> u64 {
        (0..self.classes).map(|t| self.count(t, c)).sum()
    }

    /// Classes that have rows; means run over these.
    fn present(&self) -> Vec<usize> {
        (0..self.classes)
            .filter(|c| self.of_class(*c) > 0)
            .collect()
    }

    /// Share of each class's rows that were named correctly, `[C]`; 0 for a class without rows.
    pub fn recall(&self) -> Vec<f64> {
        (0..self.classes)
            .map(|c| share(self.count(c, c), self.of_class(c)))
            .collect()
    }

    fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        let present = self.present();
        present.iter().map(|c| of(*c)).sum::<f64>() / present.len().max(1) as f64
    }

    /// Balanced accuracy: the mean recall.
    pub fn bac(&self) -> f64 {
        let recall = self.recall();
        self.mean(|c| recall[c])
    }

    /// The geometric mean of the recalls.
    pub fn g_mean(&self) -> f64 {
        let recall = self.recall();
        if self.present().iter().any(|c| recall[*c] == 0.0) {
            return 0.0;
        }
        // Over two classes the plain product is exact where the logarithm is not.
        let present = self.present();
        let product: f64 = present.iter().map(|c| recall[*c]).product();
        if present.len() == 2 {
            product.sqrt()
        } else {
            self.mean(|c| recall[c].ln()).exp()
        }
    }

    /// √(mean recall · mean specificity), as imbalanced-learn's
    /// `geometric_mean_score(average="macro")`, which the reference reports, computes it: the means
    /// over classes come before the root.
    pub fn g_mean_macro(&self) -> f64 {
        let total: u64 = self.counts.iter().sum();
        let specificity = self.mean(|c| {
            let others = total - self.of_class(c);
            let wrongly = self.named(c) - self.count(c, c);
            share(others - wrongly, others)
        });
        (self.bac() * specificity).sqrt()
    }

    /// All of the above and the macro-F1.
    pub fn scores(&self) -> Scores {
        Scores {
            recall: self.recall(),
            bac: self.bac(),
            g_mean: self.g_mean(),
            g_mean_macro: self.g_mean_macro(),
            macro_f1: self.macro_f1(),
        }
    }

    /// The mean over classes of F1 = 2 · precision · recall / (precision + recall).
    pub fn macro_f1(&self) -> f64 {
        self.mean(|c| share(2 * self.count(c, c), self.of_class(c) + self.named(c)))
    }
}

/// Every figure of a confusion matrix, as shares in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Recall of each class, `[C]`.
    pub recall: Vec<f64>,
    /// Balanced accuracy: the mean recall.
    pub bac: f64,
    /// Geometric mean of the recalls.
    pub g_mean: f64,
    /// √(mean recall · mean specificity), imbalanced-learn's macro G-mean.
    pub g_mean_macro: f64,
    /// Mean over classes of F1.
    pub macro_f1: f64,
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_computed_by_hand() {
        // Rows of truth: 2 of 3, 1 of 2, 1 of 1; class 2 is also named twice wrongly.
        let c = Confusion::new(&[0, 0, 0, 1, 1, 2], &[0, 0, 2, 1, 2, 2], 3);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(c.bac(), (2.0 / 3.0 + 0.5 + 1.0) / 3.0);
        close(c.g_mean(), (2.0f64 / 3.0 * 0.5).cbrt());
        // Specificities: 3 of 3, 4 of 4, 3 of 5.
        let macro_ = (c.bac() * (1.0 + 1.0 + 0.6) / 3.0).sqrt();
        close(c.g_mean_macro(), macro_);
        close(c.macro_f1(), (0.8 + 2.0 / 3.0 + 0.5) / 3.0);
    }

    #[test]
    fn figures_are_scikit_learn_s_and_imbalanced_learn_s() {
        // scikit-learn 1.9.1 (balanced_accuracy_score, macro f1_score) and imbalanced-learn 0.14.2
        // (geometric_mean_score with average="multiclass" and "macro") on the same labels.
        let truth = |i: u64| match i % 40 {
            0..20 => 0,
            20..31 => 1,
            31..38 => 2,
            _ => 3,
        };
        let named = |i: u64| match (i * 7919) % 13 {
            0..8 => truth(i),
            _ => ((i * 104_729) % 4) as u32,
        };
        let labels: Vec<u32> = (0..400).map(truth).collect();
        let predicted: Vec<u32> = (0..400).map(named).collect();
        let c = Confusion::new(&labels, &predicted, 4);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(c.bac(), 0.7261525974025973);
        close(c.g_mean(), 0.7246988350820247);
        close(c.g_mean_macro(), 0.8103431211358451);
        close(c.macro_f1(), 0.6485160618831772);
    }

    #[test]
    fn a_class_without_rows_does_not_count() {
        let c = Confusion::new(&[0, 0], &[0, 0], 3);
        assert_eq!((c.bac(), c.g_mean(), c.macro_f1()), (1.0, 1.0, 1.0));
        assert_eq!(Confusion::new(&[0, 1], &[1, 1], 2).g_mean(), 0.0);
    }
}
