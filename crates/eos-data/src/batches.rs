//! Batches of an epoch: shuffled, augmented, normalised, and made ahead on threads of their own.

use crate::{
    ImageSet,
    augmentation::Augmentation,
    error::{DataError, Fault},
    mixup::{self, MixedWith},
    normalization::{Normalization, Table},
    order::{Place, drawn, in_order, shuffled},
};
use eos_tensor::philox::Philox;
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
    /// What they are mixed with, where they are.
    pub mixed: Option<MixedWith>,
}

/// How the batches of an epoch are made.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOptions {
    /// Images in a batch, at least 1; the last batch of an epoch is smaller where they do not divide.
    pub batch: usize,
    /// Weights of the classes, `[C]`: an epoch draws as many images as there are, with replacement,
    /// each with a chance in proportion to the weight of its class. `None`: every image once.
    pub class_weights: Option<Vec<f64>>,
    /// What is done at random to each image.
    pub augmentation: Augmentation,
    /// α of mixup, which mixes the images of a batch in pairs with a share from Beta(α, α); 0 mixes
    /// none.
    pub mixup: f64,
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
    /// Every image once, no augmentation, seed 0, one thread, four batches ahead.
    pub fn new(batch: usize, normalization: Normalization) -> Self {
        Self {
            batch,
            class_weights: None,
            augmentation: Augmentation::default(),
            mixup: 0.0,
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
    /// One training epoch: every image once, or as many drawn by
    /// [`class_weights`](BatchOptions::class_weights), in an order drawn from (seed, epoch), augmented.
    /// The last, smaller batch is kept, as the reference recipe's loader does.
    ///
    /// # Errors
    /// [`DataError::Request`] for an empty batch, a normalisation of other channels, a padding not
    /// smaller than the image, or weights that do not fit the classes.
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
        plan.order = match &options.class_weights {
            None => shuffled(set.len(), options.seed, plan.epoch),
            Some(weights) => drawn(set, weights, options.seed, plan.epoch)?,
        };
        plan.mixup = options.mixup;
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
    order: Vec<Place>,
    batch: usize,
    mixup: f64,
    seed: u64,
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
        if !(options.mixup >= 0.0 && options.mixup.is_finite()) {
            return Err(Fault::argument("batches", "mixup")
                .got(options.mixup.to_string())
                .wanted("a finite number of 0 or more")
                .next("choose α, usually 0.1 to 1, or 0 for no mixup")
                .request());
        }
        Ok(Self {
            set: Arc::clone(set),
            order: in_order(set.len()),
            batch: options.batch,
            mixup: 0.0,
            seed: options.seed,
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
        let places = &self.order[begin..end];
        let shape = self.set.shape();
        let mut images = Vec::with_capacity(places.len() * shape.pixels());
        for Place { row, copy } in places.iter().copied() {
            let (philox, epoch, begin) = (&self.philox, self.epoch, images.len());
            let window = self.augmentation.draw(philox, epoch, row, copy);
            let image = self.set.image(row as usize);
            window.cut(image, shape, &self.table, &mut images);
            let (draw, image) = ((epoch, row, copy), &mut images[begin..]);
            self.augmentation.cut_out(philox, draw, shape, image);
        }
        let index: Vec<u32> = places.iter().map(|place| place.row).collect();
        let labels = self.set.labels();
        let labels: Vec<u32> = index.iter().map(|row| labels[*row as usize]).collect();
        let mixed = (self.mixup > 0.0).then(|| {
            let rng = mixup::rng(self.seed, self.epoch, number);
            mixup::mix(&mut images, &labels, self.mixup, rng)
        });
        Batch {
            images,
            labels,
            index,
            mixed,
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
