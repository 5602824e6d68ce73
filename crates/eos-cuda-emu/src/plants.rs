//! Programs of kernels, and the mistakes planted in copies of them. Read by the build script and by the crate.

/// Kernels that are built together: a main file, which includes others beside it.
pub struct Source {
    /// What [`Program::named`](crate::Program::named) knows it by.
    pub name: &'static str,
    /// The main file, from the crate's folder; a program whose main file is absent is left out.
    pub main: &'static str,
    /// Mistakes planted in copies of it.
    pub plants: &'static [Plant],
}

/// A mistake: one piece of a kernel's text replaced in a copy of its program.
pub struct Plant {
    /// What [`Program::planted`](crate::Program::planted) knows it by.
    pub name: &'static str,
    /// A file beside the program's main file, or the main file.
    pub file: &'static str,
    /// The text that is replaced. It must occur exactly once in the file.
    pub from: &'static str,
    /// What stands there instead.
    pub to: &'static str,
}

/// Every program that is built.
pub const PROGRAMS: &[Source] = &[
    Source {
        name: "selftest",
        main: "kernels/selftest.cu",
        plants: SELFTEST_PLANTS,
    },
    Source {
        name: "eos",
        main: "../eos-cuda/kernels/eos.cu",
        plants: PLANTS,
    },
];

/// Mistakes in the CUDA backend's kernels, which its tests must find.
pub const PLANTS: &[Plant] = &[];

/// Mistakes in this crate's own kernels.
const SELFTEST_PLANTS: &[Plant] = &[
    Plant {
        name: "no-barrier",
        file: "selftest.cu",
        from: "__syncthreads();  // all are in",
        to: "",
    },
    Plant {
        name: "divergent-barrier",
        file: "selftest.cu",
        from: "__syncthreads();  // all are in",
        to: "if (threadIdx.x < 40u) __syncthreads();",
    },
    Plant {
        name: "no-warp-barrier",
        file: "selftest.cu",
        from: "__syncwarp();  // the warp's lines are in",
        to: "",
    },
    Plant {
        name: "no-copy-wait",
        file: "selftest.cu",
        from: "copy_async_wait<1>();  // all but the newest slab",
        to: "",
    },
    Plant {
        name: "late-copy-wait",
        file: "selftest.cu",
        from: "copy_async_wait<1>();  // all but the newest slab",
        to: "copy_async_wait<2>();",
    },
    Plant {
        name: "no-barrier-after-reads",
        file: "selftest.cu",
        from: "__syncthreads();  // the slab has been read",
        to: "",
    },
];
