//! Checked rows that several owners share: values in memory, or in place in a mapped file.

use eos_tensor::{Error, Rows};
use memmap2::Mmap;
use std::{fmt, sync::Arc};

/// Values of rows, at one address for as long as they live.
pub(crate) enum Values {
    Owned(Vec<f32>),
    /// Little-endian values in place, from a byte of the map that is a multiple of 4 to its end.
    Mapped(Mmap, usize),
}

impl Values {
    /// The values of `map` from byte `begin` to its end, in place.
    ///
    /// None where their number of bytes or their address is no multiple of 4, or where this
    /// machine's floats are not little-endian.
    pub(crate) fn mapped(map: Mmap, begin: usize) -> Result<Self, Mmap> {
        let bytes = &map[begin..];
        let aligned = bytes.as_ptr().cast::<f32>().is_aligned() && bytes.len().is_multiple_of(4);
        match aligned && cfg!(target_endian = "little") {
            true => Ok(Self::Mapped(map, begin)),
            false => Err(map),
        }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.values().len()
    }

    fn values(&self) -> &[f32] {
        match self {
            Self::Owned(values) => values,
            Self::Mapped(map, begin) => {
                let bytes = &map[*begin..];
                // SAFETY: `mapped` has found the address aligned and the length a multiple of 4,
                // and every pattern of bits is an f32. The map is only read; that its file stays
                // as it is meanwhile is what `Bytes::load` asks of its caller.
                unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / 4) }
            }
        }
    }
}

/// Finite rows `[N, D]`, checked once and owned together with their values. A clone shares them.
#[derive(Clone)]
pub(crate) struct SharedRows {
    /// Of `values`.
    view: Rows<'static>,
    /// Whether they lie in a file. Kept for what `view` looks at.
    values: Arc<Values>,
}

impl SharedRows {
    /// Checks `values` as rows of `dims`, in one pass.
    ///
    /// # Errors
    /// As [`Rows::new`].
    pub(crate) fn new(values: Values, dims: usize) -> Result<Self, Error> {
        let values = Arc::new(values);
        let slice = values.values();
        // SAFETY: the memory stays where it is, unchanged and unfreed, until the last owner of
        // `values` goes: neither a vector within an `Arc` nor a map moves its content. `view` is
        // private, goes together with this owner, and is only handed out for a borrow of it.
        let slice: &'static [f32] =
            unsafe { std::slice::from_raw_parts(slice.as_ptr(), slice.len()) };
        let view = Rows::new(slice, dims)?;
        Ok(Self { view, values })
    }

    pub(crate) fn view(&self) -> Rows<'_> {
        self.view
    }

    /// Whether the values lie in place in a mapped file.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(*self.values, Values::Mapped(..))
    }
}

impl PartialEq for SharedRows {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.view, other.view);
        a.dims() == b.dims() && a.data() == b.data()
    }
}

impl fmt::Debug for SharedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view.fmt(f)
    }
}
