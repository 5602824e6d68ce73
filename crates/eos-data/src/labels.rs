//! The values that a user's labels have, kept so that what goes out is what came in.

use crate::{
    error::{DataError, Fault},
    npy::{Array, Kind},
};
use std::collections::HashMap;

/// The value of each class in the user's own type: any integer, bool or text.
///
/// Inside, a label is a class index; classes are in rising order of their values, as
/// `numpy.unique` has them. On output the indices become values of the input's type again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    descr: String,
    /// Bytes of one value.
    size: usize,
    /// The value of each class as it stood in the file, one after the other.
    values: Vec<u8>,
    names: Vec<String>,
}

impl Labels {
    /// Class indices 0 to `classes` − 1 as 64-bit integers.
    pub fn indices(classes: usize) -> Self {
        let range = 0..classes as i64;
        Self {
            descr: "<i8".to_owned(),
            size: 8,
            values: range.clone().flat_map(i64::to_le_bytes).collect(),
            names: range.map(|class| class.to_string()).collect(),
        }
    }

    /// Classes by name, as NumPy's fixed-width text. The order is kept as given.
    pub fn text(names: &[String]) -> Self {
        let width = names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or(0).max(1);
        let mut values = Vec::with_capacity(names.len() * width * 4);
        for (class, name) in names.iter().enumerate() {
            values.extend(name.chars().flat_map(|c| u32::from(c).to_le_bytes()));
            values.resize((class + 1) * width * 4, 0);
        }
        Self {
            descr: format!("<U{width}"),
            size: width * 4,
            values,
            names: names.to_vec(),
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.names.len()
    }

    /// The value of a class as text. Panics where `class` is not below [`classes`](Self::classes).
    pub fn name(&self, class: usize) -> &str {
        &self.names[class]
    }

    /// The values of all classes as text.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// NumPy's name of the type, such as `<i8`, `|b1` or `<U7`.
    pub fn dtype(&self) -> &str {
        &self.descr
    }

    /// Bytes of one value.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The bytes of a class's value.
    pub(crate) fn value(&self, class: u32) -> &[u8] {
        &self.values[class as usize * self.size..][..self.size]
    }

    /// Values and class indices of an array `[N]` or `[N, 1]` of labels.
    pub(crate) fn read(array: &Array<'_>) -> Result<(Self, Vec<u32>), DataError> {
        let place = array.place;
        let dtype = &array.header.dtype;
        if !matches!(array.header.shape[..], [n] | [n, 1] if n > 0) {
            return Err(place
                .fault("shape")
                .got(format!("{:?}", array.header.shape))
                .wanted("[N] with at least one label")
                .next("save one label a row: y.reshape(-1)")
                .shape());
        }
        if matches!(dtype.kind, Kind::Float | Kind::Other) {
            return Err(place
                .fault("item type")
                .got(dtype.descr.clone())
                .wanted("an integer type, bool or text (<U)")
                .next("save it with y.astype(numpy.int64) or y.astype(str)")
                .unsupported());
        }
        // Equal values have equal bytes: integers are plain and text is padded with zeros.
        let items = array.data.chunks_exact(dtype.size);
        let mut seen: HashMap<&[u8], u32> = HashMap::new();
        let mut firsts: Vec<(Key, &[u8], u32)> = Vec::new();
        // At first in the order in which classes are met.
        let mut labels = Vec::with_capacity(items.len());
        let mut last: (&[u8], u32) = (&[], 0);
        for (row, item) in items.enumerate() {
            if item != last.0 {
                let next = firsts.len() as u32;
                last = (item, *seen.entry(item).or_insert(next));
                if last.1 == next {
                    let key = Key::of(dtype.kind, dtype.big, item).ok_or_else(|| {
                        place
                            .fault(&format!("label {row}"))
                            .got(format!("bytes {item:02x?}"))
                            .wanted(format!("a value of type {}", dtype.descr))
                            .next("write the labels again with numpy.save")
                            .value()
                    })?;
                    firsts.push((key, item, next));
                }
            }
            labels.push(last.1);
        }
        firsts.sort_unstable();
        let mut class = vec![0; firsts.len()];
        for (c, (_, _, met)) in (0..).zip(&firsts) {
            class[*met as usize] = c;
        }
        labels
            .iter_mut()
            .for_each(|label| *label = class[*label as usize]);
        let values = Self {
            descr: dtype.descr.clone(),
            size: dtype.size,
            values: firsts
                .iter()
                .flat_map(|(_, item, _)| *item)
                .copied()
                .collect(),
            names: firsts.iter().map(|(key, ..)| key.name()).collect(),
        };
        Ok((values, labels))
    }

    /// For each class here, the class of the same name in `other`.
    pub(crate) fn onto(&self, other: &Self) -> Result<Vec<u32>, DataError> {
        let places: HashMap<&str, u32> = (0..)
            .zip(&other.names)
            .map(|(c, n)| (n.as_str(), c))
            .collect();
        let place = |name: &String| {
            places.get(name.as_str()).copied().ok_or_else(|| {
                Fault::argument("labels", "value")
                    .got(format!("'{name}' ({})", self.descr))
                    .wanted(format!(
                        "one of the classes {} ({})",
                        other.names.join(", "),
                        other.descr
                    ))
                    .next("use labels of the same classes in both sets")
                    .value()
            })
        };
        self.names.iter().map(place).collect()
    }
}

/// A label's value, ordered as NumPy orders it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Integer(i128),
    Bool(bool),
    Text(String),
}

impl Key {
    fn of(kind: Kind, big: bool, item: &[u8]) -> Option<Self> {
        match kind {
            Kind::Signed | Kind::Unsigned => Some(Self::Integer(integer(kind, big, item))),
            Kind::Bool => match item {
                [0 | 1] => Some(Self::Bool(item[0] == 1)),
                _ => None,
            },
            Kind::Text => text(big, item).map(Self::Text),
            Kind::Float | Kind::Other => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            // As Python prints it.
            Self::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Self::Text(text) => text.clone(),
        }
    }
}

fn integer(kind: Kind, big: bool, item: &[u8]) -> i128 {
    let mut bytes = item.to_vec();
    if big {
        bytes.reverse();
    }
    let negative = kind == Kind::Signed && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    wide[..bytes.len()].copy_from_slice(&bytes);
    i128::from_le_bytes(wide)
}

fn text(big: bool, item: &[u8]) -> Option<String> {
    let mut points = item.chunks_exact(4).map(|bytes| {
        let bytes = bytes.try_into().expect("chunks have 4 bytes");
        if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    });
    let text: Option<String> = points
        .by_ref()
        .take_while(|p| *p != 0)
        .map(char::from_u32)
        .collect();
    // After the first zero there is only padding.
    text.filter(|_| points.all(|point| point == 0))
}
