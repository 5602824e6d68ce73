//! Which instructions the CPU backend runs on.

use crate::Error;
use std::fmt;

/// The environment variable that forces a path: `avx512vnni`, `avx512`, `avx2` or `portable`.
const FORCE: &str = "EOS_SIMD";

/// An instruction set of the neighbour search. Results are the same bits on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimdPath {
    /// AVX-512F with VNNI: 16 lanes of two 16-bit integers.
    Avx512Vnni,
    /// AVX-512F: 16 lanes.
    Avx512,
    /// AVX2 and FMA: 8 lanes.
    Avx2,
    /// Whatever the target has without asking.
    Portable,
}

impl SimdPath {
    /// Every path, widest first.
    pub const ALL: [Self; 4] = [Self::Avx512Vnni, Self::Avx512, Self::Avx2, Self::Portable];

    /// Whether this processor can run it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512Vnni | Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// The widest path there is, or the one that `EOS_SIMD` names.
    ///
    /// # Errors
    /// [`Error::UnknownSimd`] and [`Error::SimdUnavailable`] for what `EOS_SIMD` asks.
    pub fn detect() -> Result<Self, Error> {
        match std::env::var_os(FORCE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()),
            _ => Ok(Self::widest()),
        }
    }

    fn widest() -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|path| path.is_available())
            .expect("the portable path is always there")
    }

    fn named(name: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        match all.find(|path| path.to_string() == name) {
            Some(path) => path.checked(),
            None => Err(Error::UnknownSimd { name: name.into() }),
        }
    }

    /// This path where the processor has it.
    pub(super) fn checked(self) -> Result<Self, Error> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(Error::SimdUnavailable { path: self })
        }
    }
}

impl fmt::Display for SimdPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512Vnni => "avx512vnni",
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_by_name() {
        assert_eq!(SimdPath::named("portable"), Ok(SimdPath::Portable));
        let told = SimdPath::named("mmx").unwrap_err().to_string();
        assert!(told.starts_with("EOS_SIMD is 'mmx'"), "{told}");
        for path in SimdPath::ALL {
            assert_eq!(
                SimdPath::named(&path.to_string()).is_ok(),
                path.is_available()
            );
        }
    }
}
