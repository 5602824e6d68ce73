//! How large an archive will be.

use super::ELSEWHERE;

/// Bytes of a local header, of an entry of the directory, of its end, without names and what is
/// added for 64 bits.
const LOCAL_LEN: u64 = 30;
const CENTRAL_LEN: u64 = 46;
const END_LEN: u64 = 22;
/// Both sizes in 64 bits, in a local header; the record and its locator before the end.
const SIZES_64_LEN: u64 = 20;
const END_64_LEN: u64 = 56 + 20;

/// Bytes of the archive that [`ZipWriter`](super::ZipWriter) makes of entries with names and
/// contents of these lengths.
pub(crate) fn size(entries: impl IntoIterator<Item = (usize, u64)>) -> u64 {
    with_large(entries, u64::from(ELSEWHERE))
}

/// The same where sizes and positions are written in 64 bits from `large` on.
pub(super) fn with_large(entries: impl IntoIterator<Item = (usize, u64)>, large: u64) -> u64 {
    let (mut at, mut directory) = (0, 0);
    for (name, content) in entries {
        let name = name as u64;
        let (wide, far) = (u64::from(content >= large), u64::from(at >= large));
        // Two sizes, a position, and what says that they are there.
        let extra = 4 * (wide | far) + 16 * wide + 8 * far;
        directory += CENTRAL_LEN + name + extra;
        at += LOCAL_LEN + name + SIZES_64_LEN * wide + content;
    }
    let end_64 = if at >= large { END_64_LEN } else { 0 };
    at + directory + end_64 + END_LEN
}
