//! Batches of an epoch: shuffled, augmented, normalised, and made ahead on threads of their own.

use crate::{
    ImageSet,
    augmentation::Augmentation,
    error::{DataError, Fault},
    normalization::{Normalization, Table},
};
use eos_tensor::{PhiloxRng, philox::Philox, stream};
use rand::seq::SliceRandom;
use std::{
    panic,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// Some images of a set, ready for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Normalised images, `[n, C, H, W]`.
    pub images: Vec<f32>,
    /// Their class indices, `[n]`.
    pub labels: Vec<u32>,
    /// Their rows in the set, `[n]`.
    pub index: Vec<u32>,
}

/// How the batches of an epoch are made.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOptions {
    /// Images in a batch, at least 1; the last batch of an epoch is smaller where they do not divide.
    pub batch: usize,
    /// What is done at random to each image.
    pub augmentation: Augmentation,
    /// Mean and deviation of each channel.
    pub normalization: Normalization,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Threads that make batches ahead; with 0 each is made when it is asked for.
    pub threads: usize,
    /// Batches that may wait, over all threads; each thread holds at least one.
    pub prefetch: usize,
}

impl BatchOptions {
    /// No augmentation, seed 0, one thread, four batches ahead.
    pub fn new(batch: usize, normalization: Normalization) -> Self {
        Self {
            batch,
            augmentation: Augmentation::default(),
            normalization,
            seed: 0,
            threads: 1,
            prefetch: 4,
        }
    }
}

/// The batches of one pass over a set, in order.
///
/// The bytes depend on set, seed, epoch, batch size and augmentation alone, not on the number of
/// threads, the prefetch depth or timing. Dropped early, it stops its threads and waits for them.
#[derive(Debug)]
pub struct Batches {
    plan: Arc<Plan>,
    workers: Vec<Worker>,
    next: usize,
}

impl Batches {
    /// One training epoch: every image once, in an order drawn from (seed, epoch), augmented. The
    /// last, smaller batch is kept, as the reference recipe's loader does.
    ///
    /// # Errors
    /// [`DataError::Request`] for an empty batch, a normalisation of other channels or a padding
    /// not smaller than the image.
    pub fn epoch(
        set: &Arc<ImageSet>,
        epoch: usize,
        options: &BatchOptions,
    ) -> Result<Self, DataError> {
        let mut plan = Plan::new(set, options)?;
        plan.epoch = u32::try_from(epoch).map_err(|_| {
            Fault::argument("batches", "epoch")
                .got(epoch.to_string())
                .wanted("fewer than 2³² epochs")
                .next("shorten the schedule")
                .request()
        })?;
        let mut rng = PhiloxRng::new(options.seed, stream::BATCHES, epoch as u64);
        plan.order.shuffle(&mut rng);
        Ok(Self::start(plan, options))
    }

    /// The whole set in its own order, without augmentation: for embedding and evaluation.
    ///
    /// # Errors
    /// [`DataError::Request`] for an empty batch or a normalisation of other channels.
    pub fn in_order(
        set: &Arc<ImageSet>,
        batch: usize,
        normalization: &Normalization,
    ) -> Result<Self, DataError> {
        let options = BatchOptions::new(batch, normalization.clone());
        Ok(Self::start(Plan::new(set, &options)?, &options))
    }

    /// Batches in the whole pass.
    pub fn count(&self) -> usize {
        self.plan.batches()
    }

    fn start(plan: Plan, options: &BatchOptions) -> Self {
        let plan = Arc::new(plan);
        let threads = options.threads.min(plan.batches());
        let depth = options.prefetch.div_ceil(threads.max(1)).max(1);
        let workers = (0..threads)
            .map_while(|first| Worker::start(&plan, first, threads, depth))
            .collect::<Vec<_>>();
        // Worker t makes batches t, t + threads, …: all of them must run, or none.
        let workers = if workers.len() == threads {
            workers
        } else {
            Vec::new()
        };
        Self {
            plan,
            workers,
            next: 0,
        }
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.next == self.plan.batches() {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let threads = self.workers.len();
        Some(match number.checked_rem(threads) {
            None => self.plan.make(number),
            Some(worker) => self.workers[worker].receive(),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.plan.batches() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

/// Everything that the bytes of a pass depend on.
#[derive(Debug)]
struct Plan {
    set: Arc<ImageSet>,
    order: Vec<u32>,
    batch: usize,
    augmentation: Augmentation,
    table: Table,
    philox: Philox,
    epoch: u32,
}

impl Plan {
    fn new(set: &Arc<ImageSet>, options: &BatchOptions) -> Result<Self, DataError> {
        let shape = set.shape();
        options.normalization.check(shape.channels)?;
        if options.batch == 0 {
            return Err(Fault::argument("batches", "batch")
                .got("0 images")
                .wanted("at least 1")
                .next("choose a batch size, 128 in the reference recipe")
                .request());
        }
        if options.augmentation.crop_padding >= shape.height.min(shape.width) {
            return Err(Fault::argument("augmentation", "crop padding")
                .got(options.augmentation.crop_padding.to_string())
                .wanted(format!("less than a side of the images ({shape})"))
                .next("choose a smaller padding, 4 in the reference recipe")
                .request());
        }
        Ok(Self {
            set: Arc::clone(set),
            // A set has fewer than 2³² − 1 images.
            order: (0..set.len() as u32).collect(),
            batch: options.batch,
            augmentation: options.augmentation,
            table: Table::new(&options.normalization),
            philox: Philox::new(options.seed),
            epoch: 0,
        })
    }

    fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch)
    }

    fn make(&self, number: usize) -> Batch {
        let begin = number * self.batch;
        let end = (begin + self.batch).min(self.order.len());
        let index = self.order[begin..end].to_vec();
        let shape = self.set.shape();
        let mut images = Vec::with_capacity(index.len() * shape.pixels());
        for row in &index {
            let window = self.augmentation.draw(&self.philox, self.epoch, *row);
            let image = self.set.image(*row as usize);
            window.cut(image, shape, &self.table, &mut images);
        }
        let labels = self.set.labels();
        let labels = index.iter().map(|row| labels[*row as usize]).collect();
        Batch {
            images,
            labels,
            index,
        }
    }
}

/// A thread and the channel through which its batches come.
#[derive(Debug)]
struct Worker {
    batches: Option<Receiver<Batch>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// A thread for batches `first`, `first + step`, …; none where the system refuses one.
    fn start(plan: &Arc<Plan>, first: usize, step: usize, depth: usize) -> Option<Self> {
        let (sender, batches) = sync_channel(depth);
        let plan = Arc::clone(plan);
        let thread = thread::Builder::new()
            .name(format!("eos-batches-{first}"))
            .spawn(move || produce(&plan, first, step, &sender))
            .ok()?;
        Some(Self {
            batches: Some(batches),
            thread: Some(thread),
        })
    }

    fn receive(&mut self) -> Batch {
        let batch = self
            .batches
            .as_ref()
            .and_then(|batches| batches.recv().ok());
        batch.unwrap_or_else(|| {
            // A worker ends before its last batch only by a panic, which goes on here.
            match self.thread.take().map(JoinHandle::join) {
                Some(Err(panic)) => panic::resume_unwind(panic),
                _ => unreachable!("a worker sends all of its batches"),
            }
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Without a receiver a waiting send fails, and the thread ends after the batch at hand.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn produce(plan: &Plan, first: usize, step: usize, batches: &SyncSender<Batch>) {
    for number in (first..plan.batches()).step_by(step) {
        if batches.send(plan.make(number)).is_err() {
            return;
        }
    }
}
