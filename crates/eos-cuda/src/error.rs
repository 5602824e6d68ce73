//! Why a card cannot be used, and what to do about it.

/// A refusal of the driver or of a card. What was computed before stands; the CPU gives the same results.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CudaError {
    /// No libcuda.
    #[error(
        "no NVIDIA driver: libcuda.so.1 (nvcuda.dll on Windows) could not be loaded; install the driver, or use --device cpu"
    )]
    NoDriver,
    /// libcuda lacks a function.
    #[error(
        "the NVIDIA driver has no function {0}: it is too old or a stub; install driver 525 or newer, or use --device cpu"
    )]
    MissingSymbol(&'static str),
    /// The driver is older than CUDA 12.0.
    #[error(
        "the NVIDIA driver supports CUDA {}.{}, 12.0 is needed; install driver 525 or newer, or use --device cpu",
        found / 1000, found % 1000 / 10
    )]
    DriverTooOld {
        /// 1000 · major + 10 · minor.
        found: i32,
    },
    /// No device.
    #[error(
        "the NVIDIA driver is installed but sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu"
    )]
    NoDevice,
    /// An index that no device has.
    #[error(
        "there is no GPU {ordinal}: the driver sees {count}, counted from 0; give --device cuda:N below {count}, or --device cpu"
    )]
    NoSuchDevice {
        /// The index.
        ordinal: usize,
        /// Devices there are.
        count: i32,
    },
    /// A card that the PTX does not serve.
    #[error(
        "{name} has compute capability {}.{}, 7.5 or higher is needed; use another GPU or --device cpu",
        capability.0, capability.1
    )]
    TooOldCard {
        /// The card.
        name: String,
        /// Its compute capability.
        capability: (i32, i32),
    },
    /// The card's memory is used up.
    #[error(
        "the GPU has no {wanted} bytes left ({free} are free); close what else uses it, or use --device cpu"
    )]
    OutOfMemory {
        /// Bytes asked for.
        wanted: usize,
        /// Bytes that the driver calls free.
        free: usize,
    },
    /// No plan of a search fits.
    #[error(
        "the search needs at least {wanted} bytes of the GPU's memory, of which {free} are free; close what else uses \
         it, ask for fewer neighbours, or use --device cpu"
    )]
    NoPlan {
        /// Bytes of the least plan.
        wanted: usize,
        /// Bytes that the driver calls free.
        free: usize,
    },
    /// A call that failed.
    #[error(
        "the GPU failed in {what}: {message}; the run can be repeated with --device cpu, which gives the same results"
    )]
    Failed {
        /// The call or kernel.
        what: String,
        /// The driver's words.
        message: String,
    },
}
