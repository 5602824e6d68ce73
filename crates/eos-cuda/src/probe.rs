//! Whether there is a card to use, asked without a panic: cudarc loads libcuda at its first call and panics where that
//! fails, so the library and every function used are looked up first.

use crate::CudaError;
use cudarc::driver::{CudaContext, DriverError, result, sys};
use std::sync::Arc;

/// Functions of the driver that this crate's calls reach.
const SYMBOLS: &[&str] = &[
    "cuCtxGetCurrent",
    "cuCtxSetCurrent",
    "cuCtxSynchronize",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetCount",
    "cuDeviceGetDefaultMemPool",
    "cuDeviceGetName",
    "cuDevicePrimaryCtxRetain",
    "cuDriverGetVersion",
    "cuEventCreate",
    "cuEventElapsedTime",
    "cuEventRecord",
    "cuEventSynchronize",
    "cuFuncSetAttribute",
    "cuInit",
    "cuLaunchKernel",
    "cuMemAllocAsync",
    "cuMemFreeAsync",
    "cuMemFreeHost",
    "cuMemGetInfo_v2",
    "cuMemHostAlloc",
    "cuMemPoolGetAttribute",
    "cuMemPoolSetAttribute",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemsetD8Async",
    "cuModuleGetFunction",
    "cuModuleLoadData",
    "cuStreamCreate",
    "cuStreamSynchronize",
    "cuStreamWaitEvent",
];
/// CUDA 12.0: 1000 · major + 10 · minor.
const LEAST_DRIVER: i32 = 12_000;
const LEAST_CAPABILITY: (i32, i32) = (7, 5);

/// A card that the driver sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// From 0.
    pub ordinal: usize,
    /// As the driver calls it.
    pub name: String,
    /// Compute capability.
    pub capability: (i32, i32),
    /// Bytes of memory.
    pub memory: usize,
}

/// The driver's CUDA version, 1000 · major + 10 · minor, where it can be used.
///
/// # Errors
/// No driver, a stub, too old a one, no card.
pub fn driver() -> Result<i32, CudaError> {
    // SAFETY: looks whether one of the library's names can be loaded.
    if !unsafe { sys::is_culib_present() } {
        return Err(CudaError::NoDriver);
    }
    // SAFETY: it can be loaded, so that this does not panic.
    let library = unsafe { sys::culib() };
    for symbol in SYMBOLS {
        // SAFETY: only asked for, never called through this type.
        if unsafe { library.get::<*const ()>(symbol.as_bytes()) }.is_err() {
            return Err(CudaError::MissingSymbol(symbol));
        }
    }
    result::init().map_err(started)?;
    let mut version = 0;
    // SAFETY: writes one int.
    unsafe { sys::cuDriverGetVersion(&mut version).result() }.map_err(started)?;
    if version < LEAST_DRIVER {
        return Err(CudaError::DriverTooOld { found: version });
    }
    Ok(version)
}

/// Every card that the driver sees, also those too old to be used.
///
/// # Errors
/// As [`driver`].
pub fn devices() -> Result<Vec<Device>, CudaError> {
    driver()?;
    let count = CudaContext::device_count().map_err(started)?;
    let device = |ordinal: i32| {
        let device = result::device::get(ordinal)?;
        let attribute = |which| {
            // SAFETY: a device of this driver.
            unsafe { result::device::get_attribute(device, which) }
        };
        use sys::CUdevice_attribute as Attribute;
        Ok(Device {
            ordinal: ordinal as usize,
            name: result::device::get_name(device)?,
            capability: (
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            // SAFETY: as above.
            memory: unsafe { result::device::total_mem(device) }?,
        })
    };
    let devices: Result<_, DriverError> = (0..count).map(device).collect();
    devices.map_err(started)
}

/// A context on one card.
pub(crate) fn open(ordinal: usize) -> Result<(Arc<CudaContext>, Device), CudaError> {
    let devices = devices()?;
    let count = devices.len() as i32;
    if count == 0 {
        return Err(CudaError::NoDevice);
    }
    let device = devices.into_iter().nth(ordinal);
    let device = device.ok_or(CudaError::NoSuchDevice { ordinal, count })?;
    if device.capability < LEAST_CAPABILITY {
        return Err(CudaError::TooOldCard {
            name: device.name,
            capability: device.capability,
        });
    }
    let context = CudaContext::new(ordinal).map_err(started)?;
    Ok((context, device))
}

/// What an error at the start means.
fn started(error: DriverError) -> CudaError {
    match error.0 {
        sys::CUresult::CUDA_ERROR_NO_DEVICE => CudaError::NoDevice,
        sys::CUresult::CUDA_ERROR_STUB_LIBRARY => CudaError::MissingSymbol("cuInit"),
        _ => failed("the driver's start", error),
    }
}

/// A call that failed, in the driver's words.
pub(crate) fn failed(what: &str, error: DriverError) -> CudaError {
    let text = |words: Result<&std::ffi::CStr, DriverError>| {
        words.map_or_else(
            |_| "unknown error".to_owned(),
            |words| words.to_string_lossy().into_owned(),
        )
    };
    CudaError::Failed {
        what: what.to_owned(),
        message: format!(
            "{} ({})",
            text(error.error_string()),
            text(error.error_name())
        ),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_card_is_an_error_and_not_a_panic() {
        match super::devices() {
            Ok(devices) => println!("{devices:?}"),
            Err(error) => assert!(error.to_string().contains("--device cpu"), "{error}"),
        }
        let error = super::open(4096).map(drop).unwrap_err();
        assert!(error.to_string().contains("--device cpu"), "{error}");
    }
}
