//! The host's services by name, as safe calls: `eos.knn/1` and `eos.rng/1`.

use crate::abi;
use crate::error::Error;
use crate::shield;
use std::ops::Range;

/// Which rows may be neighbours of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// Every other row.
    Any,
    /// Other rows of the query's class.
    Same,
    /// Rows of other classes: the query's enemies.
    Other,
}

/// The nearest rows of `Q` queries, nearest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    k: usize,
    index: Vec<u32>,
    distance: Vec<f32>,
}

impl Neighbours {
    /// Neighbours asked for of each query; a list is shorter where there are fewer.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Rows nearest to query `q`, at most k of them.
    pub fn of(&self, q: usize) -> &[u32] {
        let all = &self.index[q * self.k..][..self.k];
        let filled = all
            .iter()
            .position(|&row| row == abi::NO_ROW)
            .unwrap_or(self.k);
        &all[..filled]
    }

    /// Squared Euclidean distances of query `q` to the rows of [`of`](Self::of).
    pub fn distances(&self, q: usize) -> &[f32] {
        &self.distance[q * self.k..][..self.of(q).len()]
    }
}

impl Neighbours {
    /// Those of some of the queries, k of each at most.
    pub(crate) fn part(&self, queries: Range<usize>, k: usize) -> Self {
        let k = k.min(self.k);
        let slots = queries.start * self.k..queries.end * self.k;
        // No slots have no length to be cut into.
        let step = self.k.max(1);
        let index = self.index[slots.clone()].chunks(step);
        let distance = self.distance[slots].chunks(step);
        Self {
            k,
            index: index.flat_map(|all| &all[..k]).copied().collect(),
            distance: distance.flat_map(|all| &all[..k]).copied().collect(),
        }
    }
}

/// One of several questions for [`Host::neighbours_of_each`](crate::Host::neighbours_of_each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// Whose neighbours.
    pub rows: &'a [u32],
    /// How many of each; none for 0.
    pub k: usize,
    /// Among which rows.
    pub classes: Classes,
}

impl<'a> Lookup<'a> {
    /// Slots of neighbours that lookups made together may have in all.
    const SLOTS: usize = 1 << 22;

    /// The lookups, cut into those to be made together.
    pub(crate) fn groups(mut lookups: &[Self]) -> impl Iterator<Item = &[Self]> {
        std::iter::from_fn(move || {
            let first = lookups.first()?;
            let (mut rows, mut k) = (first.rows.len(), first.k);
            let more = lookups[1..].iter().take_while(|lookup| {
                rows = rows.saturating_add(lookup.rows.len());
                k = k.max(lookup.k);
                lookup.classes == first.classes && rows.saturating_mul(k) <= Self::SLOTS
            });
            let (group, rest) = lookups.split_at(1 + more.count());
            lookups = rest;
            Some(group)
        })
    }
}

pub(crate) fn neighbours(
    table: &abi::Knn,
    queries: &[u32],
    k: usize,
    classes: Classes,
) -> Result<Neighbours, Error> {
    let name = abi::KNN_SERVICE;
    let call = table
        .neighbours
        .ok_or_else(|| Error::unsupported(format_args!("{name} is empty")))?;
    let too_many = || {
        let len = queries.len();
        Error::failed(format_args!(
            "{len} lists of {k} neighbours are more than memory holds"
        ))
    };
    let k32 = u32::try_from(k).map_err(|_| too_many())?;
    let slots = queries.len().checked_mul(k).ok_or_else(too_many)?;
    let mut index = filled(slots, abi::NO_ROW).ok_or_else(too_many)?;
    let mut distance = filled(slots, f32::INFINITY).ok_or_else(too_many)?;
    if slots == 0 {
        return Ok(Neighbours { k, index, distance });
    }
    let classes = match classes {
        Classes::Any => abi::ANY_CLASS,
        Classes::Same => abi::SAME_CLASS,
        Classes::Other => abi::OTHER_CLASS,
    };
    let (len, out) = (
        queries.len() as u64,
        (index.as_mut_ptr(), distance.as_mut_ptr()),
    );
    // SAFETY: the host's function with its context; it reads `len` queries, and both outputs hold
    // `len · k` values.
    let status = shield::open(|| unsafe {
        call(table.ctx, queries.as_ptr(), len, k32, classes, out.0, out.1)
    });
    match status {
        abi::OK => Ok(Neighbours { k, index, distance }),
        abi::CANCELLED => Err(Error::Cancelled),
        _ => Err(Error::failed(format_args!("the host's {name} failed"))),
    }
}

/// `len` copies of `value`, or `None` where memory does not suffice.
fn filled<T: Copy>(len: usize, value: T) -> Option<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(len).ok()?;
    values.resize(len, value);
    Some(values)
}

/// Random numbers by counter: any thread may ask in any order and gets the same answer.
#[derive(Clone, Copy, Debug)]
pub struct Rng<'a> {
    table: &'a abi::Rng,
    block: unsafe extern "C" fn(*mut std::ffi::c_void, u64, u32, u32, *mut u32),
}

// SAFETY: the boundary allows `block` from any thread, and the context is only handed back to it.
unsafe impl Send for Rng<'_> {}
// SAFETY: as above.
unsafe impl Sync for Rng<'_> {}

impl<'a> Rng<'a> {
    pub(crate) fn new(table: &'a abi::Rng) -> Result<Self, Error> {
        let name = abi::RNG_SERVICE;
        let block = table
            .block
            .ok_or_else(|| Error::unsupported(format_args!("{name} is empty")))?;
        Ok(Self { table, block })
    }

    /// Four words of Philox4x32-10 for the counter (index, stream, block).
    pub fn block(&self, index: u64, stream: u32, block: u32) -> [u32; 4] {
        let mut words = [0; 4];
        // SAFETY: the host's function with its context; it writes four words.
        unsafe { (self.block)(self.table.ctx, index, stream, block, words.as_mut_ptr()) };
        words
    }

    /// What is drawn for sample `index` of class `class`.
    pub fn draw(&self, class: u32, index: u64) -> Draw {
        self.sample(class, index).draw()
    }

    /// Sample `index` of class `class`, for methods that draw more than [`Draw`] holds.
    pub fn sample(&self, class: u32, index: u64) -> Sample<'a> {
        Sample {
            rng: *self,
            class,
            index,
        }
    }
}

/// One sample and all the random words that it may draw.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    rng: Rng<'a>,
    class: u32,
    index: u64,
}

impl<'a> Sample<'a> {
    /// Number of the sample within its class.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Block 0: base, neighbour and ratio.
    pub fn draw(&self) -> Draw {
        Draw {
            words: self.block(0),
        }
    }

    /// Four words; those of block 0 have their uses in [`Draw`], further blocks are the method's.
    pub fn block(&self, block: u32) -> [u32; 4] {
        self.rng.block(self.index, self.class, block)
    }

    /// The words of block `first`, then of the next, without end.
    pub fn words(self, first: u32) -> impl Iterator<Item = u32> + use<'a> {
        (first..).flat_map(move |block| self.block(block))
    }
}

/// One sample's draws. The words have their uses by position, so that two methods with the same
/// seed draw the same bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Word 0 picks the base, 1 the neighbour, 2 the ratio; 3 is free.
    pub words: [u32; 4],
}

impl Draw {
    /// Picks one of `n` bases: `⌊word 0 · n / 2³²⌋`.
    pub fn base(&self, n: usize) -> usize {
        below(self.words[0], n)
    }

    /// Picks one of `n` neighbours: `⌊word 1 · n / 2³²⌋`.
    pub fn neighbour(&self, n: usize) -> usize {
        below(self.words[1], n)
    }

    /// A ratio in `[0, 1)`: the upper 24 bits of word 2, times 2⁻²⁴.
    ///
    /// ```
    /// let draw = eos_plugin::Draw { words: [0, 0, 0xC000_0000, 0] };
    /// assert_eq!(draw.ratio(), 0.75);
    /// ```
    pub fn ratio(&self) -> f32 {
        (self.words[2] >> 8) as f32 * 2f32.powi(-24)
    }
}

/// A number in (0, 1) from a word, never an end of it: `(word + ½) / 2³²`.
///
/// ```
/// assert_eq!(eos_plugin::open_unit(0x7FFF_FFFF), 0.5 - 0.5f64.powi(33));
/// ```
pub fn open_unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 4_294_967_296.0
}

/// A number in `0..n` from a word, for n up to 2³²: `⌊word · n / 2³²⌋`.
///
/// ```
/// assert_eq!(eos_plugin::below(0x8000_0000, 10), 5);
/// ```
pub fn below(word: u32, n: usize) -> usize {
    ((u64::from(word) * n as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_reach_both_ends_and_no_further() {
        let (low, high) = (
            Draw { words: [0; 4] },
            Draw {
                words: [u32::MAX; 4],
            },
        );
        assert_eq!((low.base(7), low.neighbour(7), low.ratio()), (0, 0, 0.0));
        assert_eq!((high.base(7), high.neighbour(7)), (6, 6));
        assert!(high.ratio() < 1.0 && high.ratio() > 0.999_999);
    }

    #[test]
    fn lookups_that_fit_together_are_made_together() {
        let (few, many) = ([1, 2], vec![0; Lookup::SLOTS / 4]);
        let of = |rows, k, classes| Lookup { rows, k, classes };
        let lookups = [
            of(&few, 3, Classes::Same),
            of(&few, 0, Classes::Same),
            of(&few, 2, Classes::Any),
            of(&many, 2, Classes::Any),
            of(&few, 4, Classes::Any),
            of(&many, 9, Classes::Any),
        ];
        let groups = |lookups: &[Lookup<'_>]| -> Vec<usize> {
            Lookup::groups(lookups).map(<[_]>::len).collect()
        };
        assert_eq!(groups(&lookups), [2, 2, 1, 1]);
        assert!(groups(&[]).is_empty());
    }

    #[test]
    fn a_part_has_its_own_queries_and_its_own_k() {
        let all = Neighbours {
            k: 2,
            index: vec![4, 2, 7, abi::NO_ROW, 1, 3],
            distance: vec![0.5, 1.5, 2.0, f32::INFINITY, 0.0, 1.0],
        };
        let part = all.part(1..3, 5);
        assert_eq!(
            (part.k(), part.of(0), part.of(1)),
            (2, &[7][..], &[1, 3][..])
        );
        let part = all.part(0..3, 1);
        assert_eq!([0, 1, 2].map(|q| part.of(q).to_vec()), [[4], [7], [1]]);
        assert_eq!(part.distances(2), [0.0]);
        assert!(all.part(1..3, 0).of(1).is_empty());
    }

    #[test]
    fn a_short_list_ends_at_its_first_empty_slot() {
        let inf = f32::INFINITY;
        let near = Neighbours {
            k: 3,
            index: vec![4, 2, abi::NO_ROW, abi::NO_ROW, abi::NO_ROW, abi::NO_ROW],
            distance: vec![0.5, 1.5, inf, inf, inf, inf],
        };
        assert_eq!(
            (near.of(0), near.distances(0)),
            (&[4, 2][..], &[0.5, 1.5][..])
        );
        assert!(near.of(1).is_empty() && near.distances(1).is_empty());
    }
}
