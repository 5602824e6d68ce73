//! The rows that a class grows from, and where each may go.

use crate::Compat;
use eos_plugin::{Classes, Draw, Error, Host, Recipe};

/// Slots of neighbours held at once; a large K on many rows is looked at in portions.
const SLOTS: usize = 1 << 22;

/// Bases of one class, each with the rows that it may go towards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    rows: Vec<u32>,
    targets: Vec<u32>,
    /// `end[b]` is one past the last of base b in `targets`.
    end: Vec<usize>,
}

impl Bases {
    /// Adds the row `base`, unless it has nowhere to go.
    pub fn push(&mut self, base: u32, targets: impl IntoIterator<Item = u32>) {
        let before = self.targets.len();
        self.targets.extend(targets);
        if self.targets.len() > before {
            self.rows.push(base);
            self.end.push(self.targets.len());
        }
    }

    /// Row numbers of the bases.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where base number `b` may go, nearest first; never empty.
    pub fn targets(&self, b: usize) -> &[u32] {
        let start = b.checked_sub(1).map_or(0, |before| self.end[before]);
        &self.targets[start..self.end[b]]
    }

    /// From the picked base towards the picked one of its targets.
    pub fn recipe(&self, label: u32, pick: Pick) -> Recipe {
        let base = self.rows[pick.base];
        let to = self.targets(pick.base)[pick.target];
        Recipe {
            label,
            base,
            from: base,
            to,
            ratio: pick.ratio,
        }
    }
}

/// What one sample has drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Number of the base.
    pub base: usize,
    /// Number among that base's targets.
    pub target: usize,
    /// How far to go.
    pub ratio: f32,
}

impl Pick {
    /// The pick that a sample's random words stand for.
    pub fn of(draw: &Draw, bases: &Bases) -> Self {
        let base = draw.base(bases.rows.len());
        let target = draw.neighbour(bases.targets(base).len());
        Self {
            base,
            target,
            ratio: draw.ratio(),
        }
    }
}

/// Where a base may go: its enemies among its neighbours `near`, nearest first; by the script's
/// count, for each enemy the row one position nearer, and the base itself for the first.
pub fn targets<'a>(
    base: u32,
    near: &'a [u32],
    labels: &'a [u32],
    compat: Compat,
) -> impl Iterator<Item = u32> + 'a {
    let own = labels[base as usize];
    let enemies = near
        .iter()
        .enumerate()
        .filter(move |(_, row)| labels[**row as usize] != own);
    enemies.map(
        move |(position, &row)| match (compat, position.checked_sub(1)) {
            (Compat::None, _) => row,
            (Compat::Reference, Some(nearer)) => near[nearer],
            (Compat::Reference, None) => base,
        },
    )
}

/// The bases among `members`: `add` is told of each member and its `k` nearest rows.
pub(crate) fn collect(
    host: &Host<'_>,
    members: &[u32],
    k: usize,
    classes: Classes,
    add: impl Fn(&mut Bases, u32, &[u32]),
) -> Result<Bases, Error> {
    let mut bases = Bases::default();
    for_each(host, members, k, classes, |base, near| {
        add(&mut bases, base, near);
    })?;
    Ok(bases)
}

/// Tells `take` of each row and its `k` nearest.
pub(crate) fn for_each(
    host: &Host<'_>,
    rows: &[u32],
    k: usize,
    classes: Classes,
    mut take: impl FnMut(u32, &[u32]),
) -> Result<(), Error> {
    for rows in rows.chunks((SLOTS / k.max(1)).max(1)) {
        let near = host.neighbours(rows, k, classes)?;
        for (q, &row) in rows.iter().enumerate() {
            take(row, near.of(q));
        }
    }
    Ok(())
}
