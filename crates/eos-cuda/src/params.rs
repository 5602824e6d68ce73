//! The kernels' parameters, field by field as in kernels/*.cuh.

/// A structure that a kernel takes by value.
///
/// # Safety
/// `repr(C)`, the same fields as the kernel's, no padding that is read.
pub(crate) unsafe trait Params: Copy {}

/// The bytes of values without pointers or padding.
pub(crate) fn bytes_of<T: Params>(values: &[T]) -> &[u8] {
    // SAFETY: `Params` are plain words and doubles, laid out without padding.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The same, to be written to.
pub(crate) fn bytes_of_mut<T: Params>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as `bytes_of`; any bytes are a value of these.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default)]
        pub(crate) struct $name { $(pub $field: $type),* }
        // SAFETY: `repr(C)` words, doubles and addresses; the sizes are checked below.
        unsafe impl Params for $name {}
        const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$type>())*, "no padding");
    )*};
}

// SAFETY: plain words.
unsafe impl Params for u32 {}
// SAFETY: plain words.
unsafe impl Params for u64 {}
// SAFETY: plain words.
unsafe impl Params for f32 {}
// SAFETY: plain words.
unsafe impl Params for f64 {}
// SAFETY: `repr(C)`, five words.
unsafe impl Params for eos_tensor::Recipe {}

params! {
    /// eos_gather
    Gather { rows: u64, positions: u64, out: u64, m: u32, stride: u32 }
    /// eos_prepare
    Prepare { rows: u64, mean: u64, stored: u64, half: u64, scale: f64, n: u32, dims: u32, stride: u32, tf32: u32 }
    /// One block's work in a scan.
    Task { tile: u32, begin: u32, end: u32, unused: u32 }
    /// eos_scan_*
    Scan {
        tasks: u64, queries: u64, rows: u64, half: u64, query_labels: u64, query_positions: u64, labels: u64,
        thresholds: u64, keys: u64, counts: u64,
        capacity: u32, kept: u32, stride: u32, first: u32, classes: u32, dense: u32,
    }
    /// eos_compact
    Compact {
        query_positions: u64, keys: u64, counts: u64, thresholds: u64, unproven: u64,
        slots: u32, capacity: u32, kept: u32, fresh: u32,
    }
    /// eos_measure
    Measure {
        queries: u64, rows: u64, query_positions: u64, keys: u64, distances: u64,
        slots: u32, capacity: u32, kept: u32, dims: u32, stride: u32, first: u32, n: u32, unused: u32,
    }
    /// eos_rank
    Rank {
        query_positions: u64, query_half: u64, keys: u64, distances: u64, order: u64, index: u64, distance: u64,
        unproven: u64,
        squared_scale: f64, relative: f64, absolute: f64, gain: f64, constant: f64, rounding: f64,
        capacity: u32, kept: u32, k: u32, direct: u32,
    }
    /// eos_exact_distances
    Exact {
        queries: u64, rows: u64, chosen: u64, query_labels: u64, query_positions: u64, labels: u64, distances: u64,
        total: u32, n: u32, first: u32, dims: u32, stride: u32, classes: u32,
    }
    /// eos_exact_select
    Select { distances: u64, order: u64, chosen: u64, index: u64, distance: u64, total: u32, k: u32 }
    /// eos_interpolate
    Interpolate { rows: u64, recipes: u64, out: u64, values: u64, dims: u32, unused: u32 }
}

/// What a scan does with the classes of query and row.
pub(crate) fn classes(classes: eos_tensor::Classes) -> u32 {
    match classes {
        eos_tensor::Classes::Any => 0,
        eos_tensor::Classes::Same => 1,
        eos_tensor::Classes::Other => 2,
    }
}
