//! Memory for a plugin to write to, with something behind it that shows a write too far.

use eos_plugin::abi::Recipe;

/// Values behind the end. A write further out than this is not seen, and nothing in one process
/// could see every one.
const GUARD: usize = 64;
/// Stands in words that nobody has written. As a label it is beyond every class, as a row number
/// beyond any data that fits into memory, as a float it is a NaN.
const BLANK: u32 = 0xFFC5_A11A;

/// A value whose bits can be compared.
pub(crate) trait Column: Copy {
    /// What stands where nothing was written.
    const BLANK: Self;

    /// Whether it still stands there.
    fn is_blank(&self) -> bool;
}

impl Column for u32 {
    const BLANK: Self = BLANK;

    fn is_blank(&self) -> bool {
        *self == BLANK
    }
}

impl Column for f32 {
    const BLANK: Self = f32::from_bits(BLANK);

    fn is_blank(&self) -> bool {
        self.to_bits() == BLANK
    }
}

impl Column for Recipe {
    const BLANK: Self = Self {
        label: BLANK,
        base: BLANK,
        from: BLANK,
        to: BLANK,
        ratio: f32::BLANK,
    };

    fn is_blank(&self) -> bool {
        [self.label, self.base, self.from, self.to]
            .iter()
            .all(Column::is_blank)
            && self.ratio.is_blank()
    }
}

/// `len` values and a guard behind them, all blank.
pub(crate) struct Guarded<T> {
    values: Vec<T>,
    len: usize,
}

impl<T: Column> Guarded<T> {
    /// `None` where memory does not suffice.
    pub(crate) fn new(len: usize) -> Option<Self> {
        let all = len.checked_add(GUARD)?;
        let mut values = Vec::new();
        values.try_reserve_exact(all).ok()?;
        values.resize(all, T::BLANK);
        Some(Self { values, len })
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.values.as_mut_ptr()
    }

    /// The first `written` values; `None` where the guard was written to.
    pub(crate) fn close(mut self, written: usize) -> Option<Vec<T>> {
        let whole = self.values[self.len..].iter().all(Column::is_blank);
        self.values.truncate(written.min(self.len));
        whole.then_some(self.values)
    }
}
