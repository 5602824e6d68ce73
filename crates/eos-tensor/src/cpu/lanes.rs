//! Vectors: all that the first pass needs of an instruction set.

/// `N` values of f32 in one register (or a few).
///
/// # Safety
/// Every function may be called only where the processor has the implementer's instructions, and
/// from code compiled for them, so that it is inlined.
pub(super) unsafe trait Floats: Copy {
    /// Values held; 16 at most.
    const N: usize;

    /// The first `N` values of `from`, which must hold as many.
    ///
    /// # Safety
    /// As the trait's; `from` holds at least `N` values.
    unsafe fn load(from: &[f32]) -> Self;

    /// Writes the values to the first `N` of `to`, which must have as many.
    ///
    /// # Safety
    /// As the trait's; `to` holds at least `N` values.
    unsafe fn store(self, to: &mut [f32]);

    /// `value` in every lane.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn splat(value: f32) -> Self;

    /// `self − other`, rounded.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn minus(self, other: Self) -> Self;

    /// The greater of each lane.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn max(self, other: Self) -> Self;

    /// A bit for each lane that is not below `floor`'s; set for NaN.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn not_below(self, floor: Self) -> u64;

    /// Inserts the number into the least sixteen, which rise: each place takes the greater of the
    /// number and its left neighbour, where that is less than what it holds.
    ///
    /// # Safety
    /// As the trait's.
    #[inline(always)]
    unsafe fn insert(least: &mut [f32; 16], score: f32) {
        let (old, mut left) = (*least, [score; 16]);
        left[1..].copy_from_slice(&old[..15]);
        for at in 0..16 {
            let greater = if left[at] > score { left[at] } else { score };
            least[at] = if greater < old[at] { greater } else { old[at] };
        }
    }

    /// Inserts the negative of each value that has a bit.
    ///
    /// # Safety
    /// As the trait's.
    #[inline(always)]
    unsafe fn insert_negatives(least: &mut [f32; 16], values: &[f32], mut bits: u64) {
        while bits != 0 {
            let score = -values[bits.trailing_zeros() as usize];
            bits &= bits - 1;
            // Most of many are no longer among the least.
            if score < least[15] {
                // SAFETY: as the caller vouches.
                unsafe { Self::insert(least, score) };
            }
        }
    }
}

/// Words of `N` rows in one register, and the running sums of their products.
///
/// A word is what a panel holds of a row in 4 bytes: one f32, or two i16.
///
/// # Safety
/// As [`Floats`]'.
pub(super) unsafe trait Words: Copy {
    /// Sums as numbers.
    type Floats: Floats;
    /// One sum a lane.
    type Sums: Copy;

    /// The `N` words at `from`.
    ///
    /// # Safety
    /// As the trait's; `from` may be read for `N` words.
    unsafe fn load(from: *const u32) -> Self;

    /// The word at `from` in every lane.
    ///
    /// # Safety
    /// As the trait's; `from` may be read.
    unsafe fn splat(from: *const u32) -> Self;

    /// Sums that start from the negatives of `halves`; for sums of integers, these are integers.
    ///
    /// # Safety
    /// As the trait's; `halves` holds at least `N` values.
    unsafe fn start(halves: &[f32]) -> Self::Sums;

    /// `sums + a · b`: for floats rounded once or twice, for integers exact while it fits.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn add_products(sums: Self::Sums, a: Self, b: Self) -> Self::Sums;

    /// The sums, rounded to f32.
    ///
    /// # Safety
    /// As the trait's.
    unsafe fn floats(sums: Self::Sums) -> Self::Floats;
}

/// Four lanes that compilers map to SSE2, NEON or scalars.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

// SAFETY: plain Rust; any processor runs it.
unsafe impl Floats for Portable {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn load(from: &[f32]) -> Self {
        Self([from[0], from[1], from[2], from[3]])
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32]) {
        to[..4].copy_from_slice(&self.0);
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn minus(mut self, other: Self) -> Self {
        for l in 0..4 {
            self.0[l] -= other.0[l];
        }
        self
    }

    #[inline(always)]
    unsafe fn max(mut self, other: Self) -> Self {
        for l in 0..4 {
            self.0[l] = if self.0[l] > other.0[l] {
                self.0[l]
            } else {
                other.0[l]
            };
        }
        self
    }

    #[inline(always)]
    unsafe fn not_below(self, floor: Self) -> u64 {
        let mut bits = 0;
        for l in 0..4 {
            let below = self.0[l] < floor.0[l];
            bits |= u64::from(!below) << l;
        }
        bits
    }
}

// SAFETY: as above; `load` and `splat` read what their callers vouch for.
unsafe impl Words for Portable {
    type Floats = Self;
    type Sums = Self;

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller vouches for four words; any bits are an f32.
        Self(unsafe { from.cast::<[f32; 4]>().read() })
    }

    #[inline(always)]
    unsafe fn splat(from: *const u32) -> Self {
        // SAFETY: the caller vouches for the word; any bits are an f32.
        Self([unsafe { from.cast::<f32>().read() }; 4])
    }

    #[inline(always)]
    unsafe fn start(halves: &[f32]) -> Self {
        Self([-halves[0], -halves[1], -halves[2], -halves[3]])
    }

    #[inline(always)]
    unsafe fn add_products(mut sums: Self, a: Self, b: Self) -> Self {
        // No mul_add: without FMA instructions it is a library call.
        for l in 0..4 {
            sums.0[l] += a.0[l] * b.0[l];
        }
        sums
    }

    #[inline(always)]
    unsafe fn floats(sums: Self) -> Self {
        sums
    }
}
