//! A class none of whose rows has an enemy among its K nearest: well apart from all others.
//!
//! What is done then is never silent: each way ends in a note that counts the rows.

use crate::bases::{Bases, collect, targets};
use crate::{Class, Compat, Eos, NoEnemies};
use eos_plugin::params::Choice;
use eos_plugin::{Classes, Dataset, Error, Host};

/// The bases of a class that has none by the definition.
pub(crate) fn bases(
    eos: &Eos,
    data: &Dataset<'_>,
    host: &Host<'_>,
    class: &Class<'_>,
) -> Result<Bases, Error> {
    let (bases, how) = match eos.no_enemies {
        NoEnemies::Widen => widen(eos, data, host, class)?,
        NoEnemies::Nearest => nearest(eos, data, host, class)?,
        NoEnemies::Smote => class_mates(eos, data, host, class)?,
        NoEnemies::Error => {
            return Err(Error::failed(format_args!(
                "{} (no-enemies = \"error\"); raise k, or set no-enemies to \
                 \"widen\", \"nearest\" or \"smote\"",
                lonely(eos, class)
            )));
        }
    };
    if bases.is_empty() {
        return Err(Error::failed(format_args!(
            "class {} is the only class: there is nothing to expand it towards; set \
             no-enemies = \"smote\", or use another method",
            class.label
        )));
    }
    let (lonely, word) = (lonely(eos, class), eos.no_enemies.name());
    let wanted = class.wanted;
    host.note(&format!(
        "{lonely}: its {wanted} synthetic rows {how} (no-enemies = \"{word}\")"
    ));
    Ok(bases)
}

fn lonely(eos: &Eos, class: &Class<'_>) -> String {
    let (label, len, k) = (class.label, class.members.len(), eos.k);
    format!("class {label}: none of its {len} rows has another class among its {k} nearest")
}

/// K doubled until some row of the class has an enemy; it has at the latest where K exceeds the
/// number of its class-mates. The script stops with an error here, so there is no habit of its to
/// repeat, and the enemies are the true ones.
fn widen(
    eos: &Eos,
    data: &Dataset<'_>,
    host: &Host<'_>,
    class: &Class<'_>,
) -> Result<(Bases, String), Error> {
    let (mut k, most, labels) = (eos.k_of(data), data.len() - 1, data.labels());
    while k < most {
        k = k.saturating_mul(2).min(most);
        let bases = collect(host, class.members, k, Classes::Any, |bases, base, near| {
            bases.push(base, targets(base, near, labels, Compat::None));
        })?;
        if !bases.is_empty() {
            return Ok((bases, format!("were made with K widened to {k}")));
        }
    }
    nearest(eos, data, host, class)
}

fn nearest(
    eos: &Eos,
    data: &Dataset<'_>,
    host: &Host<'_>,
    class: &Class<'_>,
) -> Result<(Bases, String), Error> {
    let bases = collect(
        host,
        class.members,
        eos.k_of(data),
        Classes::Other,
        push_all,
    )?;
    Ok((
        bases,
        "go towards the nearest rows of other classes, however far".to_owned(),
    ))
}

/// As SMOTE; a class of one row is repeated.
fn class_mates(
    eos: &Eos,
    data: &Dataset<'_>,
    host: &Host<'_>,
    class: &Class<'_>,
) -> Result<(Bases, String), Error> {
    let mates = collect(host, class.members, eos.k_of(data), Classes::Same, push_all)?;
    if !mates.is_empty() {
        return Ok((mates, "were interpolated within the class".to_owned()));
    }
    let mut copies = Bases::default();
    class
        .members
        .iter()
        .for_each(|&row| copies.push(row, [row]));
    Ok((copies, "are copies of its only row".to_owned()))
}

/// Every row that was found is one to go towards.
fn push_all(bases: &mut Bases, base: u32, near: &[u32]) {
    bases.push(base, near.iter().copied());
}
