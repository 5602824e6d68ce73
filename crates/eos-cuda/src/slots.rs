//! Queries in tiles.

use crate::layout::Layout;
use crate::stages::TILE;
use eos_tensor::Classes;

/// Queries, a tile after the other; those of a tile have one class where the filter asks for it.
pub(crate) struct Slots {
    /// Class of each tile; 0 where the filter does not ask.
    tiles: Vec<usize>,
    /// Position of each slot's row, `u32::MAX` where the slot is empty: `[tiles, TILE]`.
    positions: Vec<u32>,
    /// Where each slot's query stands in the list of queries, `u32::MAX` where the slot is empty: `[tiles, TILE]`.
    places: Vec<u32>,
}

/// Some of the tiles.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) tiles: &'a [usize],
    pub(crate) positions: &'a [u32],
    pub(crate) places: &'a [u32],
}

impl Slots {
    /// Those at places `chosen` of the list of queries.
    pub(crate) fn new(
        layout: &Layout,
        queries: &[u32],
        mut chosen: Vec<u32>,
        classes: Classes,
    ) -> Self {
        let class = |place: &u32| match classes {
            Classes::Any => 0,
            _ => layout.class[queries[*place as usize] as usize] as usize,
        };
        chosen.sort_by_key(class);
        let mut slots = Self {
            tiles: Vec::new(),
            positions: Vec::new(),
            places: Vec::new(),
        };
        let classes = chosen.chunk_by(|a, b| class(a) == class(b));
        for places in classes.flat_map(|places| places.chunks(TILE)) {
            slots.tiles.push(class(&places[0]));
            let row = |place: &u32| queries[*place as usize] as usize;
            let positions = places.iter().map(|place| layout.positions[row(place)]);
            slots.positions.extend(positions);
            slots.places.extend_from_slice(places);
            let whole = slots.tiles.len() * TILE;
            slots.positions.resize(whole, u32::MAX);
            slots.places.resize(whole, u32::MAX);
        }
        slots
    }

    /// All, at most so many slots at a time, which are whole tiles.
    pub(crate) fn parts(&self, most: usize) -> impl Iterator<Item = Part<'_>> {
        let tiles = self.tiles.chunks(most / TILE);
        let slots = self.positions.chunks(most).zip(self.places.chunks(most));
        tiles.zip(slots).map(|(tiles, (positions, places))| Part {
            tiles,
            positions,
            places,
        })
    }
}
