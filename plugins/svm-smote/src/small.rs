//! Classes with no more rows than neighbours to draw from.

use eos_plugin::params::Choice;
use eos_plugin::{Error, Host, choice};

choice! {
    /// What to do with a class of k rows or fewer, whose rows have fewer than k class-mates.
    #[derive(PartialEq, Eq)]
    pub enum SmallClass {
        /// Draw among the class-mates that there are. A class of one row is repeated.
        ShrinkK = "shrink-k",
        /// Repeat its rows, as random over-sampling does.
        Duplicate = "duplicate",
        /// Refuse, as imbalanced-learn does.
        Error = "error",
    }
}

/// Neighbours that rows of a class of `len` rows draw from; 0 where they are to be repeated.
pub(crate) fn neighbours_of(
    small: SmallClass,
    k: usize,
    (label, len, wanted): (u32, usize, u64),
    host: &Host<'_>,
) -> Result<usize, Error> {
    if len > k {
        return Ok(k);
    }
    let (mates, rows) = (len - 1, if len == 1 { "row" } else { "rows" });
    let (class, word) = (format!("class {label} has {len} {rows}"), small.name());
    match small {
        SmallClass::Error => Err(Error::failed(format_args!(
            "{class}, SVM-SMOTE with k = {k} needs {}; lower k, or set small-class to \
             \"shrink-k\" or \"duplicate\"",
            k.saturating_add(1)
        ))),
        SmallClass::ShrinkK if mates > 0 => {
            host.note(&format!(
                "{class}: k = {mates} instead of {k} for its {wanted} synthetic rows \
                 (small-class = \"{word}\")"
            ));
            Ok(mates)
        }
        _ => {
            host.note(&format!(
                "{class}: its {wanted} synthetic rows are copies (small-class = \"{word}\")"
            ));
            Ok(0)
        }
    }
}
