//! Blocks one after the other.

use std::sync::Arc;

use super::block::{Block, Tensors, written};
use super::run::Kept;
use super::{Batch, Context};
use crate::error::check_length;
use crate::forward::BatchStatistics;
use crate::simd::Simd;
use crate::{Error, SimdPath};

/// A tensor that a sequence borrows for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// As PyTorch's `nn.Sequential` of the same blocks names it: `0.weight`, `1.running_mean`.
    pub name: String,
    /// As in PyTorch.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many values it has.
    #[allow(clippy::len_without_is_empty, reason = "none is empty")]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Blocks one after the other, for images of one size.
///
/// See the [module](super) for an example.
#[derive(Clone)]
pub struct Sequence {
    blocks: Arc<[Block]>,
    /// What comes into each block, then what leaves the last.
    shapes: Vec<[usize; 3]>,
    parameters: Vec<Parameter>,
    running: Vec<Parameter>,
    context: Context,
}

/// What [`backward`](Sequence::backward) needs of a forward pass.
pub struct Saved {
    n: usize,
    blocks: Arc<[Block]>,
    input: [usize; 3],
    path: SimdPath,
    kept: Vec<Kept>,
}

/// The gradient of the loss.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// By parameter, in the order of [`Sequence::parameters`].
    pub parameters: Vec<Vec<f32>>,
    /// By image that came in, where it was asked for.
    pub input: Option<Batch>,
}

impl Saved {
    /// The batch statistics of every [`Block::BatchNorm`], in their order.
    pub fn batch_statistics(&self) -> Vec<BatchStatistics> {
        let statistics = |kept: &Kept| match kept {
            Kept::Norm(_, norm) => Some(BatchStatistics {
                mean: norm.mean(),
                variance: norm.unbiased_variance(),
            }),
            _ => None,
        };
        self.kept.iter().filter_map(statistics).collect()
    }
}

impl Sequence {
    /// `blocks` for images of `input`, channels × height × width, on `path` ([`SimdPath::detect`]
    /// chooses one).
    ///
    /// # Errors
    /// [`Error::NoBlocks`], [`Error::BatchShape`], [`Error::Block`] naming the first block that
    /// does not fit, and [`Error::UnsupportedPath`].
    pub fn new(input: [usize; 3], blocks: &[Block], path: SimdPath) -> Result<Sequence, Error> {
        if blocks.is_empty() {
            return Err(Error::NoBlocks);
        }
        let [channels, height, width] = input;
        if !super::batch::countable(input) {
            return Err(Error::BatchShape {
                channels,
                height,
                width,
            });
        }
        let mut shapes = vec![input];
        let mut shape = input;
        for (index, block) in blocks.iter().enumerate() {
            shape = block.output(shape).map_err(|(got, want)| Error::Block {
                index,
                block: block.name(),
                got,
                want,
            })?;
            shapes.push(shape);
        }
        let named = |list: fn(Block) -> Tensors| {
            let blocks = blocks.iter().enumerate();
            let of_blocks = blocks.flat_map(|(index, &block)| {
                list(block).into_iter().map(move |(name, shape)| Parameter {
                    name: format!("{index}.{name}"),
                    shape,
                })
            });
            of_blocks.collect()
        };
        Ok(Sequence {
            shapes,
            parameters: named(Block::parameters),
            running: named(Block::running),
            blocks: blocks.into(),
            context: Context {
                simd: Simd::new(path)?,
                pool: Arc::default(),
            },
        })
    }

    /// The blocks in forward order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What is trained, in the order in which calls borrow it.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Running statistics, in the order in which [`evaluate`](Self::evaluate) borrows them: mean
    /// and variance of each [`Block::BatchNorm`].
    pub fn running(&self) -> &[Parameter] {
        &self.running
    }

    /// Channels, rows and columns that come in.
    pub fn input(&self) -> [usize; 3] {
        self.shapes[0]
    }

    /// Channels, rows and columns that go out.
    pub fn output(&self) -> [usize; 3] {
        self.shapes[self.blocks.len()]
    }

    /// The instructions it runs on.
    pub fn path(&self) -> SimdPath {
        self.context.simd.path()
    }

    /// Runs the blocks in training mode: normalizations use the statistics of the batch.
    ///
    /// # Errors
    /// [`Error::Batch`], [`Error::Count`] and [`Error::Length`] for what does not fit,
    /// [`Error::OneValue`] where a normalization would see a single value a channel.
    pub fn forward(&self, input: Batch, parameters: &[&[f32]]) -> Result<(Batch, Saved), Error> {
        self.check_input(&input)?;
        check(&self.parameters, "parameters", parameters)?;
        let n = input.images();
        for (index, (block, shape)) in self.blocks.iter().zip(&self.shapes).enumerate() {
            if matches!(block, Block::BatchNorm { .. }) && n * shape[1] * shape[2] == 1 {
                let norm = format!("block {index} ({})", block.name());
                return Err(Error::OneValue { norm });
            }
        }
        let mut kept = Vec::with_capacity(self.blocks.len());
        let (mut batch, mut rest) = (input, parameters);
        for &block in &*self.blocks {
            let own = take(&mut rest, block.parameters().len());
            let (output, keeps) = block.forward(&self.context, batch, own);
            kept.push(keeps);
            batch = output;
        }
        let saved = Saved {
            n,
            blocks: Arc::clone(&self.blocks),
            input: self.input(),
            path: self.path(),
            kept,
        };
        Ok((batch, saved))
    }

    /// Runs the blocks in evaluation mode: normalizations use running statistics, and what becomes
    /// of an image does not depend on the others.
    ///
    /// # Errors
    /// [`Error::Batch`], [`Error::Count`] and [`Error::Length`] for what does not fit.
    pub fn evaluate(
        &self,
        input: Batch,
        parameters: &[&[f32]],
        running: &[&[f32]],
    ) -> Result<Batch, Error> {
        self.check_input(&input)?;
        check(&self.parameters, "parameters", parameters)?;
        check(&self.running, "running statistics", running)?;
        let (mut batch, mut rest, mut running) = (input, parameters, running);
        for &block in &*self.blocks {
            let own = take(&mut rest, block.parameters().len());
            let statistics = take(&mut running, block.running().len());
            batch = block.evaluate(&self.context, batch, own, statistics);
        }
        Ok(batch)
    }

    /// The gradient of a loss from its gradient by what went out.
    ///
    /// `saved` comes from [`forward`](Self::forward) and `parameters` are those it had: a change in
    /// between goes unnoticed and gives wrong gradients. `input_gradient` asks for the gradient of
    /// what came in too.
    ///
    /// # Errors
    /// [`Error::Batch`], [`Error::Count`] and [`Error::Length`] for what does not fit,
    /// [`Error::ForeignSaved`] for a forward pass of other blocks, another size or path.
    pub fn backward(
        &self,
        saved: Saved,
        parameters: &[&[f32]],
        gradient: Batch,
        input_gradient: bool,
    ) -> Result<Gradients, Error> {
        check(&self.parameters, "parameters", parameters)?;
        let same = (&saved.blocks, saved.input, saved.path);
        if same != (&self.blocks, self.input(), self.path()) {
            return Err(Error::ForeignSaved);
        }
        if (gradient.images(), gradient.shape()) != (saved.n, self.output()) {
            let size = |n: usize, shape| format!("{n} x {}", written(shape));
            return Err(Error::Batch {
                what: "the gradient",
                got: size(gradient.images(), gradient.shape()),
                want: size(saved.n, self.output()),
            });
        }
        let mut by_block = Vec::new();
        let mut gradient = Some(gradient);
        let mut rest = parameters;
        let passes = self.blocks.iter().zip(saved.kept).enumerate();
        for (index, (block, kept)) in passes.rev() {
            let (before, own) = rest.split_at(rest.len() - block.parameters().len());
            rest = before;
            let of_output = gradient.expect("every block but the first is asked for it");
            let wanted = input_gradient || index > 0;
            let (of_input, own) = kept.backward(&self.context, own, of_output, wanted);
            gradient = of_input;
            by_block.push(own);
        }
        Ok(Gradients {
            parameters: by_block.into_iter().rev().flatten().collect(),
            input: gradient.filter(|_| input_gradient),
        })
    }

    fn check_input(&self, input: &Batch) -> Result<(), Error> {
        if input.shape() == self.input() {
            return Ok(());
        }
        Err(Error::Batch {
            what: "an image of the batch",
            got: written(input.shape()),
            want: written(self.input()),
        })
    }
}

/// Splits off the first `count`.
fn take<'a, 'b>(rest: &mut &'a [&'b [f32]], count: usize) -> &'a [&'b [f32]] {
    let (first, others) = rest.split_at(count);
    *rest = others;
    first
}

/// Checks slices against the shapes they are to have.
fn check(wanted: &[Parameter], what: &'static str, given: &[&[f32]]) -> Result<(), Error> {
    let (got, want) = (given.len(), wanted.len());
    if got != want {
        return Err(Error::Count { what, got, want });
    }
    for (wanted, given) in wanted.iter().zip(given) {
        check_length(|| wanted.name.clone(), given.len(), &wanted.shape)?;
    }
    Ok(())
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saved")
            .field("images", &self.n)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sequence")
            .field("blocks", &self.blocks)
            .field("input", &self.input())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
