//! What a comparison came to: the content of its summary.json.

use super::bootstrap::{Difference, differences};
use super::method::Place;
use super::outcome::{Chosen, Cost, Outcome, Setting};
use crate::Error;
use serde::Serialize;

/// A comparison. Shares are in [0, 1], times in seconds; C is the number of classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonSummary {
    /// Version of `eos`.
    pub version: String,
    /// Data, network and machine.
    #[serde(flatten)]
    pub setting: Setting,
    /// Seeds that figures are means of.
    pub seeds: Vec<u64>,
    /// What all lines are compared to, as `LOSS/METHOD`.
    pub baseline: String,
    /// A line of the table each.
    pub lines: Vec<Line>,
    /// Pairs of loss and method that have no meaning.
    pub skipped: Vec<Skipped>,
}

/// One loss and method.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Loss of phase one.
    pub loss: String,
    /// The method with its parameters.
    pub method: String,
    /// Where it adds rows.
    pub place: Place,
    /// Rows that it added, of the first seed.
    pub added: usize,
    /// Balanced accuracy.
    pub bac: Spread,
    /// Mean recall of the three classes with the fewest training rows.
    pub rare_recall: Spread,
    /// Geometric mean of the recalls.
    pub g_mean: Spread,
    /// √(mean recall · mean specificity), imbalanced-learn's macro G-mean.
    pub g_mean_macro: Spread,
    /// Mean over classes of F1.
    pub macro_f1: Spread,
    /// Generalization gap of the rows that the head was trained on.
    pub gap: Spread,
    /// Mean recall of each class, `[C]`.
    pub recall: Vec<f64>,
    /// Mean gap of each class, `[C]`.
    pub gap_per_class: Vec<f64>,
    /// Mean norm of each class's head weights, `[C]`.
    pub head_norms: Vec<f64>,
    /// Its balanced accuracy less the baseline's; `None` for the baseline.
    pub difference: Option<Difference>,
    /// Means over seeds; of memory the most.
    pub cost: Cost,
    /// What validation rows chose, a seed each; empty where nothing was chosen.
    pub chosen: Vec<Chosen>,
    /// What the plugin noted, of the first seed.
    pub notes: Vec<String>,
}

/// A figure over seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation with divisor n − 1; `None` of one seed.
    pub deviation: Option<f64>,
    /// Of each seed.
    pub values: Vec<f64>,
}

/// A pair of loss and method without a meaning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Skipped {
    /// Loss of phase one.
    pub loss: String,
    /// The method.
    pub method: String,
    /// Why, as the end of a sentence whose subject is the method.
    pub why: String,
}

impl Spread {
    fn of(values: Vec<f64>) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
            values,
        }
    }
}

impl Line {
    /// `LOSS/METHOD`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.loss, self.method)
    }
}

/// Puts outcomes together: a group a loss and method, each with an outcome a seed in one order.
pub(crate) fn summarise(
    groups: &[Vec<Outcome>],
    baseline: Option<&str>,
    skipped: Vec<Skipped>,
) -> Result<ComparisonSummary, Error> {
    let first = groups.first().and_then(|group| group.first());
    let first = first.ok_or_else(|| {
        Error::Request("no method has a meaning for any of the losses".to_owned())
    })?;
    let base = find(groups, baseline)?;
    let all: Vec<&[Outcome]> = groups.iter().map(Vec::as_slice).collect();
    let found = differences(&groups[base], &all);
    let line = |(at, group): (usize, &Vec<Outcome>)| Line {
        difference: (at != base).then(|| found[at]),
        ..line(group)
    };
    Ok(ComparisonSummary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        setting: first.setting.clone(),
        seeds: groups[0].iter().map(|one| one.seed).collect(),
        baseline: name(&groups[base]),
        lines: groups.iter().enumerate().map(line).collect(),
        skipped,
    })
}

fn name(group: &[Outcome]) -> String {
    group
        .first()
        .map(|one| format!("{}/{}", one.loss, one.method))
        .unwrap_or_default()
}

/// The group that the others are compared to.
fn find(groups: &[Vec<Outcome>], baseline: Option<&str>) -> Result<usize, Error> {
    let method = |group: &[Outcome]| group.first().map(|one| one.method.clone());
    let Some(wanted) = baseline else {
        let as_trained = |group: &Vec<Outcome>| method(group).as_deref() == Some("as-trained");
        return Ok(groups.iter().position(as_trained).unwrap_or(0));
    };
    let names: Vec<String> = groups.iter().map(|group| name(group)).collect();
    let exact = names.iter().position(|name| name == wanted);
    let alone = || {
        groups
            .iter()
            .position(|group| method(group).as_deref() == Some(wanted))
    };
    exact.or_else(alone).ok_or_else(|| {
        Error::Request(format!(
            "the baseline '{wanted}' is not among what is compared; there are {}",
            names.join(", ")
        ))
    })
}

fn line(group: &[Outcome]) -> Line {
    let first = &group[0];
    let spread = |figure: &dyn Fn(&Outcome) -> f64| Spread::of(group.iter().map(figure).collect());
    let n = group.len() as f64;
    let by_class = |figure: &dyn Fn(&Outcome) -> Vec<f64>| -> Vec<f64> {
        let mut sums = vec![0.0; first.setting.classes.len()];
        for one in group {
            let values = figure(one);
            sums.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value);
        }
        sums.into_iter().map(|sum| sum / n).collect()
    };
    let rarest = rarest(&first.setting.train_counts, 3);
    let rare = |one: &Outcome| {
        let recall = &one.measured.scores.recall;
        rarest.iter().map(|c| recall[*c]).sum::<f64>() / rarest.len() as f64
    };
    let norms = |one: &Outcome| -> Vec<f64> {
        one.measured
            .head_norms
            .iter()
            .map(|norm| f64::from(*norm))
            .collect()
    };
    let mean =
        |figure: &dyn Fn(&Cost) -> f64| group.iter().map(|one| figure(&one.cost)).sum::<f64>() / n;
    let count =
        |figure: &dyn Fn(&Cost) -> usize| mean(&|cost| figure(cost) as f64).round() as usize;
    Line {
        loss: first.loss.clone(),
        method: first.method.clone(),
        place: first.place,
        added: first.measured.added,
        bac: spread(&|one| one.measured.scores.bac),
        rare_recall: spread(&rare),
        g_mean: spread(&|one| one.measured.scores.g_mean),
        g_mean_macro: spread(&|one| one.measured.scores.g_mean_macro),
        macro_f1: spread(&|one| one.measured.scores.macro_f1),
        gap: spread(&|one| one.measured.gap.mean),
        recall: by_class(&|one| one.measured.scores.recall.clone()),
        gap_per_class: by_class(&|one| one.measured.gap.per_class.clone()),
        head_norms: by_class(&norms),
        difference: None,
        cost: Cost {
            network_seconds: mean(&|cost| cost.network_seconds),
            sample_seconds: mean(&|cost| cost.sample_seconds),
            head_seconds: mean(&|cost| cost.head_seconds),
            network_parameters: count(&|cost| cost.network_parameters),
            network_steps: count(&|cost| cost.network_steps),
            extra_parameters: count(&|cost| cost.extra_parameters),
            extra_steps: count(&|cost| cost.extra_steps),
            peak_memory_bytes: group
                .iter()
                .map(|one| one.cost.peak_memory_bytes)
                .reduce(|a, b| Some(a?.max(b?)))
                .flatten(),
        },
        chosen: group.iter().filter_map(|one| one.chosen.clone()).collect(),
        notes: first.measured.notes.clone(),
    }
}

/// The `n` classes with the fewest rows, the first of equals.
fn rarest(counts: &[usize], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|c| counts[*c]);
    order.truncate(n);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::named_outcome;

    fn groups() -> Vec<Vec<Outcome>> {
        let labels = [0, 0, 1, 1];
        let of = |loss: &str, method: &str, named: [[u32; 4]; 2]| -> Vec<Outcome> {
            let each = named.iter().enumerate();
            each.map(|(seed, named)| named_outcome(loss, method, seed as u64, &labels, named))
                .collect()
        };
        vec![
            of("ce", "smote", [[0, 0, 1, 0], [0, 0, 0, 0]]),
            of("ce", "as-trained", [[0, 0, 0, 0], [0, 0, 0, 0]]),
            of("focal", "smote", [[0, 0, 1, 1], [0, 0, 1, 1]]),
        ]
    }

    #[test]
    fn figures_are_means_and_deviations_over_seeds() {
        let summary = summarise(&groups(), None, Vec::new()).unwrap();
        assert_eq!(summary.baseline, "ce/as-trained");
        assert_eq!(summary.seeds, [0, 1]);
        let smote = &summary.lines[0];
        assert_eq!(
            (smote.bac.mean, &smote.bac.values[..]),
            (0.625, &[0.75, 0.5][..])
        );
        let deviation = smote.bac.deviation.unwrap();
        assert!((deviation - 0.125 * 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(smote.recall, [1.0, 0.25]);
        assert_eq!(smote.difference.unwrap().mean, 0.125);
        assert_eq!(summary.lines[1].difference, None);
        assert_eq!(Spread::of(vec![0.5]).deviation, None);
    }

    #[test]
    fn a_baseline_is_named_alone_or_with_its_loss() {
        let found = |name| find(&groups(), Some(name));
        assert_eq!(found("smote").unwrap(), 0);
        assert_eq!(found("focal/smote").unwrap(), 2);
        let told = found("eos").unwrap_err().to_string();
        assert!(
            told.contains("there are ce/smote, ce/as-trained, focal/smote"),
            "{told}"
        );
    }
}
