//! Programs of kernels, and the mistakes planted in copies of them. Read by the build script and by the crate.

/// Kernels that are built together: a main file, which includes others beside it.
pub struct Source {
    /// What [`Program::named`](crate::Program::named) knows it by.
    pub name: &'static str,
    /// The main file, from the crate's folder; a program whose main file is absent is left out.
    pub main: &'static str,
}

/// Every program that is built.
pub const PROGRAMS: &[Source] = &[
    Source {
        name: "selftest",
        main: "kernels/selftest.cu",
    },
    Source {
        name: "eos",
        main: "../eos-cuda/kernels/eos.cu",
    },
];

/// A mistake: one piece of a kernel's text replaced in a copy of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plant {
    /// The program's name.
    pub program: &'static str,
    /// What [`Program::planted`](crate::Program::planted) knows it by.
    pub name: &'static str,
    /// A file beside the program's main file, or the main file.
    pub file: &'static str,
    /// The text that is replaced. It must occur exactly once in the file.
    pub from: &'static str,
    /// What stands there instead.
    pub to: &'static str,
}

/// Mistakes that the tests of their programs must find.
pub const PLANTS: &[Plant] = &[
    Plant {
        program: "selftest",
        name: "no-barrier",
        file: "selftest.cu",
        from: "__syncthreads();  // all are in",
        to: "",
    },
    Plant {
        program: "selftest",
        name: "divergent-barrier",
        file: "selftest.cu",
        from: "__syncthreads();  // all are in",
        to: "if (threadIdx.x < 40u) __syncthreads();",
    },
    Plant {
        program: "selftest",
        name: "no-warp-barrier",
        file: "selftest.cu",
        from: "__syncwarp();  // the warp's lines are in",
        to: "",
    },
    Plant {
        program: "selftest",
        name: "no-copy-wait",
        file: "selftest.cu",
        from: "copy_async_wait<1>();  // all but the newest slab",
        to: "",
    },
    Plant {
        program: "selftest",
        name: "late-copy-wait",
        file: "selftest.cu",
        from: "copy_async_wait<1>();  // all but the newest slab",
        to: "copy_async_wait<2>();",
    },
    Plant {
        program: "selftest",
        name: "no-barrier-after-reads",
        file: "selftest.cu",
        from: "__syncthreads();  // the slab has been read",
        to: "",
    },
    // A slab is computed while other threads still bring it.
    Plant {
        program: "eos",
        name: "no-barrier-between-slabs",
        file: "scan.cuh",
        from: "} else {\n            __syncthreads();\n        }",
        to: "}",
    },
    // The last row of a task is never offered.
    Plant {
        program: "eos",
        name: "last-row-left-out",
        file: "offer.cuh",
        from: "least && row < end &&",
        to: "least && row + 1u < end &&",
    },
    // What found the queue full is forgotten.
    Plant {
        program: "eos",
        name: "refused-forgotten",
        file: "offer.cuh",
        from: "looked.refused |= 1ull << (8 * i + j);",
        to: "",
    },
    // Of two rows at one distance the one with the greater number comes first.
    Plant {
        program: "eos",
        name: "ties-turned",
        file: "rank.cuh",
        from: "distances[other] == distance && rows[other] < row)",
        to: "distances[other] == distance && rows[other] > row)",
    },
    // The slab that is computed may still be on its way.
    Plant {
        program: "eos",
        name: "late-copy-wait",
        file: "tensor.cuh",
        from: "copy_async_wait<1>();",
        to: "copy_async_wait<2>();",
    },
    // The merged list is read while other lanes still write to it.
    Plant {
        program: "eos",
        name: "no-warp-barrier-after-merge",
        file: "keys.cuh",
        from: "list[place] = fresh;\n    __syncwarp();",
        to: "list[place] = fresh;",
    },
    // Keys behind the middle of what is kept are refused from then on.
    Plant {
        program: "eos",
        name: "early-threshold",
        file: "compact.cuh",
        from: "p.thresholds[slot] = list[p.kept - 1u];",
        to: "p.thresholds[slot] = list[p.kept / 2u];",
    },
];
