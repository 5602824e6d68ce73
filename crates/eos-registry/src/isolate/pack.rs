//! Numbers, texts and columns to bytes and back. What comes back is checked.

/// Bytes that are not what they ought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A number with a fixed number of bytes, in the machine's order.
pub(crate) trait Plain: Copy {
    const BYTES: usize;
    fn put(self, to: &mut Vec<u8>);
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! plain {
    ($($number:ty)*) => {$(
        impl Plain for $number {
            const BYTES: usize = size_of::<$number>();

            fn put(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_ne_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("the caller gives as many bytes"))
            }
        }
    )*};
}

plain!(u8 u32 u64 f32);

/// Bytes under way.
#[derive(Default)]
pub(crate) struct Pack(pub Vec<u8>);

impl Pack {
    pub(crate) fn number(mut self, number: impl Plain) -> Self {
        number.put(&mut self.0);
        self
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        (text.len() as u64).put(&mut self.0);
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A column, with its length.
    pub(crate) fn column<T: Plain>(mut self, column: &[T]) -> Self {
        (column.len() as u64).put(&mut self.0);
        self.0.reserve(column.len() * T::BYTES);
        column.iter().for_each(|value| value.put(&mut self.0));
        self
    }
}

/// Bytes that have come.
pub(crate) struct Unpack<'a>(pub &'a [u8]);

impl<'a> Unpack<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A length in things of `size` bytes, of which there are so many.
    fn bytes(&mut self, size: usize) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.number::<u64>()?).map_err(|_| Malformed)?;
        self.take(len.checked_mul(size).ok_or(Malformed)?)
    }

    pub(crate) fn number<T: Plain>(&mut self) -> Result<T, Malformed> {
        self.take(T::BYTES).map(T::get)
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        let text = std::str::from_utf8(self.bytes(1)?).map_err(|_| Malformed)?;
        Ok(text.to_owned())
    }

    pub(crate) fn column<T: Plain>(&mut self) -> Result<Vec<T>, Malformed> {
        Ok(self
            .bytes(T::BYTES)?
            .chunks_exact(T::BYTES)
            .map(T::get)
            .collect())
    }

    /// That nothing is left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        self.0.is_empty().then_some(()).ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_nothing_shorter_does() {
        let odd = f32::from_bits(0xFFC5_A11A);
        let pack = Pack::default().number(7u8).text("ü").number(1u64 << 63);
        let bytes = pack.column(&[1u32, u32::MAX]).column(&[0.5, odd]).0;
        let read = |bytes: &[u8]| -> Result<_, Malformed> {
            let mut unpack = Unpack(bytes);
            let head = (
                unpack.number::<u8>()?,
                unpack.text()?,
                unpack.number::<u64>()?,
            );
            let (words, floats) = (unpack.column::<u32>()?, unpack.column::<f32>()?);
            unpack.end()?;
            Ok((
                head,
                words,
                floats.iter().map(|f| f.to_bits()).collect::<Vec<_>>(),
            ))
        };
        let whole = (
            (7, "ü".to_owned(), 1 << 63),
            vec![1, u32::MAX],
            vec![0x3F00_0000, 0xFFC5_A11A],
        );
        assert_eq!(read(&bytes), Ok(whole));
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(Malformed));
        }
        assert_eq!(read(&[&bytes[..], &[0]].concat()), Err(Malformed));
        // A length beyond what has come is refused before room is made for it.
        assert_eq!(
            Unpack(&u64::MAX.to_ne_bytes()).column::<u64>(),
            Err(Malformed)
        );
        assert_eq!(
            Unpack(&[&1u64.to_ne_bytes()[..], &[0xFF]].concat()).text(),
            Err(Malformed)
        );
    }
}
