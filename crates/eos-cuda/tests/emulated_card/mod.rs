//! [`Runtime`] on the emulator.

use eos_cuda::CudaError;
use eos_cuda::runtime::{Card, Launch, Mark, Memory, Runtime, Staging};
use eos_cuda_emu::{self as emu, Program, Schedule};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A card whose kernels run on the processor.
pub struct EmulatedCard {
    program: Program,
    schedule: Schedule,
    capacity: usize,
    used: Arc<AtomicUsize>,
    most: AtomicUsize,
}

impl EmulatedCard {
    pub fn new(program: Program, schedule: Schedule) -> Self {
        Self {
            program,
            schedule,
            capacity: 1 << 30,
            used: Arc::default(),
            most: AtomicUsize::new(0),
        }
    }

    /// The same with so many bytes.
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            capacity: bytes,
            ..self
        }
    }

    /// The most bytes that were used at a time.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

struct EmulatedMemory {
    memory: emu::Memory,
    bytes: usize,
    used: Arc<AtomicUsize>,
}

impl Memory for EmulatedMemory {
    fn address(&self) -> u64 {
        self.memory.address()
    }

    fn len(&self) -> usize {
        self.bytes
    }
}

impl Drop for EmulatedMemory {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct EmulatedStaging(Vec<u8>);

impl Staging for EmulatedStaging {
    fn bytes(&mut self) -> Result<&mut [u8], CudaError> {
        Ok(&mut self.0)
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

struct EmulatedMark;

impl Mark for EmulatedMark {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Writes through an address, which is how the card knows its memory.
fn store(memory: &dyn Memory, offset: usize, bytes: &[u8]) {
    assert!(offset + bytes.len() <= memory.len());
    let to = (memory.address() + offset as u64) as *mut u8;
    // SAFETY: inside memory of this card, which no kernel uses now.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
}

impl Runtime for EmulatedCard {
    fn name(&self) -> &str {
        "emulated"
    }

    fn card(&self) -> Card {
        Card {
            multiprocessors: 2,
            tensor_cores: true,
        }
    }

    fn free_bytes(&self) -> Result<usize, CudaError> {
        Ok(self.capacity - self.used.load(Ordering::Relaxed))
    }

    fn allocate(&self, bytes: usize) -> Result<Box<dyn Memory>, CudaError> {
        let free = self.free_bytes()?;
        if bytes > free {
            return Err(CudaError::OutOfMemory {
                wanted: bytes,
                free,
            });
        }
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most.fetch_max(used, Ordering::Relaxed);
        Ok(Box::new(EmulatedMemory {
            memory: emu::Memory::new(bytes.max(1)),
            bytes,
            used: Arc::clone(&self.used),
        }))
    }

    fn staging(&self, bytes: usize) -> Result<Box<dyn Staging>, CudaError> {
        Ok(Box::new(EmulatedStaging(vec![0xff; bytes])))
    }

    fn fill(&self, memory: &dyn Memory, byte: u8) -> Result<(), CudaError> {
        store(memory, 0, &vec![byte; memory.len()]);
        Ok(())
    }

    fn write(&self, memory: &dyn Memory, offset: usize, bytes: &[u8]) -> Result<(), CudaError> {
        store(memory, offset, bytes);
        Ok(())
    }

    fn read(&self, memory: &dyn Memory, offset: usize, out: &mut [u8]) -> Result<(), CudaError> {
        assert!(offset + out.len() <= memory.len());
        let from = (memory.address() + offset as u64) as *const u8;
        // SAFETY: inside memory of this card, which no kernel uses now.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    fn read_pieces(
        &self,
        memory: &dyn Memory,
        piece: usize,
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), CudaError> {
        let mut bytes = vec![0; memory.len()];
        self.read(memory, 0, &mut bytes)?;
        for (number, bytes) in bytes.chunks(piece).enumerate() {
            take(number * piece, bytes);
        }
        Ok(())
    }

    fn upload(
        &self,
        staging: &mut dyn Staging,
        len: usize,
        memory: &dyn Memory,
        offset: usize,
        _: &dyn Mark,
    ) -> Result<(), CudaError> {
        store(memory, offset, &staging.bytes()?[..len]);
        Ok(())
    }

    fn mark(&self) -> Result<Box<dyn Mark>, CudaError> {
        Ok(Box::new(EmulatedMark))
    }

    unsafe fn launch(&self, launch: &Launch<'_>, params: &[u8]) -> Result<(), CudaError> {
        let [across, down] = launch.grid;
        let launched = emu::Launch {
            kernel: launch.kernel,
            grid: [across, down, 1],
            block: [launch.threads, 1, 1],
            shared: launch.shared,
            schedule: self.schedule,
            threads: 2,
        };
        // SAFETY: the caller's word.
        let ran = unsafe { self.program.launch(&launched, params) };
        ran.map(drop).map_err(|message| CudaError::Failed {
            what: launch.kernel.to_owned(),
            message,
        })
    }

    fn finish(&self) -> Result<(), CudaError> {
        Ok(())
    }
}
