//! What can be wrong with rows, queries and recipes.

/// A refused argument of a batched operation. Nothing has been computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The values do not make whole rows.
    #[error("{values} values do not make rows of {dims}; give N × D values and D of at least 1")]
    Shape {
        /// Values given.
        values: usize,
        /// Dimensions of a row.
        dims: usize,
    },
    /// More rows than a row number can name.
    #[error("{rows} rows are too many: row numbers are 32 bits and 2³² − 1 marks an empty slot")]
    TooManyRows {
        /// Rows given.
        rows: usize,
    },
    /// A NaN or an infinity.
    #[error(
        "row {row}, column {column} holds {value}; distances need finite values: clean the embeddings first"
    )]
    NotFinite {
        /// Row of the first such value.
        row: usize,
        /// Its column.
        column: usize,
        /// The value.
        value: f32,
    },
    /// The number of labels is not the number of rows.
    #[error("{labels} labels for {rows} rows; give one label a row")]
    Labels {
        /// Labels given.
        labels: usize,
        /// Rows given.
        rows: usize,
    },
    /// A query or a recipe names a row that is not there.
    #[error("{what} {position} names row {row}, the data has {rows}")]
    NoSuchRow {
        /// "query", or the recipe's field.
        what: &'static str,
        /// Its position in the list.
        position: usize,
        /// The row named.
        row: u32,
        /// Rows there are.
        rows: usize,
    },
    /// No neighbours were asked for.
    #[error("k is 0; ask for at least one neighbour")]
    ZeroK,
    /// More slots than memory can address.
    #[error(
        "{queries} queries with {k} neighbours each cannot be held; ask for k below the number of rows"
    )]
    Slots {
        /// Queries given.
        queries: usize,
        /// Neighbours asked for.
        k: usize,
    },
    /// The output has the wrong length.
    #[error("the output holds {got} values, {wanted} are needed (samples × dimensions)")]
    Output {
        /// Values it holds.
        got: usize,
        /// Values needed.
        wanted: usize,
    },
    /// `EOS_SIMD` names no path.
    #[error("EOS_SIMD is '{name}'; set it to avx512vnni, avx512, avx2 or portable, or unset it")]
    UnknownSimd {
        /// What it holds.
        name: String,
    },
    /// A path was forced that this processor does not have.
    #[error("this processor has no {path} instructions; unset EOS_SIMD, or set it to portable")]
    SimdUnavailable {
        /// The path.
        path: crate::SimdPath,
    },
    /// A device that failed; its own words say what to do.
    #[error("{device}: {message}")]
    Device {
        /// Which.
        device: String,
        /// What happened.
        message: String,
    },
}
