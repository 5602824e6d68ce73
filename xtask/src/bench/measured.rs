//! What a side printed, collected over the rounds.

use serde::Deserialize;

/// A line of a program's output: seconds of one piece of work, or why there are none.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Line {
    pub work: String,
    /// The median of the program's runs.
    pub seconds: Option<f64>,
    pub least: Option<f64>,
    pub refused: Option<String>,
    /// Seconds that the operations alone would take at the FMA peak of the same run.
    pub floor: Option<f64>,
    /// What the program's libraries ran on.
    pub on: Option<String>,
}

/// One side's figures for one piece of work.
#[derive(Debug, Default)]
pub struct Entry {
    pub work: String,
    seconds: Vec<f64>,
    least: Vec<f64>,
    floor: Vec<f64>,
    pub refused: Option<String>,
}

impl Entry {
    /// The median of the rounds' seconds.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }

    /// The least seconds of all runs.
    pub fn least(&self) -> Option<f64> {
        self.least.iter().copied().min_by(f64::total_cmp)
    }

    /// The share of the FMA peak that the fastest run reached.
    pub fn share(&self) -> Option<f64> {
        let floor = self.floor.iter().copied().min_by(f64::total_cmp)?;
        Some(floor / self.least()?)
    }
}

/// One side's figures, in the order in which it printed them.
#[derive(Debug, Default)]
pub struct Side {
    pub name: String,
    pub entries: Vec<Entry>,
    /// What its libraries ran on.
    pub on: Option<String>,
}

impl Side {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub fn add(&mut self, line: Line) {
        let at = self
            .entries
            .iter()
            .position(|entry| entry.work == line.work);
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry {
                work: line.work,
                ..Entry::default()
            });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[at];
        entry.seconds.extend(line.seconds);
        entry.least.extend(line.least.or(line.seconds));
        entry.floor.extend(line.floor);
        entry.refused = entry.refused.take().or(line.refused);
        self.on = self.on.take().or(line.on);
    }

    pub fn of(&self, work: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.work == work)
    }
}
