//! Fully connected networks on dfdx whose sizes are known at run time.

use dfdx::prelude::{
    Axis, Backward, BroadcastTo, Cpu, CpuError, Gradients, HasShape, NoneTape, OwnedTape, PutTape,
    SplitTape, SumTo, Tape, Tensor, TensorFromVec, Trace, TryAdd, TryMatMul, TryMul,
};
use dfdx::shapes::{Rank0, Shape};
use eos_plugin::Error;

/// `[n, width]`.
pub type Matrix<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;
/// Gradients by tensor.
pub type Grads = Gradients<f32, Cpu>;
/// A tape that records.
pub type Recording = OwnedTape<f32, Cpu>;

/// Slope of the activation below 0.
const SLOPE: f32 = 0.2;

/// dfdx fails where there is no memory; shapes are this crate's own.
pub fn fault(error: CpuError) -> Error {
    Error::failed(format_args!(
        "dfdx failed: {error}; lower batch or hidden if memory is short"
    ))
}

/// A matrix `[n, width]` of n · width values.
pub fn matrix(device: &Cpu, values: Vec<f32>, width: usize) -> Result<Matrix, Error> {
    let shape = (values.len() / width, width);
    device.try_tensor_from_vec(values, shape).map_err(fault)
}

/// The values of a tensor, by one copy of memory.
pub fn copied<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> Vec<f32> {
    let mut values = vec![0.0; tensor.shape().num_elements()];
    tensor.copy_into(&mut values);
    values
}

/// The same rows at the start of a tape.
pub fn recorded(rows: Matrix) -> Matrix<Recording> {
    rows.trace(Grads::leaky())
}

/// Gradients of everything on the tape of `rows` for a loss whose gradient by them is `by_rows`, of
/// the same length.
pub fn back(rows: Matrix<Recording>, by_rows: Vec<f32>) -> Result<Grads, Error> {
    let device = Cpu::default();
    let by_rows = matrix(&device, by_rows, rows.shape().1)?;
    let follow = || {
        // Its gradient by the rows is `by_rows`.
        let sum: Tensor<Rank0, f32, Cpu, Recording> = rows.try_mul(by_rows)?.try_sum()?;
        sum.try_backward()
    };
    follow().map_err(fault)
}

/// x · weight + bias.
#[derive(Clone, Debug)]
pub struct Dense {
    /// `[in, out]`.
    pub weight: Matrix,
    /// `[out]`.
    pub bias: Tensor<(usize,), f32, Cpu>,
}

impl Dense {
    /// Of weights `[in, width]`, with a bias of 0.
    fn new(device: &Cpu, weight: Vec<f32>, width: usize) -> Result<Self, Error> {
        let bias = device.try_tensor_from_vec(vec![0.0; width], (width,));
        Ok(Self {
            weight: matrix(device, weight, width)?,
            bias: bias.map_err(fault)?,
        })
    }

    fn forward<T: Tape<f32, Cpu>>(&self, rows: Matrix<T>) -> Result<Matrix<T>, CpuError> {
        let product = rows.try_matmul(self.weight.retaped::<T>())?;
        let shape = *product.shape();
        let bias = self.bias.retaped::<T>();
        product.try_add(bias.try_broadcast_like::<(usize, usize), Axis<0>>(&shape)?)
    }
}

/// Dense layers with leaky rectifiers between them.
#[derive(Clone, Debug)]
pub struct Network(pub Vec<Dense>);

impl Network {
    /// Of each layer's weights `[in, width]` and width.
    pub fn new(
        device: &Cpu,
        layers: impl IntoIterator<Item = (Vec<f32>, usize)>,
    ) -> Result<Self, Error> {
        let layers = layers.into_iter();
        let dense = layers.map(|(weight, width)| Dense::new(device, weight, width));
        Ok(Self(dense.collect::<Result<_, _>>()?))
    }

    /// What the last layer makes of rows `[n, in]`.
    pub fn forward<T: Tape<f32, Cpu> + 'static>(
        &self,
        mut rows: Matrix<T>,
    ) -> Result<Matrix<T>, Error> {
        for (i, layer) in self.0.iter().enumerate() {
            let input = if i == 0 { Ok(rows) } else { leaky(rows) };
            rows = input.and_then(|rows| layer.forward(rows)).map_err(fault)?;
        }
        Ok(rows)
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> usize {
        let of =
            |layer: &Dense| layer.weight.shape().num_elements() + layer.bias.shape().num_elements();
        self.0.iter().map(of).sum()
    }
}

/// max(x, slope · x), as one operation of the tape: of dfdx's own operations it would take four.
fn leaky<T: Tape<f32, Cpu> + 'static>(rows: Matrix<T>) -> Result<Matrix<T>, CpuError> {
    let (rows, mut tape) = rows.split_tape();
    let mut values = copied(&rows);
    values.iter_mut().for_each(|x| *x = x.max(SLOPE * *x));
    let out: Matrix = Cpu::default().try_tensor_from_vec(values, *rows.shape())?;
    let (of_rows, of_out) = (rows.ghost(), out.ghost());
    tape.add_backward_op(move |gradients| {
        let by_out = std::mem::take(&mut **gradients.get_or_alloc_mut(&of_out)?);
        let by_rows = gradients.get_or_alloc_mut(&of_rows)?;
        for ((sum, x), gradient) in by_rows.iter_mut().zip(copied(&rows)).zip(by_out) {
            *sum += if x < 0.0 { SLOPE * gradient } else { gradient };
        }
        Ok(())
    });
    Ok(out.put_tape(tape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of two values through 2 → 3 → 1, with the sum of the first result and twice the
    /// second as the loss.
    fn loss(weights: &[Vec<f32>; 2]) -> (f32, Network, Grads) {
        let device = Cpu::default();
        let layers = weights.iter().cloned().zip([3, 1]);
        let network = Network::new(&device, layers).unwrap();
        let rows = matrix(&device, vec![1.0, -2.0, 0.5, 3.0], 2).unwrap();
        let made = network.forward(recorded(rows)).unwrap();
        let values = copied(&made);
        let gradients = back(made, vec![1.0, 2.0]).unwrap();
        (values[0] + 2.0 * values[1], network, gradients)
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let weights = [vec![0.5, -1.0, 0.3, 0.2, 0.7, -0.4], vec![1.0, -0.6, 0.8]];
        let (start, network, mut gradients) = loss(&weights);
        assert_eq!(network.parameters(), 6 + 3 + 3 + 1);
        for (layer, dense) in network.0.iter().enumerate() {
            let found = gradients.get_or_alloc_mut(&dense.weight).unwrap();
            for (i, found) in found.iter().enumerate() {
                let mut moved = weights.clone();
                // No rectifier turns on the way: the loss is linear in each weight there.
                moved[layer][i] += 0.03125;
                let slope = (loss(&moved).0 - start) / 0.03125;
                assert!((slope - found).abs() < 1e-3, "{layer} {i}: {slope} {found}");
            }
        }
    }
}
