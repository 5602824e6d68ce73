//! Plain Rust: what the compiler makes of sixteen floats on any machine.

use super::{Kernel, LANES, Lanes};

/// Runs a kernel on plain floats.
pub(super) fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Block>()
}

#[derive(Clone, Copy)]
struct Block([f32; LANES]);

impl Block {
    #[inline(always)]
    fn zip(self, other: Block, f: impl Fn(f32, f32) -> f32) -> Block {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        Block(out)
    }
}

impl Lanes for Block {
    /// Four 128-bit registers a block: x86-64 has 16 of these, the other 64-bit machines 32.
    const ACCUMULATORS: usize = if cfg!(target_arch = "x86_64") { 2 } else { 4 };

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Block([x; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 16 readable floats.
        Block(unsafe { from.cast::<[f32; LANES]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 16 writable floats.
        unsafe { to.cast::<[f32; LANES]>().write(self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    /// Two roundings on purpose: without the instruction a fused one is a library call per float.
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        let mut out = self.0;
        for ((a, b), c) in out.iter_mut().zip(factor.0).zip(addend.0) {
            *a = *a * b + c;
        }
        Block(out)
    }

    #[inline(always)]
    fn relu(self) -> Self {
        self.zip(self, |a, _| if 0.0 > a { 0.0 } else { a })
    }

    #[inline(always)]
    fn where_positive(self, mask: Self) -> Self {
        self.zip(mask, |a, m| if m <= 0.0 { 0.0 } else { a })
    }
}
