//! Steps of a workflow: each announced when it starts and timed when it ends.

use std::time::Instant;

use anyhow::Result;

/// How a step ended.
pub enum Outcome {
    /// It did what it is for.
    Done,
    /// It could not run here, and why.
    Skipped(String),
}

/// The steps of one workflow so far.
#[derive(Default)]
pub struct Steps {
    finished: Vec<(String, String)>,
}

impl Steps {
    /// Runs one step, prints its name before and its seconds after, and stops the workflow where it fails.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step().map_err(|error| error.context(format!("step '{name}' failed")))?;
        let seconds = format!("{:.1} s", start.elapsed().as_secs_f64());
        let result = match outcome {
            Outcome::Done => seconds,
            Outcome::Skipped(why) => format!("skipped: {why}"),
        };
        println!("== {name}: {result}");
        self.finished.push((name.to_owned(), result));
        Ok(())
    }

    /// One line a step.
    pub fn summary(&self) -> String {
        let width = self
            .finished
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or(0);
        self.finished
            .iter()
            .map(|(name, result)| format!("{name:width$}  {result}\n"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_with_what_became_of_them() {
        let mut steps = Steps::default();
        steps.run("one", || Ok(Outcome::Done)).expect("it is done");
        steps
            .run("longer", || Ok(Outcome::Skipped("no device".into())))
            .expect("it is skipped");
        let summary = steps.summary();
        assert!(summary.starts_with("one     0.0 s\n"), "{summary}");
        assert!(
            summary.ends_with("longer  skipped: no device\n"),
            "{summary}"
        );
    }

    #[test]
    fn a_failing_step_is_named() {
        let failure = Steps::default()
            .run("broken", || anyhow::bail!("the reason"))
            .expect_err("the step fails");
        assert_eq!(format!("{failure:#}"), "step 'broken' failed: the reason");
    }
}
