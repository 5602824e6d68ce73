//! Programs of kernels and their launches.

/// Which thread of a block goes on where several could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// The first.
    Forward,
    /// The last; blocks come in falling order too.
    Backward,
    /// Any, as the seed has it, for a block the same on any number of threads. Here asynchronous copies are made
    /// either at once or when they are waited for; in the other schedules always when they are waited for.
    Random(u64),
}

/// A launch of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The kernel's name.
    pub kernel: &'a str,
    /// Blocks in x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block in x, y and z.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: usize,
    /// The order of the threads of a block.
    pub schedule: Schedule,
    /// Threads of the operating system that blocks run on.
    pub threads: usize,
}

/// What a launch took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How often a CUDA thread was let go on.
    pub switches: u64,
}

/// Kernels that were built together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    variant: usize,
}

/// Programs that were built, each with the mistake planted in it.
const VARIANTS: &[(&str, Option<&str>)] = include!(concat!(env!("OUT_DIR"), "/variants.rs"));

impl Program {
    /// A program as it is written. None where there is none of this name, or nothing was built.
    pub fn named(name: &str) -> Option<Self> {
        Self::variant(name, None)
    }

    /// A copy of a program with a mistake planted in it.
    pub fn planted(name: &str, plant: &str) -> Option<Self> {
        Self::variant(name, Some(plant))
    }

    fn variant(name: &str, plant: Option<&str>) -> Option<Self> {
        let variant = VARIANTS.iter().position(|known| *known == (name, plant))?;
        Some(Self { variant })
    }

    /// Names of its kernels, in the order of the source.
    pub fn kernels(&self) -> Vec<String> {
        running::kernels(self.variant)
    }

    /// Runs a kernel to its end. `params` are the bytes of its one parameter, a structure.
    ///
    /// An error is a launch that a card would refuse, or a report: which kernel and block, what is wrong, and where
    /// each thread of the block stands. The memory that the kernel wrote to then holds what had been written.
    ///
    /// # Safety
    ///
    /// With these parameters the kernel must access only memory that is there, and that neither the host nor another
    /// launch uses meanwhile. (A planted mistake may break the kernel's promises, which is the caller's to know.)
    pub unsafe fn launch(&self, launch: &Launch<'_>, params: &[u8]) -> Result<Report, String> {
        // SAFETY: handed on to the caller.
        unsafe { running::launch(self.variant, launch, params) }
    }
}

#[cfg(not(eos_emulated))]
mod running {
    use super::{Launch, Report};

    pub fn kernels(_: usize) -> Vec<String> {
        Vec::new()
    }

    pub unsafe fn launch(_: usize, _: &Launch<'_>, _: &[u8]) -> Result<Report, String> {
        Err(crate::unavailable().unwrap_or_default().into())
    }
}

#[cfg(eos_emulated)]
mod running {
    use std::ffi::{CStr, c_char};
    use std::sync::atomic::{AtomicU32, AtomicU64};
    use std::thread;

    use super::{Launch, Report, Schedule};
    use crate::raw::{Job, Kernel, eos_emu_kernels, eos_emu_work};

    /// The most dynamic shared memory that a block has on any card.
    const SHARED: usize = 227 * 1024;
    /// The most threads in a block, and in each of its dimensions.
    const THREADS: u64 = 1024;
    const BLOCK: [u32; 3] = [1024, 1024, 64];
    /// The most blocks in each dimension.
    const GRID: [u32; 3] = [i32::MAX as u32, 65535, 65535];
    const REPORT: usize = 8 * 1024;
    /// Of a thread of the operating system; its copy of all shared memory of fixed size lies there too.
    const STACK: usize = 8 * 1024 * 1024;

    fn list(variant: usize) -> impl Iterator<Item = &'static Kernel> {
        // SAFETY: the list is made before `main` and never changed.
        let first = unsafe { eos_emu_kernels(variant).as_ref() };
        // SAFETY: as above.
        std::iter::successors(first, |kernel| unsafe { kernel.next.as_ref() })
    }

    fn name(kernel: &Kernel) -> &'static CStr {
        // SAFETY: a literal of the C side.
        unsafe { CStr::from_ptr(kernel.name) }
    }

    pub fn kernels(variant: usize) -> Vec<String> {
        list(variant)
            .map(|kernel| name(kernel).to_string_lossy().into_owned())
            .collect()
    }

    /// The kernel, if a card would launch it so.
    fn checked(
        variant: usize,
        launch: &Launch<'_>,
        params: &[u8],
    ) -> Result<&'static Kernel, String> {
        let kernel = list(variant)
            .find(|kernel| name(kernel).to_bytes() == launch.kernel.as_bytes())
            .ok_or_else(|| format!("no kernel {}", launch.kernel))?;
        let refuse = |why: String| Err(format!("kernel {}: {why}", launch.kernel));
        if params.len() != kernel.bytes {
            let (given, own) = (params.len(), kernel.bytes);
            return refuse(format!("{given} bytes of parameters, which has {own}"));
        }
        let within = |sizes: [u32; 3], most: [u32; 3]| {
            sizes
                .iter()
                .zip(most)
                .all(|(size, most)| (1..=most).contains(size))
        };
        let threads: u64 = launch.block.map(u64::from).iter().product();
        let most = THREADS.min(kernel.threads.into());
        if !within(launch.block, BLOCK) || threads > most {
            return refuse(format!(
                "a block of {:?} threads, at most {most}",
                launch.block
            ));
        }
        if !within(launch.grid, GRID) {
            return refuse(format!("a grid of {:?} blocks", launch.grid));
        }
        if launch.shared > SHARED {
            return refuse(format!("{} bytes of shared memory", launch.shared));
        }
        Ok(kernel)
    }

    pub unsafe fn launch(
        variant: usize,
        launch: &Launch<'_>,
        params: &[u8],
    ) -> Result<Report, String> {
        let kernel = checked(variant, launch, params)?;
        // Aligned as any structure of CUDA's types.
        let mut aligned = vec![0u128; params.len().div_ceil(16)];
        // SAFETY: `aligned` has at least as many bytes.
        unsafe {
            let to = aligned.as_mut_ptr().cast::<u8>();
            to.copy_from_nonoverlapping(params.as_ptr(), params.len());
        }
        let (order, seed) = match launch.schedule {
            Schedule::Forward => (0, 0),
            Schedule::Backward => (1, 0),
            Schedule::Random(seed) => (2, seed),
        };
        let job = Job {
            name: kernel.name,
            entry: kernel.entry,
            params: aligned.as_ptr().cast(),
            grid: launch.grid,
            block: launch.block,
            shared: launch.shared,
            order,
            seed,
            next: AtomicU64::new(0),
            failed: AtomicU32::new(0),
        };
        let work = || {
            let mut report = [0u8; REPORT];
            // SAFETY: job and report outlive the call; the kernel's accesses are the caller's to answer for.
            let switches =
                unsafe { eos_emu_work(&job, report.as_mut_ptr().cast::<c_char>(), REPORT) };
            let text = CStr::from_bytes_until_nul(&report).unwrap_or_default();
            (switches, text.to_string_lossy().into_owned())
        };
        let blocks: u64 = launch.grid.map(u64::from).iter().product();
        let workers = blocks.min(launch.threads.max(1) as u64);
        let results = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers)
                .map(|_| {
                    thread::Builder::new()
                        .stack_size(STACK)
                        .spawn_scoped(scope, work)
                        .expect("a thread can be started")
                })
                .collect();
            let ended = workers
                .into_iter()
                .map(|worker| worker.join().expect("a worker does not panic"));
            ended.collect::<Vec<_>>()
        });
        let mut switches = 0;
        for (more, report) in results {
            if !report.is_empty() {
                return Err(report);
            }
            switches += more;
        }
        Ok(Report { switches })
    }
}
