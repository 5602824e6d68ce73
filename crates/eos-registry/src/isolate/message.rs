//! What the frames hold.

use crate::isolate::pack::{Malformed, Pack, Unpack};
use crate::library::Facts;
use crate::verify::Written;
use eos_plugin::abi;
use eos_tensor::Classes;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Which library the child is to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The plugin's id, for messages.
    pub id: String,
    /// As the registry has it; it gives the entry's symbol.
    pub library: String,
    /// The original, for messages.
    pub path: PathBuf,
    /// The file to open.
    pub copy: PathBuf,
}

impl Opening {
    pub(crate) fn pack(&self) -> Vec<u8> {
        let [path, copy] = [&self.path, &self.copy].map(|path| path.as_os_str().as_bytes());
        let pack = Pack::default().text(&self.id).text(&self.library);
        pack.column(path).column(copy).0
    }

    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut unpack = Unpack(bytes);
        let (id, library) = (unpack.text()?, unpack.text()?);
        let mut path = || unpack.column().map(|path| OsString::from_vec(path).into());
        let (path, copy) = (path()?, path()?);
        unpack.end()?;
        Ok(Self {
            id,
            library,
            path,
            copy,
        })
    }
}

impl Facts {
    pub(crate) fn pack(&self) -> Vec<u8> {
        let (major, minor) = self.built;
        let built = u32::from(major) << 16 | u32::from(minor);
        let pack = Pack::default().text(&self.id).text(&self.version);
        let pack = pack.text(&self.summary).text(&self.params);
        pack.number(self.flags).number(built).0
    }

    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut unpack = Unpack(bytes);
        let mut text = || unpack.text();
        let (id, version, summary, params) = (text()?, text()?, text()?, text()?);
        let (flags, built) = (unpack.number()?, unpack.number::<u32>()?);
        unpack.end()?;
        let built = ((built >> 16) as u16, built as u16);
        Ok(Self {
            id,
            version,
            summary,
            params,
            flags,
            built,
        })
    }
}

/// A call as the child hears of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Errand {
    /// The plugin's parameters, a line for each.
    pub lines: String,
    /// Name of the device that finds neighbours.
    pub device: String,
    pub threads: u32,
    /// Whether the plugin is asked to panic.
    pub provoke: bool,
    pub seed: u64,
    pub dims: u64,
    pub labels: Vec<u32>,
    pub wanted: Vec<u64>,
    pub rows: Vec<f32>,
}

impl Errand {
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut unpack = Unpack(bytes);
        let errand = Self {
            lines: unpack.text()?,
            device: unpack.text()?,
            threads: unpack.number()?,
            provoke: unpack.number::<u8>()? != 0,
            seed: unpack.number()?,
            dims: unpack.number()?,
            labels: unpack.column()?,
            wanted: unpack.column()?,
            rows: unpack.column()?,
        };
        unpack.end()?;
        Ok(errand)
    }
}

/// A question for neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub queries: Vec<u32>,
    pub k: u64,
    pub classes: Classes,
}

impl Question {
    pub(crate) fn pack(queries: &[u32], k: u64, classes: Classes) -> Vec<u8> {
        let classes = match classes {
            Classes::Any => abi::ANY_CLASS,
            Classes::Same => abi::SAME_CLASS,
            Classes::Other => abi::OTHER_CLASS,
        };
        Pack::default().number(k).number(classes).column(queries).0
    }

    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut unpack = Unpack(bytes);
        let k = unpack.number()?;
        let classes = match unpack.number()? {
            abi::ANY_CLASS => Classes::Any,
            abi::SAME_CLASS => Classes::Same,
            abi::OTHER_CLASS => Classes::Other,
            _ => return Err(Malformed),
        };
        let queries = unpack.column()?;
        unpack.end()?;
        Ok(Self {
            queries,
            k,
            classes,
        })
    }
}

impl Written {
    pub(crate) fn pack(&self) -> Vec<u8> {
        match self {
            Self::Recipes(recipes) => {
                let words: Vec<u32> = recipes
                    .iter()
                    .flat_map(|r| [r.label, r.base, r.from, r.to, r.ratio.to_bits()])
                    .collect();
                Pack::default().number(0u8).column(&words).0
            }
            Self::Rows(labels, rows) => Pack::default().number(1u8).column(labels).column(rows).0,
        }
    }

    /// A result of the kind that the plugin makes; rows have `dims` values each.
    pub(crate) fn unpack(bytes: &[u8], recipes: bool, dims: usize) -> Result<Self, Malformed> {
        let mut unpack = Unpack(bytes);
        let written = match (unpack.number::<u8>()?, recipes) {
            (0, true) => {
                let words = unpack.column::<u32>()?;
                if !words.len().is_multiple_of(5) {
                    return Err(Malformed);
                }
                let recipe = |w: &[u32]| abi::Recipe {
                    label: w[0],
                    base: w[1],
                    from: w[2],
                    to: w[3],
                    ratio: f32::from_bits(w[4]),
                };
                Self::Recipes(words.chunks_exact(5).map(recipe).collect())
            }
            (1, false) => {
                let (labels, rows) = (unpack.column()?, unpack.column()?);
                let fits = labels.len().checked_mul(dims) == Some(rows.len());
                fits.then_some(Self::Rows(labels, rows)).ok_or(Malformed)?
            }
            _ => return Err(Malformed),
        };
        unpack.end()?;
        Ok(written)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every cut of `bytes`, and one byte too many, is malformed.
    pub(crate) fn only_whole<T>(bytes: &[u8], unpack: impl Fn(&[u8]) -> Result<T, Malformed>) -> T {
        for end in 0..bytes.len() {
            assert!(unpack(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(unpack(&[bytes, &[0]].concat()).is_err());
        unpack(bytes).unwrap_or_else(|_| panic!("the whole is well formed"))
    }

    pub(crate) fn opening() -> Opening {
        let text = |text: &str| text.to_owned();
        let path = OsString::from_vec(b"/not \xFF utf-8".to_vec());
        Opening {
            id: text("m"),
            library: text("lib"),
            path: path.into(),
            copy: "/c".into(),
        }
    }

    #[test]
    fn openings_and_facts_come_back() {
        assert_eq!(only_whole(&opening().pack(), Opening::unpack), opening());
        let text = |text: &str| text.to_owned();
        let facts = Facts {
            id: text("m"),
            version: text("1"),
            summary: text("ü"),
            params: text("[k]\n"),
            flags: u64::MAX,
            built: (1, 7),
        };
        assert_eq!(only_whole(&facts.pack(), Facts::unpack), facts);
    }

    #[test]
    fn results_come_back_to_the_bit_and_only_in_the_plugins_mode() {
        let ratio = f32::from_bits(0xFFC5_A11A);
        let recipe = abi::Recipe {
            label: 1,
            base: 2,
            from: 3,
            to: 4,
            ratio,
        };
        let bytes = Written::Recipes(vec![recipe; 2]).pack();
        let Written::Recipes(back) = only_whole(&bytes, |b| Written::unpack(b, true, 3)) else {
            panic!("recipes were sent");
        };
        let bits = |r: &abi::Recipe| (r.label, r.base, r.from, r.to, r.ratio.to_bits());
        assert_eq!(
            back.iter().map(bits).collect::<Vec<_>>(),
            [bits(&recipe); 2]
        );
        assert!(Written::unpack(&bytes, false, 3).is_err());
        let bytes = Written::Rows(vec![1, 0], vec![0.5; 6]).pack();
        let back = only_whole(&bytes, |b| Written::unpack(b, false, 3));
        assert!(matches!(back, Written::Rows(l, r) if l == [1, 0] && r == [0.5; 6]));
        assert!(Written::unpack(&bytes, false, 2).is_err());
        assert!(Written::unpack(&bytes, true, 3).is_err());
    }

    #[test]
    fn questions_come_back() {
        for classes in [Classes::Any, Classes::Same, Classes::Other] {
            let back = only_whole(&Question::pack(&[3, 1], 9, classes), Question::unpack);
            assert_eq!(
                back,
                Question {
                    queries: vec![3, 1],
                    k: 9,
                    classes
                }
            );
        }
    }
}
