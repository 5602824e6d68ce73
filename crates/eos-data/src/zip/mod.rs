//! The part of the zip format that npz files use: stored or deflated entries, zip64.
//!
//! Source: PKWARE's APPNOTE, version 6.3.

mod read;
mod write;

pub(crate) use read::Archive;
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
