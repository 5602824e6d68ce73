//! The C side, as `shim/runtime.cpp` and `shim/shim.h` declare it.

use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicU32, AtomicU64};

#[repr(C)]
pub struct Kernel {
    pub name: *const c_char,
    pub entry: extern "C" fn(*const c_void),
    /// Of its parameters.
    pub bytes: usize,
    /// The most threads in a block.
    pub threads: u32,
    pub next: *const Kernel,
}

#[repr(C)]
pub struct Job {
    pub name: *const c_char,
    pub entry: extern "C" fn(*const c_void),
    pub params: *const c_void,
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: usize,
    pub order: u32,
    pub seed: u64,
    /// The first block that nobody has taken.
    pub next: AtomicU64,
    /// 1 once a worker has a report.
    pub failed: AtomicU32,
}

// SAFETY: the pointers are only read through, and what changes is atomic on both sides.
unsafe impl Sync for Job {}

#[repr(C)]
pub struct Mapping {
    pub base: *mut u8,
    pub bytes: usize,
    pub data: *mut u8,
}

unsafe extern "C" {
    /// The list of a variant's kernels; null behind the last variant.
    pub safe fn eos_emu_kernels(variant: usize) -> *const Kernel;
    /// Runs blocks of a job until none is left; writes a report that ends in zero where one fails.
    pub unsafe fn eos_emu_work(job: *const Job, report: *mut c_char, room: usize) -> u64;
    /// Maps memory between guard pages.
    pub unsafe fn eos_emu_map(bytes: usize, out: *mut Mapping) -> bool;
    /// Takes it away again.
    pub unsafe fn eos_emu_unmap(mapping: *const Mapping);
}
