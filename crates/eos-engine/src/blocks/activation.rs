//! Functions of single values, and their gradients.

use super::Context;
use super::batch::Batch;
use crate::forward::each;
use crate::parallel::Chunks;
use crate::simd::{Kernel, LANES, Lanes};

/// `out = input` where it is positive, else `slope * input`.
pub(super) fn leaky(context: &Context, slope: f32, input: &Batch) -> Batch {
    let len = input.layout().len();
    let mut output = context.batch(input.images(), input.shape());
    Chunks::of(input.images()).map(output.values_mut(), len, |range, out| {
        let input = input.range(range);
        context.simd.run(Leaky { slope, input, out });
    });
    output
}

/// The gradient of [`leaky`], in place.
pub(super) fn leaky_back(context: &Context, slope: f32, input: &Batch, gradient: &mut Batch) {
    let len = input.layout().len();
    Chunks::of(input.images()).map(gradient.values_mut(), len, |range, gradient| {
        let input = input.range(range);
        context.simd.run(LeakyBack {
            slope,
            input,
            gradient,
        });
    });
}

struct Leaky<'a> {
    slope: f32,
    input: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Leaky<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (zero, slope) = (L::splat(0.0), L::splat(-self.slope));
        let out = self.out.chunks_exact_mut(LANES);
        for (x, out) in self.input.chunks_exact(LANES).zip(out) {
            let x = L::from_slice(x);
            let mut y = x.relu();
            // Not for a slope of 0: its product with an infinite value is no number.
            if self.slope != 0.0 {
                y = zero.sub(x).relu().mul_add(slope, y);
            }
            out.copy_from_slice(&y.to_array());
        }
    }
}

struct LeakyBack<'a> {
    slope: f32,
    input: &'a [f32],
    gradient: &'a mut [f32],
}

impl Kernel for LeakyBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let slope = L::splat(self.slope);
        let gradient = self.gradient.chunks_exact_mut(LANES);
        for (x, gradient) in self.input.chunks_exact(LANES).zip(gradient) {
            let g = L::from_slice(gradient);
            let mut out = g.where_positive(L::from_slice(x));
            if self.slope != 0.0 {
                out = g.sub(out).mul_add(slope, out);
            }
            gradient.copy_from_slice(&out.to_array());
        }
    }
}

/// A function with bounded values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bounded {
    /// Into (−1, 1).
    Tanh,
    /// 1 / (1 + e⁻ˣ), into (0, 1).
    Sigmoid,
}

impl Bounded {
    /// In double precision, whose rounding to f32 leaves nothing of the libraries' differences.
    fn of(self, x: f32) -> f32 {
        let x = f64::from(x);
        match self {
            Bounded::Tanh => x.tanh() as f32,
            Bounded::Sigmoid => (1.0 / (1.0 + (-x).exp())) as f32,
        }
    }

    /// The derivative where the value is `y`.
    fn slope(self, y: f32) -> f32 {
        match self {
            Bounded::Tanh => (1.0 - y) * (1.0 + y),
            Bounded::Sigmoid => y * (1.0 - y),
        }
    }
}

/// `out = f(input)`.
pub(super) fn bounded(context: &Context, f: Bounded, input: &Batch) -> Batch {
    let mut output = context.batch(input.images(), input.shape());
    let layout = input.layout();
    Chunks::of(input.images()).map(output.values_mut(), layout.len(), |range, out| {
        for (i, out) in each(range, out, layout.len()) {
            let planes = input.image(i).chunks_exact(layout.plane());
            let planes = planes.zip(out.chunks_exact_mut(layout.plane()));
            for (block, (input, out)) in planes.enumerate() {
                let lanes = layout.lanes(block);
                let pixels = input.chunks_exact(LANES).zip(out.chunks_exact_mut(LANES));
                for (input, out) in pixels {
                    for (out, &x) in out[..lanes].iter_mut().zip(input) {
                        *out = f.of(x);
                    }
                    out[lanes..].fill(0.0);
                }
            }
        }
    });
    output
}

/// The gradient of [`bounded`] where its values are `output`, in place.
pub(super) fn bounded_back(f: Bounded, output: &Batch, gradient: &mut Batch) {
    let len = output.layout().len();
    Chunks::of(output.images()).map(gradient.values_mut(), len, |range, gradient| {
        for (g, &y) in gradient.iter_mut().zip(output.range(range)) {
            *g *= f.slope(y);
        }
    });
}
