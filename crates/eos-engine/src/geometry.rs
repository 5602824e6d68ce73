//! The geometry of a 3 × 3 convolution with a padding of one pixel.

use crate::conv::Step;
use crate::layout::Layout;

/// Channels, stride and size of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub inputs: usize,
    pub outputs: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Rows and columns that come in.
    pub in_size: [usize; 2],
}

impl Geometry {
    /// Rows and columns that go out: odd sides are rounded up.
    pub(crate) fn out_size(&self) -> [usize; 2] {
        self.in_size.map(|side| side.div_ceil(self.stride))
    }

    /// The image that comes in, with the border a convolution needs.
    pub(crate) fn input(&self) -> Layout {
        Layout::plain(self.inputs, self.in_size[0], self.in_size[1]).bordered()
    }

    /// The image that goes out, without border.
    pub(crate) fn output(&self) -> Layout {
        let [height, width] = self.out_size();
        Layout::plain(self.outputs, height, width)
    }

    /// How the convolution changes the size.
    pub(crate) fn step(&self) -> Step {
        if self.stride == 2 {
            Step::Halve
        } else {
            Step::Same
        }
    }

    /// How the gradient of the input changes the size.
    pub(crate) fn step_back(&self) -> Step {
        if self.stride == 2 {
            Step::Double
        } else {
            Step::Same
        }
    }
}
