//! [`Backend`] on a card.

use crate::driver::Driver;
use crate::interpolate::CudaInterpolation;
use crate::probe::Device;
use crate::runtime::Runtime;
use crate::score_error::ScoreError;
use crate::search::{Proven, Search, block_height, least_height};
use crate::set::Set;
use crate::stages::{Buffer, MOST};
use crate::{CudaError, FirstPass};
use eos_tensor::first_pass::{check_queries, check_recipe};
use eos_tensor::{
    Backend, Classes, CpuBackend, Error, Interpolation, Neighbours, Recipe, Rows, Search as _,
};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// Neighbours and interpolation on one NVIDIA GPU; the same bits as [`CpuBackend`]'s.
///
/// Rows that do not fit into the card's memory pass through it block by block. A search for more than 1,024 neighbours
/// goes to the CPU.
#[derive(Clone)]
pub struct CudaBackend {
    runtime: Arc<dyn Runtime>,
    driver: Option<Arc<Driver>>,
    first: Option<FirstPass>,
    memory: Option<usize>,
}

impl CudaBackend {
    /// The card with this number, from 0.
    ///
    /// # Errors
    /// No driver, no such card, a driver or card too old.
    pub fn open(ordinal: usize) -> Result<Self, CudaError> {
        let driver = Arc::new(Driver::open(ordinal)?);
        Ok(Self {
            runtime: driver.clone(),
            driver: Some(driver),
            first: None,
            memory: None,
        })
    }

    /// A card that something else stands for, such as the emulator.
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            driver: None,
            first: None,
            memory: None,
        }
    }

    /// The same with another form of the first pass than the card's fastest. It decides how fast a search is, never what
    /// it finds.
    ///
    /// # Panics
    /// Where the form needs tensor cores and the card has none.
    pub fn with_first_pass(self, first: FirstPass) -> Self {
        assert!(
            self.runtime.card().tensor_cores || !first.needs_tensor_cores(),
            "{first:?} needs tensor cores of compute capability 8.0"
        );
        Self {
            first: Some(first),
            ..self
        }
    }

    /// The same with at most so many bytes of the card's memory.
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            memory: Some(bytes),
            ..self
        }
    }

    /// The card, where the driver has opened it.
    pub fn device(&self) -> Option<&Device> {
        self.driver.as_ref().map(|driver| driver.device())
    }

    /// The kernels' form that the card has been given.
    pub fn ptx(&self) -> &'static str {
        match self.runtime.card().tensor_cores {
            true => "eos_80",
            false => "eos_75",
        }
    }

    /// Begins to take each kernel's time, for [`kernel_times`](Self::kernel_times).
    pub fn time_kernels(&self) {
        if let Some(driver) = &self.driver {
            driver.time_kernels();
        }
    }

    /// Names and milliseconds of the kernels since the last call.
    ///
    /// # Errors
    /// What the driver says.
    pub fn kernel_times(&self) -> Result<Vec<(String, f32)>, CudaError> {
        self.driver
            .as_ref()
            .map_or(Ok(Vec::new()), |driver| driver.kernel_times())
    }

    /// A search that also tells how its queries were proven.
    pub fn searching<'a>(&'a self, rows: Rows<'a>, labels: &'a [u32]) -> CudaSearch<'a> {
        CudaSearch {
            backend: self,
            rows,
            labels,
            set: Mutex::default(),
        }
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.runtime
    }

    /// Bytes that a search may plan with.
    fn free(&self) -> Result<usize, CudaError> {
        let free = self.runtime.free_bytes()?;
        Ok(self.memory.map_or(free, |most| most.min(free)))
    }

    fn told(&self, error: CudaError) -> Error {
        Error::Device {
            device: self.runtime.name().to_owned(),
            message: error.to_string(),
        }
    }
}

impl Backend for CudaBackend {
    fn name(&self) -> &str {
        self.runtime.name()
    }

    fn neighbours(
        &self,
        rows: Rows<'_>,
        labels: &[u32],
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, Error> {
        self.searching(rows, labels).neighbours(queries, k, classes)
    }

    fn search<'a>(&'a self, rows: Rows<'a>, labels: &'a [u32]) -> Box<dyn eos_tensor::Search + 'a> {
        Box::new(self.searching(rows, labels))
    }

    fn interpolation<'a>(&'a self, rows: Rows<'a>) -> Box<dyn Interpolation + 'a> {
        Box::new(CudaInterpolation::new(self, rows))
    }

    fn interpolate(&self, rows: Rows<'_>, recipe: &[Recipe], out: &mut [f32]) -> Result<(), Error> {
        check_recipe(rows, recipe, out)?;
        CudaInterpolation::new(self, rows).interpolate(recipe, out)
    }
}

/// Searches over one set of rows, which is on the card from the first that needs it.
pub struct CudaSearch<'a> {
    backend: &'a CudaBackend,
    rows: Rows<'a>,
    labels: &'a [u32],
    set: Mutex<Option<Held<'a>>>,
}

/// A set on the card, and rows of its blocks.
struct Held<'a> {
    set: Set<'a>,
    height: usize,
}

impl CudaSearch<'_> {
    /// The k nearest rows of each query, and how many queries each step proved.
    ///
    /// # Errors
    /// As [`Backend::neighbours`], and [`Error::Device`].
    pub fn proven(
        &self,
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<(Neighbours, Proven), Error> {
        check_queries(self.rows, self.labels, queries, k)?;
        let served = k.min(self.rows.len());
        if served > MOST {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| {
                tracing::info!(
                    "{} serves up to {MOST} neighbours: searches for more, the first for {k}, run on the CPU",
                    self.backend.name()
                );
            });
            let found =
                CpuBackend::new().neighbours(self.rows, self.labels, queries, k, classes)?;
            return Ok((found, Proven::default()));
        }
        let mut found = Neighbours::empty(queries.len(), k);
        if queries.is_empty() {
            return Ok((found, Proven::default()));
        }
        let buffer = Buffer::new(served);
        let told = |error| self.backend.told(error);
        if served == k {
            let proven = self
                .run(queries, buffer, classes, &mut found)
                .map_err(told)?;
            return Ok((found, proven));
        }
        let mut narrow = Neighbours::empty(queries.len(), served);
        let proven = self
            .run(queries, buffer, classes, &mut narrow)
            .map_err(told)?;
        let lists = narrow
            .index
            .chunks_exact(served)
            .zip(narrow.distance.chunks_exact(served));
        let slots = found
            .index
            .chunks_exact_mut(k)
            .zip(found.distance.chunks_exact_mut(k));
        for ((index, distance), (to, far)) in lists.zip(slots) {
            to[..served].copy_from_slice(index);
            far[..served].copy_from_slice(distance);
        }
        Ok((found, proven))
    }

    /// How far the first pass's scores are off, for the k and a margin of nearest rows of each query.
    ///
    /// # Errors
    /// As [`Backend::neighbours`], and [`Error::Device`].
    pub fn score_error(&self, queries: &[u32], k: usize) -> Result<ScoreError, Error> {
        check_queries(self.rows, self.labels, queries, k)?;
        let buffer = Buffer::new(k.min(MOST));
        self.with_search(queries, buffer, Classes::Any, |search| {
            search.score_error(queries)
        })
        .map_err(|error| self.backend.told(error))
    }

    fn run(
        &self,
        queries: &[u32],
        buffer: Buffer,
        classes: Classes,
        found: &mut Neighbours,
    ) -> Result<Proven, CudaError> {
        self.with_search(queries, buffer, classes, |search| {
            search.run(queries, found)
        })
    }

    /// With the set on the card.
    fn with_search<T>(
        &self,
        queries: &[u32],
        buffer: Buffer,
        classes: Classes,
        work: impl FnOnce(Search<'_>) -> Result<T, CudaError>,
    ) -> Result<T, CudaError> {
        let runtime = self.backend.runtime();
        let mut held = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        // A block holds the first stage, which grows with k.
        if held
            .as_ref()
            .is_some_and(|held| !held.set.is_resident() && held.height < least_height(buffer))
        {
            *held = None;
        }
        let held = match &mut *held {
            Some(held) => held,
            none => {
                let free = self.backend.free()?;
                let height = block_height(free, self.rows, buffer, queries.len())?;
                let first = FirstPass::fastest(runtime.card().tensor_cores);
                let first = self.backend.first.unwrap_or(first);
                let set = Set::new(runtime, self.rows, self.labels, first, height)?;
                none.insert(Held { set, height })
            }
        };
        work(Search {
            runtime,
            set: &held.set,
            memory: self.backend.memory,
            buffer,
            classes,
        })
    }
}

impl eos_tensor::Search for CudaSearch<'_> {
    fn neighbours(&self, queries: &[u32], k: usize, classes: Classes) -> Result<Neighbours, Error> {
        let (found, proven) = self.proven(queries, k, classes)?;
        tracing::debug!(
            "{}: {} queries, {proven:?}",
            self.backend.name(),
            queries.len()
        );
        Ok(found)
    }
}
