//! What a method of neighbours does with a class that has fewer rows than it looks for: one
//! parameter, the same for every such method.

use crate::error::Error;
use crate::host::Host;
use crate::params::Choice;

crate::choice! {
    /// What to do with a class of k rows or fewer, whose rows have fewer than k class-mates.
    ///
    /// A method declares it as the parameter
    /// `small_class: choice(SmallClass) = "shrink-k", "what to do with a class of k rows or fewer";`
    /// and asks [`neighbours_of`](Self::neighbours_of) how many class-mates to look for.
    #[derive(PartialEq, Eq)]
    pub enum SmallClass {
        /// Draw among the class-mates that there are. A class of one row is repeated. The default:
        /// long-tailed data has such classes, and interpolating between four rows is still better
        /// than stopping or than four rows repeated.
        ShrinkK = "shrink-k",
        /// Repeat its rows, as random over-sampling does.
        Duplicate = "duplicate",
        /// Refuse, as imbalanced-learn does.
        Error = "error",
    }
}

/// A class that wants rows, for [`SmallClass`] and the words that it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrowingClass<'a> {
    /// The method's name in messages, such as `SMOTE`.
    pub method: &'a str,
    /// The class.
    pub label: u32,
    /// Rows that it has, at least 1.
    pub rows: usize,
    /// Rows to make.
    pub wanted: u64,
}

impl GrowingClass<'_> {
    /// `class 3 has 5 rows`.
    fn size(&self) -> String {
        let (label, rows) = (self.label, self.rows);
        let plural = if rows == 1 { "" } else { "s" };
        format!("class {label} has {rows} row{plural}")
    }
}

impl SmallClass {
    /// Class-mates among which each row of `class` draws: `k`, or fewer where there are fewer; 0
    /// where its rows are to be repeated. Where that is not `k`, the host gets a note of it.
    ///
    /// # Errors
    /// Where the class has `k` rows or fewer and the choice is [`SmallClass::Error`].
    pub fn neighbours_of(
        self,
        host: &Host<'_>,
        class: &GrowingClass<'_>,
        k: usize,
    ) -> Result<usize, Error> {
        let (neighbours, note) = self.decide(class, k)?;
        if let Some(note) = note {
            host.note(&note);
        }
        Ok(neighbours)
    }

    /// What [`neighbours_of`](Self::neighbours_of) answers, and its note.
    ///
    /// ```
    /// use eos_plugin::{GrowingClass, SmallClass};
    ///
    /// let class = GrowingClass { method: "SMOTE", label: 3, rows: 4, wanted: 90 };
    /// let (k, note) = SmallClass::ShrinkK.decide(&class, 5).unwrap();
    /// assert_eq!(k, 3);
    /// assert_eq!(
    ///     note.unwrap(),
    ///     "class 3 has 4 rows: k = 3 instead of 5 for its 90 synthetic rows \
    ///      (small-class = \"shrink-k\")"
    /// );
    /// assert_eq!(SmallClass::ShrinkK.decide(&class, 3).unwrap(), (3, None));
    /// ```
    ///
    /// # Errors
    /// As there.
    pub fn decide(
        self,
        class: &GrowingClass<'_>,
        k: usize,
    ) -> Result<(usize, Option<String>), Error> {
        if class.rows > k {
            return Ok((k, None));
        }
        let (size, wanted, word) = (class.size(), class.wanted, self.name());
        let mates = class.rows.saturating_sub(1);
        match self {
            Self::Error => Err(Error::failed(format_args!(
                "{size}, {} with k = {k} needs {}; lower k, or set small-class to \
                 \"shrink-k\" or \"duplicate\"",
                class.method,
                k.saturating_add(1)
            ))),
            Self::ShrinkK if mates > 0 => Ok((
                mates,
                Some(format!(
                    "{size}: k = {mates} instead of {k} for its {wanted} synthetic rows \
                     (small-class = \"{word}\")"
                )),
            )),
            Self::ShrinkK | Self::Duplicate => Ok((
                0,
                Some(format!(
                    "{size}: its {wanted} synthetic rows are copies (small-class = \"{word}\")"
                )),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(rows: usize) -> GrowingClass<'static> {
        GrowingClass {
            method: "SMOTE",
            label: 7,
            rows,
            wanted: 9,
        }
    }

    #[test]
    fn a_class_with_k_mates_is_large_enough_by_every_choice() {
        for choice in [
            SmallClass::ShrinkK,
            SmallClass::Duplicate,
            SmallClass::Error,
        ] {
            assert_eq!(choice.decide(&class(6), 5), Ok((5, None)));
        }
    }

    #[test]
    fn a_small_class_shrinks_k_or_is_repeated_and_says_so() {
        let decide = |choice: SmallClass, rows| {
            let (k, note) = choice.decide(&class(rows), 5).unwrap();
            (k, note.unwrap())
        };
        let (k, note) = decide(SmallClass::ShrinkK, 5);
        assert_eq!(k, 4);
        assert_eq!(
            note,
            "class 7 has 5 rows: k = 4 instead of 5 for its 9 synthetic rows (small-class = \
             \"shrink-k\")"
        );
        let (k, note) = decide(SmallClass::ShrinkK, 1);
        assert_eq!(k, 0);
        assert_eq!(
            note,
            "class 7 has 1 row: its 9 synthetic rows are copies (small-class = \"shrink-k\")"
        );
        let (k, note) = decide(SmallClass::Duplicate, 5);
        assert_eq!(k, 0);
        assert_eq!(
            note,
            "class 7 has 5 rows: its 9 synthetic rows are copies (small-class = \"duplicate\")"
        );
    }

    #[test]
    fn a_small_class_is_refused_on_request() {
        let refuse = |k| {
            let refused = SmallClass::Error.decide(&class(5), k);
            refused.unwrap_err().to_string()
        };
        assert_eq!(
            refuse(5),
            "class 7 has 5 rows, SMOTE with k = 5 needs 6; lower k, or set small-class to \
             \"shrink-k\" or \"duplicate\""
        );
        assert!(refuse(usize::MAX).contains(&usize::MAX.to_string()));
    }
}
