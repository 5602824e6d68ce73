//! The header of an array: a Python dictionary as text.

use super::Place;
use crate::error::DataError;

const MAGIC: &[u8] = b"\x93NUMPY";

/// What an item of an array is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
    /// Code points of 4 bytes, padded with zeros.
    Text,
    /// Anything that is not read here.
    Other,
}

/// NumPy's description of an item, such as `<f4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dtype {
    pub(crate) kind: Kind,
    /// Bytes of an item.
    pub(crate) size: usize,
    /// Whether the bytes of an item stand in big-endian order.
    pub(crate) big: bool,
    /// The description as it stands in the file.
    pub(crate) descr: String,
}

impl Dtype {
    fn parse(descr: &str) -> Option<Self> {
        let mut letters = descr.chars();
        let order = letters.next()?;
        let kind = letters.next()?;
        let count: usize = match letters.as_str() {
            // Objects have no size.
            "" => 0,
            digits => digits.parse().ok()?,
        };
        let (kind, size) = match (kind, count) {
            ('f', 4 | 8) => (Kind::Float, count),
            ('i', 1 | 2 | 4 | 8) => (Kind::Signed, count),
            ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, count),
            ('b', 1) => (Kind::Bool, 1),
            ('U', 1..) => (Kind::Text, count.checked_mul(4)?),
            _ => (Kind::Other, count),
        };
        let big = match order {
            '<' | '|' => false,
            '>' => true,
            '=' => cfg!(target_endian = "big"),
            _ => return None,
        };
        Some(Self {
            kind,
            size,
            big,
            descr: descr.to_owned(),
        })
    }
}

/// Item type, order and shape of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) dtype: Dtype,
    /// Fortran order: the first index varies fastest.
    pub(crate) column_major: bool,
    pub(crate) shape: Vec<u64>,
}

impl Header {
    /// The header of `bytes` and what follows it.
    pub(crate) fn parse<'b>(
        place: Place<'_>,
        bytes: &'b [u8],
    ) -> Result<(Self, &'b [u8]), DataError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| {
            let shown = &bytes[..bytes.len().min(6)];
            place
                .fault("magic number")
                .got(format!("{shown:02x?}"))
                .wanted("that of an npy file, 93 'NUMPY'")
                .next("write the file with numpy.save")
                .damaged()
        })?;
        let (text, data) = match rest {
            [1, _, a, b, rest @ ..] => split(rest, usize::from(u16::from_le_bytes([*a, *b]))),
            // A length beyond usize is beyond any file.
            [2 | 3, _, a, b, c, d, rest @ ..] => {
                let len = u32::from_le_bytes([*a, *b, *c, *d]);
                split(rest, usize::try_from(len).unwrap_or(usize::MAX))
            }
            [1..=3, ..] | [] => None,
            [version, ..] => {
                return Err(place
                    .fault("version")
                    .got(version.to_string())
                    .wanted("1, 2 or 3")
                    .next("write the file with numpy.save")
                    .unsupported());
            }
        }
        .ok_or_else(|| {
            place
                .fault("header")
                .got(format!("{} bytes in all", bytes.len()))
                .wanted("a whole header")
                .next("the file is cut short: write or fetch it again")
                .damaged()
        })?;
        let text = String::from_utf8_lossy(text);
        let header = dictionary(&text).ok_or_else(|| {
            place
                .fault("header")
                .got(text.trim().to_owned())
                .wanted("{'descr': '<f4', 'fortran_order': False, 'shape': (N, D), } or the like")
                .next("write the file with numpy.save, as a plain array without fields")
                .unsupported()
        })?;
        Ok((header, data))
    }

    /// Bytes of the whole array, none where they do not fit into 64 bits.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let size = self.dtype.size as u64;
        self.shape
            .iter()
            .try_fold(size, |n, side| n.checked_mul(*side))
    }
}

fn split(rest: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    rest.split_at_checked(len)
}

/// The three keys of the dictionary, in any order, each exactly once.
fn dictionary(text: &str) -> Option<Header> {
    let mut rest = text.trim().strip_prefix('{')?;
    let (mut dtype, mut column_major, mut shape) = (None, None, None);
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            if !after.is_empty() {
                return None;
            }
            break;
        }
        let (key, after) = string(rest)?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" if dtype.is_none() => {
                let (descr, after) = string(value)?;
                dtype = Some(Dtype::parse(descr)?);
                after
            }
            "fortran_order" if column_major.is_none() => {
                let yes = value.strip_prefix("True");
                column_major = Some(yes.is_some());
                yes.or_else(|| value.strip_prefix("False"))?
            }
            "shape" if shape.is_none() => {
                let (sides, after) = value.strip_prefix('(')?.split_once(')')?;
                shape = Some(tuple(sides)?);
                after
            }
            _ => return None,
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(Header {
        dtype: dtype?,
        column_major: column_major?,
        shape: shape?,
    })
}

/// A quoted string at the beginning of `text`, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    text[1..].split_once(quote)
}

fn tuple(sides: &str) -> Option<Vec<u64>> {
    let mut sides: Vec<&str> = sides.split(',').map(str::trim).collect();
    if sides.last() == Some(&"") {
        sides.pop();
    }
    // Python 2 wrote long integers with an L.
    let sides = sides
        .into_iter()
        .map(|side| side.trim_end_matches('L').parse().ok());
    sides.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_of_numpy_are_understood() {
        let parsed = |text| dictionary(text).map(|h| (h.dtype.descr, h.column_major, h.shape));
        assert_eq!(
            parsed("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n"),
            Some(("<f4".to_owned(), false, vec![3, 4]))
        );
        assert_eq!(
            parsed("{\"shape\":(5L,),\"descr\":\"|b1\",\"fortran_order\":True}"),
            Some(("|b1".to_owned(), true, vec![5]))
        );
        assert_eq!(
            parsed("{'descr': '>U3', 'fortran_order': False, 'shape': (), }"),
            Some((">U3".to_owned(), false, vec![]))
        );
    }

    #[test]
    fn other_dictionaries_are_refused() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': 'é', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} and more",
        ] {
            assert_eq!(dictionary(text), None, "{text}");
        }
    }
}
