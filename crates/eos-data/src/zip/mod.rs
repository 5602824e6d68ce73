//! The part of the zip format that npz files use: stored or deflated entries, zip64.
//!
//! Source: PKWARE's APPNOTE, version 6.3.

mod read;
mod size;
mod write;

pub(crate) use read::Archive;
pub(crate) use size::size;
pub(crate) use write::ZipWriter;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
/// Marks the extra field that holds 64-bit sizes.
const EXTRA_64: u16 = 1;
/// A 32-bit field whose value stands in the extra field.
const ELSEWHERE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Cursor, path::Path};

    /// Two entries, with sizes and positions from `large` on in 64 bits.
    fn archive(large: u64) -> Vec<u8> {
        let mut zip = ZipWriter::with_large(Cursor::new(Vec::new()), large);
        for (name, content) in [("small", b"ab".repeat(3)), ("large", b"cde".repeat(100))] {
            zip.begin(name, content.len() as u64).unwrap();
            content.chunks(7).for_each(|part| zip.write(part).unwrap());
            zip.end().unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn entries_are_read_back_with_narrow_and_wide_sizes() {
        let plain = archive(u64::from(ELSEWHERE));
        for large in [0, 7, 100, 301, 1000] {
            let bytes = archive(large);
            let wide = bytes.windows(4).any(|window| window == LOCATOR_64);
            // The directory begins after two headers of 35 bytes and 306 bytes of content.
            assert_eq!(
                (wide, bytes != plain),
                (large < 400, large < 400),
                "{large}"
            );
            let size = size::with_large([(5, 6), (5, 300)], large);
            assert_eq!(size, bytes.len() as u64);
            let archive = Archive::open(Path::new("a.zip"), &bytes).unwrap();
            assert_eq!(archive.names().collect::<Vec<_>>(), ["small", "large"]);
            let content = |name| archive.entry(name).unwrap().map(|c| c.into_owned());
            assert_eq!(content("small").unwrap(), b"ab".repeat(3));
            assert_eq!(content("large").unwrap(), b"cde".repeat(100));
            assert_eq!(content("other"), None);
        }
    }

    #[test]
    fn an_entry_must_have_the_size_that_it_declared() {
        let begun = || {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            zip.begin("a", 2).unwrap();
            zip
        };
        assert!(begun().write(b"abc").is_err());
        assert!(begun().end().is_err());
        assert!(begun().begin("b", 1).is_err());
        assert!(begun().finish().is_err());
        let mut ended = begun();
        ended.write(b"ab").unwrap();
        ended.end().unwrap();
        assert!(ended.write(b"").is_err() && ended.end().is_err());
        assert!(ended.finish().is_ok());
    }
}
