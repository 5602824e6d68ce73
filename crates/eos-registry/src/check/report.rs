//! What the kit has found.

use std::fmt;
use std::time::Duration;

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The plugin does what it ought to; a remark may follow.
    Passed(String),
    /// The test does not apply, and why.
    Skipped(String),
    /// The plugin does not, and what to do.
    Failed(String),
}

/// One test.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was tested.
    pub name: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// Every test of one plugin. Its text is a table.
#[derive(Clone, Debug)]
pub struct Report {
    /// The plugin.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its method in a sentence.
    pub summary: String,
    /// In the order in which they ran.
    pub outcomes: Vec<Outcome>,
    /// How long all of it took.
    pub took: Duration,
}

impl Report {
    /// Whether no test failed.
    pub fn passed(&self) -> bool {
        let failed = |o: &Outcome| matches!(o.verdict, Verdict::Failed(_));
        !self.outcomes.iter().any(failed)
    }

    fn count(&self, which: impl Fn(&Verdict) -> bool) -> usize {
        self.outcomes.iter().filter(|o| which(&o.verdict)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plugin '{}' {}: {}", self.id, self.version, self.summary)?;
        for outcome in &self.outcomes {
            let (word, text) = match &outcome.verdict {
                Verdict::Passed(text) => ("ok", text),
                Verdict::Skipped(text) => ("skipped", text),
                Verdict::Failed(text) => ("FAILED", text),
            };
            let line = format!("  {:24} {word:8} {text}", outcome.name);
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(
            f,
            "{} ok, {} failed, {} skipped in {:.1} s",
            self.count(|v| matches!(v, Verdict::Passed(_))),
            self.count(|v| matches!(v, Verdict::Failed(_))),
            self.count(|v| matches!(v, Verdict::Skipped(_))),
            self.took.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_test_and_a_sum() {
        let outcome = |name, verdict| Outcome {
            name,
            verdict,
            took: Duration::ZERO,
        };
        let mut report = Report {
            id: "eos".into(),
            version: "0.1.0".into(),
            summary: "expands".into(),
            outcomes: vec![
                outcome("counts", Verdict::Passed(String::new())),
                outcome("on-segment", Verdict::Skipped("makes rows".into())),
            ],
            took: Duration::from_millis(1250),
        };
        assert!(report.passed());
        report
            .outcomes
            .push(outcome("fuzz", Verdict::Failed("seed 3: why".into())));
        assert!(!report.passed());
        assert_eq!(
            report.to_string(),
            "plugin 'eos' 0.1.0: expands\n  \
             counts                   ok\n  \
             on-segment               skipped  makes rows\n  \
             fuzz                     FAILED   seed 3: why\n\
             1 ok, 1 failed, 1 skipped in 1.2 s"
        );
    }
}
