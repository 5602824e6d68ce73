//! [`Runtime`] on a real card, through the driver. Launches go to one stream, uploads to another.

use crate::CudaError;
use crate::probe::{self, Device, failed};
use crate::runtime::{Card, Launch, Mark, Memory, Runtime, Staging};
use cudarc::driver::{CudaContext, CudaEvent, CudaStream, DriverError, result, sys};
use std::any::Any;
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::sync::{Arc, Mutex, PoisonError};

/// Kernels for every card, and those for cards with TF32.
const PTX_75: &str = include_str!("../ptx/eos_75.ptx");
const PTX_80: &str = include_str!("../ptx/eos_80.ptx");

/// Uploads read cached host memory, which threads can also write fast.
const CACHED: u32 = 0;

/// A card that the driver has opened.
pub(crate) struct Driver {
    name: String,
    device: Device,
    card: Card,
    shared: Arc<Shared>,
    module: sys::CUmodule,
    functions: Mutex<HashMap<String, sys::CUfunction>>,
    /// Start and end of each kernel launched, where they are timed.
    times: Mutex<Option<Vec<(String, CudaEvent, CudaEvent)>>>,
}

// SAFETY: module and functions are handles that any thread may use with the context current, which every call sees to.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

/// What memory and marks need to live.
struct Shared {
    context: Arc<CudaContext>,
    launches: Arc<CudaStream>,
    uploads: Arc<CudaStream>,
    pool: sys::CUmemoryPool,
    /// Page-locked memory that nobody uses now.
    spare: Mutex<Vec<Pages>>,
}

// SAFETY: the pool is the device's own, and lives as long as it.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Driver {
    pub(crate) fn open(ordinal: usize) -> Result<Self, CudaError> {
        let (context, device) = probe::open(ordinal)?;
        let opened = |error| failed("opening the GPU", error);
        context.bind_to_thread().map_err(opened)?;
        let attribute = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        let multiprocessors = context.attribute(attribute).map_err(opened)? as usize;
        let tensor_cores = device.capability >= (8, 0);
        // SAFETY: the context's own device.
        let pool = unsafe { result::device::get_default_mem_pool(context.cu_device()) };
        let pool = pool.map_err(opened)?;
        // Freed memory stays with the pool: the next search takes it back without asking the system.
        let mut all = u64::MAX;
        // SAFETY: this attribute is a u64.
        unsafe {
            let which = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            result::mem_pool::set_attribute(pool, which, (&raw mut all).cast())
        }
        .map_err(opened)?;
        let shared = Shared {
            launches: context.new_stream().map_err(opened)?,
            uploads: context.new_stream().map_err(opened)?,
            pool,
            spare: Mutex::default(),
            context,
        };
        let ptx = if tensor_cores { PTX_80 } else { PTX_75 };
        let image = CString::new(ptx).expect("PTX is text");
        // SAFETY: PTX that ends with a zero byte.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
        Ok(Self {
            name: format!("cuda:{ordinal}"),
            device,
            card: Card {
                multiprocessors,
                tensor_cores,
            },
            shared: Arc::new(shared),
            module: module.map_err(|error| failed("compiling the kernels (PTX)", error))?,
            functions: Mutex::default(),
            times: Mutex::default(),
        })
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Begins to take each kernel's time.
    pub(crate) fn time_kernels(&self) {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// Names and milliseconds of the kernels since the last call.
    pub(crate) fn kernel_times(&self) -> Result<Vec<(String, f32)>, CudaError> {
        self.finish()?;
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = times.as_mut().map(std::mem::take).unwrap_or_default();
        let each = taken.into_iter().map(|(name, start, end)| {
            let time = start.elapsed_ms(&end);
            time.map(|time| (name, time))
        });
        let each: Result<_, DriverError> = each.collect();
        each.map_err(|error| failed("timing kernels", error))
    }

    /// Makes the context this thread's.
    fn bind(&self) -> Result<&Shared, CudaError> {
        let bound = self.shared.context.bind_to_thread();
        bound.map_err(|error| failed("choosing the GPU", error))?;
        Ok(&self.shared)
    }

    fn function(&self, launch: &Launch<'_>) -> Result<sys::CUfunction, CudaError> {
        let mut functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(launch.kernel) {
            return Ok(*function);
        }
        let name = CString::new(launch.kernel).expect("kernels have plain names");
        let found = |error| failed(launch.kernel, error);
        // SAFETY: a module of this context.
        let function = unsafe { result::module::get_function(self.module, name) };
        let function = function.map_err(found)?;
        let attribute =
            sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // More than 48 KiB only on request; a kernel is launched with one size or with less than that.
        let bytes = launch.shared.max(48 << 10) as i32;
        let allowed = match launch.shared > 48 << 10 {
            // SAFETY: a function of this module.
            true => unsafe { result::function::set_function_attribute(function, attribute, bytes) },
            false => Ok(()),
        };
        allowed.map_err(found)?;
        functions.insert(launch.kernel.to_owned(), function);
        Ok(function)
    }

    /// Page-locked memory: some that was given back, or new. Locking pages costs more than most copies.
    fn pinned(&self, bytes: usize) -> Result<DriverStaging, CudaError> {
        let shared = self.bind()?;
        let mut spare = shared.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = spare.iter().position(|pages| pages.bytes >= bytes);
        let pages = match fits {
            Some(at) => spare.swap_remove(at),
            None => Pages::new(bytes.next_power_of_two())?,
        };
        Ok(DriverStaging {
            shared: Arc::clone(&self.shared),
            pages: Some(pages),
            copied: None,
        })
    }

    /// An event behind the work launched so far.
    fn event(&self, timed: bool) -> Result<CudaEvent, CudaError> {
        let flags = timed.then_some(sys::CUevent_flags::CU_EVENT_DEFAULT);
        let event = self.shared.launches.record_event(flags);
        event.map_err(|error| failed("recording an event", error))
    }
}

impl Runtime for Driver {
    fn name(&self) -> &str {
        &self.name
    }

    fn card(&self) -> Card {
        self.card
    }

    fn free_bytes(&self) -> Result<usize, CudaError> {
        let shared = self.bind()?;
        let asked = |error| failed("asking for free memory", error);
        let (free, _) = result::mem_get_info().map_err(asked)?;
        // The pool's own memory is free for us.
        let held = |which| {
            let mut bytes = 0u64;
            // SAFETY: these attributes are u64.
            let got = unsafe {
                result::mem_pool::get_attribute(shared.pool, which, (&raw mut bytes).cast())
            };
            got.map(|()| bytes as usize).map_err(asked)
        };
        use sys::CUmemPool_attribute as Attribute;
        let reserved = held(Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
        let used = held(Attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?;
        Ok(free + reserved.saturating_sub(used))
    }

    fn allocate(&self, bytes: usize) -> Result<Box<dyn Memory>, CudaError> {
        let shared = self.bind()?;
        // SAFETY: memory of any contents, of which every byte that is read is written first.
        let address = unsafe { result::malloc_async(shared.launches.cu_stream(), bytes.max(1)) };
        match address {
            Ok(address) => Ok(Box::new(DriverMemory {
                shared: Arc::clone(&self.shared),
                address,
                bytes,
            })),
            Err(DriverError(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => {
                Err(CudaError::OutOfMemory {
                    wanted: bytes,
                    free: self.free_bytes()?,
                })
            }
            Err(error) => Err(failed("allocating memory", error)),
        }
    }

    fn staging(&self, bytes: usize) -> Result<Box<dyn Staging>, CudaError> {
        Ok(Box::new(self.pinned(bytes)?))
    }

    fn fill(&self, memory: &dyn Memory, byte: u8) -> Result<(), CudaError> {
        let stream = self.bind()?.launches.cu_stream();
        // SAFETY: all bytes of memory of this card.
        unsafe { result::memset_d8_async(memory.address(), byte, memory.len(), stream) }
            .map_err(|error| failed("filling memory", error))
    }

    fn write(&self, memory: &dyn Memory, offset: usize, bytes: &[u8]) -> Result<(), CudaError> {
        let stream = self.bind()?.launches.cu_stream();
        assert!(offset + bytes.len() <= memory.len(), "inside the memory");
        let to = memory.address() + offset as u64;
        // SAFETY: inside the memory. The driver copies pageable host memory before it returns.
        unsafe { result::memcpy_htod_async(to, bytes, stream) }
            .map_err(|error| failed("copying to the GPU", error))
    }

    fn read(&self, memory: &dyn Memory, offset: usize, out: &mut [u8]) -> Result<(), CudaError> {
        let stream = &self.bind()?.launches;
        assert!(offset + out.len() <= memory.len(), "inside the memory");
        let from = memory.address() + offset as u64;
        let read = |error| failed("copying from the GPU", error);
        // SAFETY: inside the memory, and waited for before `out` is looked at.
        unsafe { result::memcpy_dtoh_async(out, from, stream.cu_stream()) }.map_err(read)?;
        stream.synchronize().map_err(read)
    }

    fn read_pieces(
        &self,
        memory: &dyn Memory,
        piece: usize,
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), CudaError> {
        let read = |error| failed("copying from the GPU", error);
        let piece = piece.min(memory.len());
        let mut turns = [self.pinned(piece)?, self.pinned(piece)?];
        let mut waiting: Option<usize> = None;
        let stream = &self.bind()?.launches;
        for offset in (0..memory.len())
            .step_by(piece.max(1))
            .map(Some)
            .chain([None])
        {
            if let Some(offset) = offset {
                let len = piece.min(memory.len() - offset);
                let staging = &mut turns[offset / piece % 2];
                let bytes = &mut staging.bytes()?[..len];
                let from = memory.address() + offset as u64;
                // SAFETY: inside both memories; looked at only behind the event.
                unsafe { result::memcpy_dtoh_async(bytes, from, stream.cu_stream()) }
                    .map_err(read)?;
                staging.copied = Some(self.event(false)?);
            }
            if let Some(before) = waiting {
                let len = piece.min(memory.len() - before);
                take(before, &turns[before / piece % 2].bytes()?[..len]);
            }
            waiting = offset;
        }
        Ok(())
    }

    fn upload(
        &self,
        staging: &mut dyn Staging,
        len: usize,
        memory: &dyn Memory,
        offset: usize,
        after: &dyn Mark,
    ) -> Result<(), CudaError> {
        let shared = self.bind()?;
        let staging = staging.as_any().downcast_mut::<DriverStaging>();
        let staging = staging.expect("a staging of this runtime");
        let after = after.as_any().downcast_ref::<DriverMark>();
        let after = &after.expect("a mark of this runtime").0;
        assert!(
            len <= staging.pages().bytes && offset + len <= memory.len(),
            "inside the memory"
        );
        let copy = || {
            shared.uploads.wait(after)?;
            // SAFETY: page-locked bytes, which `DriverStaging::bytes` gives out only once they are copied.
            let bytes =
                unsafe { std::slice::from_raw_parts(staging.pages().pointer.cast::<u8>(), len) };
            let to = memory.address() + offset as u64;
            // SAFETY: inside the memory, which work before `after` no longer uses.
            unsafe { result::memcpy_htod_async(to, bytes, shared.uploads.cu_stream()) }?;
            let copied = shared.uploads.record_event(None)?;
            shared.launches.wait(&copied)?;
            Ok(copied)
        };
        let copied: Result<CudaEvent, DriverError> = copy();
        staging.copied = Some(copied.map_err(|error| failed("copying to the GPU", error))?);
        Ok(())
    }

    fn mark(&self) -> Result<Box<dyn Mark>, CudaError> {
        self.bind()?;
        Ok(Box::new(DriverMark(self.event(false)?)))
    }

    unsafe fn launch(&self, launch: &Launch<'_>, params: &[u8]) -> Result<(), CudaError> {
        let shared = self.bind()?;
        let function = self.function(launch)?;
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let start = times.is_some().then(|| self.event(true)).transpose()?;
        let [across, down] = launch.grid;
        // SAFETY: the one parameter has the kernel's size (checked in `params`); its addresses are the caller's word.
        unsafe {
            result::launch_kernel(
                function,
                (across, down, 1),
                (launch.threads, 1, 1),
                launch.shared as u32,
                shared.launches.cu_stream(),
                &mut [params.as_ptr().cast::<c_void>().cast_mut()],
            )
        }
        .map_err(|error| failed(launch.kernel, error))?;
        if let (Some(times), Some(start)) = (times.as_mut(), start) {
            times.push((launch.kernel.to_owned(), start, self.event(true)?));
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), CudaError> {
        let shared = self.bind()?;
        let finished = |error| failed("a kernel", error);
        shared.uploads.synchronize().map_err(finished)?;
        shared.launches.synchronize().map_err(finished)
    }
}

struct DriverMemory {
    shared: Arc<Shared>,
    address: sys::CUdeviceptr,
    bytes: usize,
}

impl Memory for DriverMemory {
    fn address(&self) -> u64 {
        self.address
    }

    fn len(&self) -> usize {
        self.bytes
    }
}

impl Drop for DriverMemory {
    fn drop(&mut self) {
        // Behind all uploads too, which may go to this memory. What fails here fails in the next call as well.
        let _ = self.shared.context.bind_to_thread();
        let _ = self.shared.launches.join(&self.shared.uploads);
        // SAFETY: allocated on this stream, and no longer known to anybody.
        let _ = unsafe { result::free_async(self.address, self.shared.launches.cu_stream()) };
    }
}

/// Page-locked memory of the host.
struct Pages {
    pointer: *mut c_void,
    bytes: usize,
}

// SAFETY: the memory belongs to this value alone.
unsafe impl Send for Pages {}

impl Pages {
    /// In the context that is current.
    fn new(bytes: usize) -> Result<Self, CudaError> {
        // SAFETY: page-locked memory of any contents; it is cleared below.
        let pointer = unsafe { result::malloc_host(bytes, CACHED) };
        let pointer = pointer.map_err(|error| failed("allocating page-locked memory", error))?;
        // SAFETY: `bytes` bytes that nobody else knows.
        unsafe { std::ptr::write_bytes(pointer.cast::<u8>(), 0, bytes) };
        Ok(Self { pointer, bytes })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: from `malloc_host`, and no copy reads it: `DriverStaging` has waited.
        let _ = unsafe { result::free_host(self.pointer) };
    }
}

struct DriverStaging {
    shared: Arc<Shared>,
    /// There until dropped.
    pages: Option<Pages>,
    /// Behind the copy under way.
    copied: Option<CudaEvent>,
}

impl DriverStaging {
    fn wait(&mut self) -> Result<(), CudaError> {
        let copied = self
            .copied
            .take()
            .map_or(Ok(()), |event| event.synchronize());
        copied.map_err(|error| failed("copying between host and GPU", error))
    }

    fn pages(&self) -> &Pages {
        self.pages.as_ref().expect("pages are there until dropped")
    }
}

impl Staging for DriverStaging {
    fn bytes(&mut self) -> Result<&mut [u8], CudaError> {
        self.wait()?;
        let pages = self.pages();
        // SAFETY: `bytes` initialized bytes that no copy reads or writes now.
        Ok(unsafe { std::slice::from_raw_parts_mut(pages.pointer.cast(), pages.bytes) })
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for DriverStaging {
    fn drop(&mut self) {
        let _ = self.shared.context.bind_to_thread();
        let waited = self.wait();
        if let (Ok(()), Some(pages)) = (waited, self.pages.take()) {
            let mut spare = self
                .shared
                .spare
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            spare.push(pages);
        }
    }
}

struct DriverMark(CudaEvent);

impl Mark for DriverMark {
    fn as_any(&self) -> &dyn Any {
        self
    }
}
