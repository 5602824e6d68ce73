//! What cannot be measured is refused before anything is.

use super::{Options, Request, Set};
use crate::Error;
use crate::phases::Labelled;

/// More subsets than anybody waits for.
const MOST_DRAWS: u32 = 1_000_000;

impl Options {
    fn check(&self) -> Result<(), Error> {
        let quantile = self.quantile;
        if !(0.0..0.5).contains(&quantile) {
            return Err(Error::Request(format!(
                "quantile is {quantile}, wanted 0 (least and greatest value) to below 0.5; try 0.05"
            )));
        }
        let draws = self.equal_rows.map_or(1, |control| control.draws);
        if !(1..=MOST_DRAWS).contains(&draws) {
            return Err(Error::Request(format!(
                "draws of equal rows are {draws}, wanted 1 to {MOST_DRAWS}; try 100"
            )));
        }
        Ok(())
    }
}

impl Request<'_> {
    /// Refuses what [`analyse`](super::analyse) names.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.options.check()?;
        if self.sets.is_empty() || self.classes.is_empty() {
            let (sets, classes) = (self.sets.len(), self.classes.len());
            return Err(Error::Request(format!(
                "{sets} sets of {classes} classes; give the training rows and at least one class"
            )));
        }
        let fits = |what: &str, data: Labelled<'_>| labels(what, data, self.classes.len());
        fits("unseen rows", self.test)?;
        for (at, set) in self.sets.iter().enumerate() {
            fits(set.name, set.data)?;
            self.check_set(set)?;
            if self.sets[..at].iter().any(|other| other.name == set.name) {
                return Err(Error::Request(format!(
                    "two sets are called '{}'; give each a name of its own",
                    set.name
                )));
            }
        }
        Ok(())
    }

    fn check_set(&self, set: &Set<'_>) -> Result<(), Error> {
        let (name, dims, classes) = (set.name, self.test.rows.dims(), self.classes.len());
        if set.data.rows.dims() != dims {
            return Err(Error::Request(format!(
                "{name} has rows of {} values, the unseen rows {dims}; give embeddings of one network",
                set.data.rows.dims()
            )));
        }
        match set.head {
            Some(head) if head.classes != classes => Err(Error::Request(format!(
                "the head of {name} tells {} classes apart, the rows have {classes}; give the head \
                 of these rows",
                head.classes
            ))),
            Some(head) if head.dims != dims => Err(Error::Request(format!(
                "the head of {name} takes rows of {} values, these have {dims}; give embeddings and \
                 head of one network",
                head.dims
            ))),
            _ => Ok(()),
        }
    }
}

/// Refuses labels that are not one of `classes` for each row.
fn labels(what: &str, data: Labelled<'_>, classes: usize) -> Result<(), Error> {
    let (rows, count) = (data.rows.len(), data.labels.len());
    if rows != count {
        return Err(Error::Request(format!(
            "{what}: {count} labels for {rows} rows; give one label a row"
        )));
    }
    let outside = data
        .labels
        .iter()
        .position(|label| *label as usize >= classes);
    outside.map_or(Ok(()), |row| {
        Err(Error::Request(format!(
            "{what}: label of row {row} is {}, wanted a class index below {classes}; correct the \
             label or name every class",
            data.labels[row]
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{EqualRows, analyse};
    use super::*;
    use eos_model::{Head, HeadKind};
    use eos_tensor::Rows;

    fn data<'a>(values: &'a [f32], dims: usize, labels: &'a [u32]) -> Labelled<'a> {
        let rows = Rows::new(values, dims).unwrap();
        Labelled { rows, labels }
    }

    /// What is said of two sets, the second `other`, with `test` and `options`.
    fn told(other: Set<'_>, test: Labelled<'_>, options: Options) -> String {
        let first = Set {
            name: "training rows",
            data: data(&[0.0, 1.0], 1, &[0, 1]),
            head: None,
        };
        let request = Request {
            classes: &["a".to_owned(), "b".to_owned()],
            sets: &[first, other],
            test,
            options,
        };
        match analyse(&request) {
            Ok(_) => "fine".to_owned(),
            Err(error) => {
                assert!(error.is_usage());
                error.to_string()
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let head = |classes, dims| Head::fresh(HeadKind::Linear, classes, dims, 0);
        let set = Set {
            name: "smote",
            data: data(&[0.0, 1.0, 2.0], 1, &[0, 1, 1]),
            head: None,
        };
        let test = data(&[0.5, 2.5], 1, &[0, 1]);
        let of = |set, test| told(set, test, Options::default());
        assert_eq!(of(set, test), "fine");
        let short = Set {
            data: data(&[0.0, 1.0], 1, &[0]),
            ..set
        };
        assert_eq!(
            of(short, test),
            "smote: 1 labels for 2 rows; give one label a row"
        );
        let wide = Set {
            data: data(&[0.0, 1.0], 2, &[0]),
            ..set
        };
        assert_eq!(
            of(wide, test),
            "smote has rows of 2 values, the unseen rows 1; give embeddings of one network"
        );
        assert_eq!(
            of(set, data(&[0.5, 2.5], 1, &[0, 2])),
            "unseen rows: label of row 1 is 2, wanted a class index below 2; correct the label or \
             name every class"
        );
        let same = Set {
            name: "training rows",
            ..set
        };
        assert!(of(same, test).starts_with("two sets are called 'training rows'"));
        let heads = [head(3, 1), head(2, 4)];
        assert!(
            of(
                Set {
                    head: Some(&heads[0]),
                    ..set
                },
                test
            )
            .starts_with("the head of smote tells 3 classes apart, the rows have 2")
        );
        assert!(
            of(
                Set {
                    head: Some(&heads[1]),
                    ..set
                },
                test
            )
            .starts_with("the head of smote takes rows of 4 values, these have 1")
        );
        for quantile in [-0.1, 0.5, f64::NAN] {
            let options = Options {
                quantile,
                equal_rows: None,
            };
            assert!(
                told(set, test, options).starts_with(&format!("quantile is {quantile}, wanted"))
            );
        }
        let equal_rows = Some(EqualRows { draws: 0, seed: 0 });
        let options = Options {
            quantile: 0.0,
            equal_rows,
        };
        assert!(told(set, test, options).starts_with("draws of equal rows are 0"));
    }
}
