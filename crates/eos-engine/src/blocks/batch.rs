//! A batch of images in the engine's layout.

use std::ops::Range;
use std::sync::Arc;

use crate::Error;
use crate::buffers::{Buffer, Pool};
use crate::error::check_length;
use crate::layout::Layout;

/// Values of an image at most, so that every length can be counted.
pub(super) const MOST_VALUES: usize = 1 << 32;

/// Images of channels × height × width, in blocks of sixteen channels as the kernels want them. A
/// vector of `D` values is an image of `D` × 1 × 1.
///
/// ```
/// use eos_engine::blocks::Batch;
/// let images = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
/// let batch = Batch::new(&images, 2, [1, 2, 2])?;
/// assert_eq!((batch.images(), batch.shape()), (2, [1, 2, 2]));
/// assert_eq!(batch.to_vec(), images);
/// # Ok::<(), eos_engine::Error>(())
/// ```
#[derive(Clone)]
pub struct Batch {
    n: usize,
    buffer: Buffer,
}

impl Batch {
    /// Of `n` images `[n, C, H, W]`, where `shape` is C, H and W.
    ///
    /// # Errors
    /// [`Error::BatchShape`], [`Error::EmptyBatch`] and [`Error::Length`].
    pub fn new(images: &[f32], n: usize, shape: [usize; 3]) -> Result<Batch, Error> {
        let [channels, height, width] = shape;
        if !countable(shape) {
            return Err(Error::BatchShape {
                channels,
                height,
                width,
            });
        }
        if n == 0 {
            return Err(Error::EmptyBatch);
        }
        let whole = [n, channels, height, width];
        check_length(|| "images".into(), images.len(), &whole)?;
        let mut batch = Batch::take(&Arc::default(), n, shape);
        let (layout, values) = (batch.layout(), channels * height * width);
        let packed = batch.buffer.chunks_exact_mut(layout.len());
        for (image, packed) in images.chunks_exact(values).zip(packed) {
            layout.pack(image, packed);
        }
        Ok(batch)
    }

    /// A batch from a pool, with any values.
    pub(super) fn take(pool: &Arc<Pool>, n: usize, [c, h, w]: [usize; 3]) -> Batch {
        let buffer = pool.take(Layout::plain(c, h, w), n);
        Batch { n, buffer }
    }

    /// The images as `[n, C, H, W]`.
    pub fn to_vec(&self) -> Vec<f32> {
        let (layout, values) = (self.layout(), self.shape().iter().product());
        let mut images = vec![0.0; self.n * values];
        for (i, image) in images.chunks_exact_mut(values).enumerate() {
            layout.unpack(self.image(i), image);
        }
        images
    }

    /// How many images it holds, n.
    pub fn images(&self) -> usize {
        self.n
    }

    /// Channels, rows and columns of an image.
    pub fn shape(&self) -> [usize; 3] {
        let layout = self.layout();
        [layout.channels, layout.height, layout.width]
    }

    /// Without border.
    pub(super) fn layout(&self) -> Layout {
        self.buffer.layout()
    }

    pub(super) fn image(&self, i: usize) -> &[f32] {
        self.buffer.image(i)
    }

    /// The images of a range, one after the other.
    pub(super) fn range(&self, range: Range<usize>) -> &[f32] {
        let len = self.layout().len();
        &self.buffer[range.start * len..range.end * len]
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.buffer
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.buffer
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("images", &self.n)
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

/// Whether there are values in such an image, and few enough to be counted with what is added to
/// fill a block and a border.
pub(super) fn countable(shape: [usize; 3]) -> bool {
    let values = shape.into_iter().try_fold(1, usize::checked_mul);
    values.is_some_and(|values| (1..=MOST_VALUES).contains(&values))
}
