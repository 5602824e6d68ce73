//! Weights in the order in which kernels read them.

use crate::geometry::Geometry;
use crate::simd::LANES;
use crate::winograd::{self, TransformedWeights};

/// Taps of a 3 × 3 kernel.
const TAPS: usize = 9;
/// Floats from one input channel's weights to the next's: three columns of sixteen outputs.
pub(crate) const CHANNEL: usize = 3 * LANES;
/// Floats of one row of taps between two blocks.
pub(crate) const ROW: usize = LANES * CHANNEL;
/// Floats of all weights between an input block and an output block.
pub(crate) const PAIR: usize = 3 * ROW;

/// The weights of a convolution, for the kernel that it runs on.
pub(crate) enum Weights {
    /// The direct one.
    Direct(PackedWeights),
    /// That of [`crate::winograd`].
    Winograd(TransformedWeights),
}

impl Weights {
    /// Of a convolution, from its weights `[out, in, 3, 3]`, each output channel times its `scale` where one is
    /// given.
    pub(crate) fn forward(geometry: Geometry, weight: &[f32], scale: Option<&[f32]>) -> Weights {
        let (inputs, outputs) = (geometry.inputs, geometry.outputs);
        if winograd::fits(geometry) {
            Weights::Winograd(TransformedWeights::forward(weight, inputs, outputs, scale))
        } else {
            Weights::Direct(PackedWeights::forward(weight, inputs, outputs, scale))
        }
    }

    /// Of the gradient of its input.
    pub(crate) fn backward(geometry: Geometry, weight: &[f32]) -> Weights {
        let (inputs, outputs) = (geometry.inputs, geometry.outputs);
        if winograd::fits(geometry) {
            Weights::Winograd(TransformedWeights::backward(weight, inputs, outputs))
        } else {
            Weights::Direct(PackedWeights::backward(weight, inputs, outputs))
        }
    }
}

/// The weights of a 3 × 3 convolution as
/// `[output block, input block, kernel row, input lane, kernel column, output lane]`, with zeros
/// where a lane has no channel: the three weights that one input value meets in a row lie together.
pub(crate) struct PackedWeights {
    pub inputs: usize,
    pub outputs: usize,
    pub data: Vec<f32>,
}

/// Where in the packed order the weight for (output, input, tap) lies.
fn packed_index(input_blocks: usize, output: usize, input: usize, tap: usize) -> usize {
    let (ky, kx) = (tap / 3, tap % 3);
    let pair = (output / LANES) * input_blocks + input / LANES;
    pair * PAIR + ky * ROW + (input % LANES) * CHANNEL + kx * LANES + output % LANES
}

/// Floats that the packed weights take.
pub(crate) fn packed_len(inputs: usize, outputs: usize) -> usize {
    inputs.div_ceil(LANES) * outputs.div_ceil(LANES) * PAIR
}

impl PackedWeights {
    /// Packs weights `[outputs, inputs, 3, 3]` for the forward pass, each output channel times its
    /// `scale` where one is given.
    pub(crate) fn forward(
        weight: &[f32],
        inputs: usize,
        outputs: usize,
        scale: Option<&[f32]>,
    ) -> PackedWeights {
        let mut data = vec![0.0; packed_len(inputs, outputs)];
        let blocks = inputs.div_ceil(LANES);
        for output in 0..outputs {
            let factor = scale.map_or(1.0, |scale| scale[output]);
            for input in 0..inputs {
                let from = (output * inputs + input) * TAPS;
                for (tap, &w) in weight[from..from + TAPS].iter().enumerate() {
                    data[packed_index(blocks, output, input, tap)] = w * factor;
                }
            }
        }
        PackedWeights {
            inputs,
            outputs,
            data,
        }
    }

    /// Packs weights `[outputs, inputs, 3, 3]` for the gradient of the input, which is itself a
    /// convolution, from outputs to inputs, with the kernel turned by 180°.
    pub(crate) fn backward(weight: &[f32], inputs: usize, outputs: usize) -> PackedWeights {
        let mut data = vec![0.0; packed_len(outputs, inputs)];
        let blocks = outputs.div_ceil(LANES);
        for output in 0..outputs {
            for input in 0..inputs {
                let from = (output * inputs + input) * TAPS;
                for (tap, &w) in weight[from..from + TAPS].iter().enumerate() {
                    data[packed_index(blocks, input, output, TAPS - 1 - tap)] = w;
                }
            }
        }
        PackedWeights {
            inputs: outputs,
            outputs: inputs,
            data,
        }
    }
}

/// Unpacks a weight gradient to `[outputs, inputs, 3, 3]`.
pub(crate) fn unpack(packed: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let blocks = inputs.div_ceil(LANES);
    let mut weight = Vec::with_capacity(inputs * outputs * TAPS);
    for output in 0..outputs {
        for input in 0..inputs {
            weight.extend((0..TAPS).map(|tap| packed[packed_index(blocks, output, input, tap)]));
        }
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacking_returns_the_weights() {
        let weight: Vec<f32> = (0..32 * 19 * 9).map(|i| i as f32).collect();
        let packed = PackedWeights::forward(&weight, 19, 32, None);
        assert_eq!(packed.data.len(), 2 * 2 * PAIR);
        assert_eq!(unpack(&packed.data, 19, 32), weight);
    }

    #[test]
    fn packing_scales_each_output_channel() {
        let scale: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let packed = PackedWeights::forward(&[1.0; 16 * 9], 1, 16, Some(&scale));
        assert_eq!(unpack(&packed.data, 1, 16)[3 * 9..4 * 9], [3.0; 9]);
    }

    #[test]
    fn the_backward_kernel_is_turned_and_transposed() {
        let weight: Vec<f32> = (0..16 * 2 * 9).map(|i| i as f32).collect();
        let turned = unpack(&PackedWeights::backward(&weight, 2, 16).data, 16, 2);
        // Output 5, input 1, tap 2 becomes output 1, input 5, tap 6.
        assert_eq!(turned[(16 + 5) * 9 + 6], weight[(5 * 2 + 1) * 9 + 2]);
    }
}
