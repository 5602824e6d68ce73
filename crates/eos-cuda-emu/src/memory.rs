//! Device memory of an emulated card.

use std::sync::{Mutex, MutexGuard};

/// A piece of device memory. It ends at a guard page, but for what rounding its length up to 16 leaves, and begins
/// filled with 0xFF bytes, so that output which no kernel wrote shows. (Where [`unavailable`](crate::unavailable) says
/// something, there are no guard pages.)
#[derive(Debug)]
pub struct Memory {
    place: Place,
    len: usize,
    // Reads and writes of the host exclude each other; for kernels the launch's contract stands.
    host: Mutex<()>,
}

// SAFETY: the memory is owned, and the host's accesses are made under the lock.
unsafe impl Send for Memory {}
// SAFETY: as above; kernels reach it through `Program::launch` alone, whose caller answers for them.
unsafe impl Sync for Memory {}

impl Memory {
    /// Memory of `bytes` bytes, aligned to 16. Panics where there is not so much.
    pub fn new(bytes: usize) -> Self {
        let place = Place::new(bytes);
        // SAFETY: `place` has at least `bytes` bytes, and nobody else knows it yet.
        unsafe { place.data().write_bytes(0xFF, bytes) };
        let host = Mutex::new(());
        Self {
            place,
            len: bytes,
            host,
        }
    }

    /// Where it begins, for a kernel's parameters.
    pub fn address(&self) -> u64 {
        self.place.data() as u64
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies `bytes` to `offset`. Panics where they do not fit.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        let _held = self.checked(offset, bytes.len());
        // SAFETY: the range lies within the memory, and the lock is held.
        unsafe {
            let to = self.place.data().add(offset);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Copies what lies at `offset` to `bytes`. Panics where there is not so much.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        let _held = self.checked(offset, bytes.len());
        // SAFETY: the range lies within the memory, and the lock is held.
        unsafe {
            let from = self.place.data().add(offset);
            from.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len());
        }
    }

    fn checked(&self, offset: usize, bytes: usize) -> MutexGuard<'_, ()> {
        assert!(
            offset <= self.len && bytes <= self.len - offset,
            "{bytes} bytes at {offset} of {} bytes of device memory",
            self.len
        );
        self.host.lock().unwrap_or_else(|held| held.into_inner())
    }
}

#[cfg(eos_emulated)]
use guarded::Place;
#[cfg(not(eos_emulated))]
use plain::Place;

#[cfg(eos_emulated)]
mod guarded {
    use crate::raw::{Mapping, eos_emu_map, eos_emu_unmap};

    pub struct Place(Mapping);

    impl std::fmt::Debug for Place {
        fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.data.fmt(out)
        }
    }

    impl Place {
        pub fn new(bytes: usize) -> Self {
            let mut mapping = Mapping {
                base: std::ptr::null_mut(),
                bytes: 0,
                data: std::ptr::null_mut(),
            };
            // SAFETY: `mapping` is there to be written to.
            let mapped =
                bytes <= isize::MAX as usize / 2 && unsafe { eos_emu_map(bytes, &mut mapping) };
            assert!(mapped, "{bytes} bytes of device memory cannot be mapped");
            Self(mapping)
        }

        pub fn data(&self) -> *mut u8 {
            self.0.data
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            // SAFETY: `new` mapped it, and nothing borrows from it.
            unsafe { eos_emu_unmap(&self.0) };
        }
    }
}

#[cfg(not(eos_emulated))]
mod plain {
    use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

    #[derive(Debug)]
    pub struct Place {
        data: *mut u8,
        layout: Layout,
    }

    impl Place {
        pub fn new(bytes: usize) -> Self {
            let layout = Layout::from_size_align(bytes.max(1), 16)
                .expect("a length of device memory is no more than memory can have");
            // SAFETY: the layout is not empty.
            let data = unsafe { alloc(layout) };
            if data.is_null() {
                handle_alloc_error(layout);
            }
            Self { data, layout }
        }

        pub fn data(&self) -> *mut u8 {
            self.data
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            // SAFETY: `new` took it with this layout, and nothing borrows from it.
            unsafe { dealloc(self.data, self.layout) };
        }
    }
}
