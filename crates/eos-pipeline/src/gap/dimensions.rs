//! The gap dimension by dimension, as CSV.

use super::ranges::{Members, Ranges, beyond};
use super::{OUTCOMES, Request, by_outcome, of_labels};
use crate::Error;
use std::io::{self, Write};

/// Ends of the ranges and the gap of every set, outcome, class and dimension.
#[derive(Debug)]
pub struct Dimensions<'a> {
    request: Request<'a>,
    /// What the head of each set names the unseen rows.
    named: Vec<Option<Vec<u32>>>,
}

impl<'a> Dimensions<'a> {
    /// Of what [`analyse`](super::analyse) measures.
    ///
    /// # Errors
    /// As [`analyse`](super::analyse).
    pub fn new(request: &Request<'a>) -> Result<Self, Error> {
        request.check()?;
        let rows = request.test.rows.data();
        let heads = request.sets.iter().map(|set| set.head);
        let named = heads.map(|head| head.map(|head| head.predict(rows)).transpose());
        Ok(Self {
            request: *request,
            named: named.collect::<Result<_, _>>()?,
        })
    }

    /// Writes a line `set,outcome,class,dimension,train_lower,train_upper,test_lower,test_upper,gap`
    /// each, dimensions from 0, outcome "all", "true positives", "false negatives" or "false
    /// positives"; fields that are missing are empty.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Request {
            classes,
            sets,
            test,
            options,
        } = self.request;
        writeln!(
            out,
            "set,outcome,class,dimension,train_lower,train_upper,test_lower,test_upper,gap"
        )?;
        let range = |rows, members: &Members| Ranges::of(rows, members, options.quantile);
        let all = range(test.rows, &of_labels(test.labels, classes.len()));
        for (set, named) in sets.iter().zip(&self.named) {
            let known = range(set.data.rows, &of_labels(set.data.labels, classes.len()));
            self.write_set(out, [set.name, "all"], [&known, &all])?;
            let Some(named) = named else { continue };
            let parts = by_outcome(test.labels, named, classes.len());
            for (outcome, members) in OUTCOMES.into_iter().zip(&parts) {
                let unseen = range(test.rows, members);
                self.write_set(out, [set.name, outcome], [&known, &unseen])?;
            }
        }
        Ok(())
    }

    fn write_set(
        &self,
        out: &mut dyn Write,
        [set, outcome]: [&str; 2],
        ranges: [&Ranges; 2],
    ) -> io::Result<()> {
        let set = field(set);
        for (c, class) in self.request.classes.iter().enumerate() {
            let class = field(class);
            let [train, test] = ranges.map(|ranges| {
                let there = ranges.counts[c] > 0;
                ranges
                    .class(c)
                    .iter()
                    .map(move |ends| there.then_some(*ends))
            });
            for (dimension, (train, test)) in train.zip(test).enumerate() {
                write!(out, "{set},{outcome},{class},{dimension}")?;
                for ends in [train, test] {
                    match ends {
                        Some([lower, upper]) => write!(out, ",{lower},{upper}")?,
                        None => write!(out, ",,")?,
                    }
                }
                match train.zip(test) {
                    Some((train, test)) => writeln!(out, ",{}", beyond(&train, &test))?,
                    None => writeln!(out, ",")?,
                }
            }
        }
        Ok(())
    }
}

/// A field of CSV (RFC 4180): in quotes where it needs them.
fn field(text: &str) -> String {
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
