//! What a search needs of a card: memory, copies, and launches by name.
//!
//! The driver's card implements it ([`crate::CudaBackend::open`]), and in tests the emulator's, so that plans, tiles and
//! fallbacks are the same code on both. Work launched and copies made without a mark happen in the order of the calls.

use crate::CudaError;

/// A card.
pub trait Runtime: Send + Sync {
    /// "cuda:0".
    fn name(&self) -> &str;

    /// What plans depend on.
    fn card(&self) -> Card;

    /// Bytes of memory that are free now.
    ///
    /// # Errors
    /// What the driver says.
    fn free_bytes(&self) -> Result<usize, CudaError>;

    /// Memory of the card, with any contents.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`].
    fn allocate(&self, bytes: usize) -> Result<Box<dyn Memory>, CudaError>;

    /// Memory of the host that the card can copy from and to while both go on.
    ///
    /// # Errors
    /// What the driver says.
    fn staging(&self, bytes: usize) -> Result<Box<dyn Staging>, CudaError>;

    /// Sets bytes of the card's memory.
    ///
    /// # Errors
    /// What the driver says.
    fn fill(&self, memory: &dyn Memory, byte: u8) -> Result<(), CudaError>;

    /// Copies to the card; `bytes` may change once it returns.
    ///
    /// # Errors
    /// What the driver says.
    fn write(&self, memory: &dyn Memory, offset: usize, bytes: &[u8]) -> Result<(), CudaError>;

    /// Copies from the card, and waits for it.
    ///
    /// # Errors
    /// What the driver says, also of work launched before.
    fn read(&self, memory: &dyn Memory, offset: usize, out: &mut [u8]) -> Result<(), CudaError>;

    /// Copies from the card in pieces of `piece` bytes, the last may be shorter; `take` gets each in order, with its offset,
    /// while the next is on its way.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_pieces(
        &self,
        memory: &dyn Memory,
        piece: usize,
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), CudaError>;

    /// Starts a copy of the first `len` bytes of a staging, beside the work launched so far but for what `after` marks.
    /// Work launched later waits for it.
    ///
    /// # Errors
    /// What the driver says.
    fn upload(
        &self,
        staging: &mut dyn Staging,
        len: usize,
        memory: &dyn Memory,
        offset: usize,
        after: &dyn Mark,
    ) -> Result<(), CudaError>;

    /// Marks the work launched so far.
    ///
    /// # Errors
    /// What the driver says.
    fn mark(&self) -> Result<Box<dyn Mark>, CudaError>;

    /// Launches a kernel with one parameter.
    ///
    /// # Safety
    /// The parameter's addresses lie in memory of this card, large enough for what the kernel does.
    ///
    /// # Errors
    /// What the driver says.
    unsafe fn launch(&self, launch: &Launch<'_>, params: &[u8]) -> Result<(), CudaError>;

    /// Waits for everything.
    ///
    /// # Errors
    /// What the driver says of work launched before.
    fn finish(&self) -> Result<(), CudaError>;
}

/// What plans depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// Multiprocessors.
    pub multiprocessors: usize,
    /// Whether it multiplies TF32: compute capability 8.0 and higher.
    pub tensor_cores: bool,
}

/// A kernel and how many threads run it.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// Its name in kernels/*.cuh.
    pub kernel: &'a str,
    /// Blocks, across and down.
    pub grid: [u32; 2],
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of shared memory whose size the launch decides.
    pub shared: usize,
}

/// Memory of a card; freed when dropped, after the work launched so far.
pub trait Memory: Send + Sync {
    /// Address on the card.
    fn address(&self) -> u64;
    /// Bytes.
    fn len(&self) -> usize;
    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Host memory for copies. Writing to it waits for the copy under way.
pub trait Staging: Send {
    /// The bytes, once no copy reads them.
    ///
    /// # Errors
    /// What the driver says.
    fn bytes(&mut self) -> Result<&mut [u8], CudaError>;
    /// For the runtime that made it.
    fn as_any(&mut self) -> &mut dyn std::any::Any;
}

/// A point in the order of launches.
pub trait Mark: Send {
    /// For the runtime that made it.
    fn as_any(&self) -> &dyn std::any::Any;
}
