//! Instruction paths: which there are, which one runs, and the block of sixteen floats that every
//! kernel is written in.
//!
//! A kernel is a struct with its operands and one generic `run<L: Lanes>`; [`Simd::run`] enters it
//! through a function compiled for the path's instructions, into which everything is inlined. So
//! there is one description of each kernel and a machine-code version for each path.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// Channels in a block: one block is one 512-bit register, two of 256 bits, or sixteen floats.
pub(crate) const LANES: usize = 16;

/// The environment variable that forces a path.
const VARIABLE: &str = "EOS_SIMD";

/// The instructions that the engine runs on.
///
/// On one path results are equal bit by bit whatever the number of threads. Between paths they
/// differ by rounding, since the order of sums and the use of fused multiply-add differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SimdPath {
    /// x86-64 with AVX-512F: sixteen floats an instruction.
    Avx512,
    /// x86-64 with AVX2 and FMA: eight floats an instruction.
    Avx2,
    /// Plain Rust, for any machine.
    Portable,
}

impl SimdPath {
    /// Every path, fastest first.
    pub const ALL: [SimdPath; 3] = [SimdPath::Avx512, SimdPath::Avx2, SimdPath::Portable];

    /// The path to run on: the one that the environment variable `EOS_SIMD` names
    /// (`avx512`, `avx2` or `portable`), else the fastest that this machine supports.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] for a name that is none of these, [`Error::UnsupportedPath`] for a
    /// path that this machine cannot run.
    pub fn detect() -> Result<SimdPath, Error> {
        let forced = std::env::var_os(VARIABLE);
        SimdPath::choose(
            forced
                .as_ref()
                .map(|name| name.to_string_lossy())
                .as_deref(),
        )
    }

    /// The path that `forced` names, or the fastest where nothing is forced (`None` or empty).
    ///
    /// # Errors
    /// As [`detect`](Self::detect).
    pub fn choose(forced: Option<&str>) -> Result<SimdPath, Error> {
        match forced {
            None | Some("") => Ok(SimdPath::available()[0]),
            Some(name) => name.parse::<SimdPath>()?.checked(),
        }
    }

    /// The paths that this machine supports, fastest first; [`Portable`](Self::Portable) is always
    /// the last of them.
    pub fn available() -> Vec<SimdPath> {
        SimdPath::ALL
            .into_iter()
            .filter(|path| path.is_supported())
            .collect()
    }

    /// Whether this machine can run the path.
    pub fn is_supported(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            SimdPath::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            SimdPath::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            SimdPath::Avx512 | SimdPath::Avx2 => false,
            SimdPath::Portable => true,
        }
    }

    fn checked(self) -> Result<SimdPath, Error> {
        if self.is_supported() {
            return Ok(self);
        }
        Err(Error::UnsupportedPath {
            path: self,
            available: SimdPath::available(),
        })
    }
}

impl fmt::Display for SimdPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SimdPath::Avx512 => "avx512",
            SimdPath::Avx2 => "avx2",
            SimdPath::Portable => "portable",
        })
    }
}

impl FromStr for SimdPath {
    type Err = Error;

    fn from_str(name: &str) -> Result<SimdPath, Error> {
        // The neighbour search knows one more, which the engine has no use for.
        let name = match name {
            "avx512vnni" => "avx512",
            name => name,
        };
        SimdPath::ALL
            .into_iter()
            .find(|path| path.to_string() == name)
            .ok_or_else(|| Error::UnknownPath {
                name: name.to_string(),
            })
    }
}

/// A path that this machine is known to support: the only way into a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simd(SimdPath);

impl Simd {
    /// Checks once what every kernel then relies on.
    pub(crate) fn new(path: SimdPath) -> Result<Simd, Error> {
        path.checked().map(Simd)
    }

    pub(crate) fn path(self) -> SimdPath {
        self.0
    }

    /// Runs a kernel on this path's instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Simd` is made by `new` alone, which checked that this machine has AVX-512F.
            SimdPath::Avx512 => unsafe { avx512::enter(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Simd` is made by `new` alone, which checked that this machine has AVX2 and
            // FMA.
            SimdPath::Avx2 => unsafe { avx2::enter(kernel) },
            _ => portable::enter(kernel),
        }
    }
}

/// A piece of work written once for every path.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;

    /// The work. Every implementation is `#[inline(always)]`, and calls only functions that are:
    /// what is not inlined into the path's entry function is compiled without its instructions.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// A block of sixteen floats, one a channel.
///
/// Values come into being only inside [`Kernel::run`], which [`Simd::run`] alone calls, for the
/// path that was checked: that is what the implementations' use of instructions rests on.
pub(crate) trait Lanes: Copy {
    /// How many blocks a kernel can keep in registers as running sums, beside its operands. It
    /// sets the size of register tiles.
    const ACCUMULATORS: usize;

    /// All lanes equal to `x`.
    fn splat(x: f32) -> Self;

    /// Reads sixteen floats.
    ///
    /// # Safety
    /// `from` is valid for reading 16 floats; any alignment.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes sixteen floats.
    ///
    /// # Safety
    /// `to` is valid for writing 16 floats; any alignment.
    unsafe fn store(self, to: *mut f32);

    /// `self + other`.
    fn add(self, other: Self) -> Self;

    /// `self - other`.
    fn sub(self, other: Self) -> Self;

    /// `self * factor + addend`; rounded once where the path has such an instruction.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// `max(0, self)`; NaN stays NaN, so that a diverged network shows.
    fn relu(self) -> Self;

    /// `self` where `mask` is not ≤ 0 (NaN counts as positive, like PyTorch), else zero: the
    /// derivative of [`relu`](Self::relu).
    fn where_positive(self, mask: Self) -> Self;

    /// The sixteen values.
    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        let mut values = [0.0; LANES];
        // SAFETY: the array holds 16 floats.
        unsafe { self.store(values.as_mut_ptr()) };
        values
    }

    /// Reads the first sixteen floats of a slice.
    #[inline(always)]
    fn from_slice(values: &[f32]) -> Self {
        assert!(values.len() >= LANES, "a block needs 16 floats");
        // SAFETY: the slice holds at least 16 floats.
        unsafe { Self::load(values.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_agree() {
        for path in SimdPath::ALL {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        let error = "sse9".parse::<SimdPath>().unwrap_err();
        assert_eq!(
            error,
            Error::UnknownPath {
                name: "sse9".into()
            }
        );
        assert!(
            error.to_string().contains("avx512, avx2 or portable"),
            "{error}"
        );
    }

    #[test]
    fn a_forced_path_is_taken_or_refused() {
        assert_eq!(SimdPath::choose(Some("portable")), Ok(SimdPath::Portable));
        assert_eq!(SimdPath::choose(None), Ok(SimdPath::available()[0]));
        assert_eq!(SimdPath::choose(Some("")), SimdPath::choose(None));
        assert!(
            SimdPath::choose(Some("AVX2")).is_err(),
            "names are lower case"
        );
        for path in SimdPath::ALL {
            let chosen = SimdPath::choose(Some(&path.to_string()));
            assert_eq!(chosen.is_ok(), path.is_supported(), "{path}");
        }
    }

    #[test]
    fn a_refusal_names_what_would_run() {
        let error = Error::UnsupportedPath {
            path: SimdPath::Avx512,
            available: vec![SimdPath::Portable],
        };
        let message = error.to_string();
        assert!(
            message.contains("avx512 path; it can run portable:"),
            "{message}"
        );
    }

    /// Each operation of a block against the same operation on one float.
    struct Operations {
        a: [f32; LANES],
        b: [f32; LANES],
        c: [f32; LANES],
    }

    impl Kernel for Operations {
        type Output = [[f32; LANES]; 6];

        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let [a, b, c] = [self.a, self.b, self.c].map(|v| L::from_slice(&v));
            [
                a.add(b),
                a.sub(b),
                a.mul_add(b, c),
                a.relu(),
                a.where_positive(b),
                L::splat(self.a[1]),
            ]
            .map(L::to_array)
        }
    }

    #[test]
    fn operations_are_those_of_single_floats() {
        let a = std::array::from_fn(|i| [-2.0, 3.0, -0.0, f32::NAN, 1e-40][i % 5]);
        let b = std::array::from_fn(|i| [1.5, -1.0, 0.0, f32::NAN][i % 4]);
        let c = std::array::from_fn(|i| i as f32);
        for path in SimdPath::available() {
            let simd = Simd::new(path).unwrap();
            let [add, sub, mul_add, relu, masked, splat] = simd.run(Operations { a, b, c });
            for i in 0..LANES {
                let same = |got: f32, want: f32| got == want || (got.is_nan() && want.is_nan());
                assert!(same(add[i], a[i] + b[i]), "{path} add {i}");
                assert!(same(sub[i], a[i] - b[i]), "{path} sub {i}");
                assert!(same(mul_add[i], a[i] * b[i] + c[i]), "{path} mul_add {i}");
                assert!(
                    same(relu[i], if a[i] < 0.0 { 0.0 } else { a[i] }),
                    "{path} relu {i}"
                );
                assert!(
                    same(masked[i], if b[i] <= 0.0 { 0.0 } else { a[i] }),
                    "{path} mask {i}"
                );
                assert!(same(splat[i], a[1]), "{path} splat {i}");
            }
        }
    }
}
