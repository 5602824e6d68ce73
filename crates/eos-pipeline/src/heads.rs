//! Heads on the same embeddings, one a method, and how good each is.

use crate::phases::{self, Labelled};
use crate::summary::MethodSummary;
use crate::{Config, Error, Event, Observer, gap::gap, metrics::Confusion};
use eos_data::Embeddings;
use eos_model::{Head, HeadData, HeadTraining};
use eos_registry::{Plan, Plugin};
use eos_tensor::{Backend, Rows};
use std::time::Instant;

/// What every method starts from.
pub(crate) struct Stage<'a> {
    /// The recipe of heads, the seed.
    pub config: &'a Config,
    /// Rows to train on.
    pub train: &'a Embeddings,
    /// Rows measured on.
    pub test: &'a Embeddings,
    /// The head as trained, where there is one.
    pub own: Option<&'a Head>,
    /// Rows to add to each class, `[C]`.
    pub wanted: &'a [u64],
    /// Where neighbours are found and rows are made.
    pub backend: &'a dyn Backend,
}

/// A method's head, how good it is, and the rows that it was given beside the real ones.
pub(crate) struct Tuned {
    pub head: Head,
    pub summary: MethodSummary,
    pub plan: Plan,
}

impl Stage<'_> {
    /// C.
    pub fn classes(&self) -> usize {
        self.wanted.len()
    }

    /// Scores a head that knows the training rows alone.
    pub fn measure(&self, name: &str, head: &Head) -> Result<MethodSummary, Error> {
        measure(name, head, Labelled::of(self.train), self.test)
    }

    /// Rows and labels as a head is trained on them.
    pub fn data<'d>(&self, rows: &'d [f32], labels: &'d [u32]) -> HeadData<'d> {
        HeadData {
            rows,
            dims: self.train.dims(),
            labels,
            classes: self.classes(),
        }
    }

    /// The configuration's recipe of heads.
    pub fn recipe(&self) -> HeadTraining {
        self.config.head_training(self.own)
    }
}

/// A method's synthetic rows, the head trained on them with the real ones, and how good it is.
pub(crate) fn oversampled(
    stage: &Stage<'_>,
    plugin: &Plugin,
    params: &toml::Table,
    observer: &mut dyn Observer,
) -> Result<Tuned, Error> {
    let (id, data) = (plugin.id(), Labelled::of(stage.train));
    let total: u64 = stage.wanted.iter().sum();
    phase(observer, "sample", format!("{id}: {total} rows to add"));
    let began = Instant::now();
    let (seed, backend) = (stage.config.run.seed, stage.backend);
    let plan = phases::sample(plugin, data, stage.wanted, params, seed, backend, observer)?;
    let sample_seconds = began.elapsed().as_secs_f64();
    for text in plan.notes() {
        let text = format!("{id}: {text}");
        observer.event(&Event::Note { text });
    }

    let (rows, labels) = phases::joined(data, &plan, backend)?;
    let about = format!("{id}: a head on {} rows", labels.len());
    phase(observer, "finetune", about);
    let began = Instant::now();
    let (head, losses) = phases::finetune(&stage.recipe(), stage.data(&rows, &labels), observer)?;
    let head_seconds = began.elapsed().as_secs_f64();

    let grown = Labelled {
        rows: Rows::new(&rows, stage.train.dims())?,
        labels: &labels,
    };
    let mut summary = measure(id, &head, grown, stage.test)?;
    summary.added = plan.len();
    (summary.sample_seconds, summary.head_seconds) = (sample_seconds, head_seconds);
    summary.notes = plan.notes().to_vec();
    summary.head_losses = losses;
    Ok(Tuned {
        head,
        summary,
        plan,
    })
}

/// Says that a phase begins.
pub(crate) fn phase(observer: &mut dyn Observer, name: &str, about: String) {
    let name = name.to_owned();
    observer.event(&Event::Phase { name, about });
}

/// Scores a head, and the gap of the rows that it was trained on.
pub(crate) fn measure(
    name: &str,
    head: &Head,
    trained_on: Labelled<'_>,
    test: &Embeddings,
) -> Result<MethodSummary, Error> {
    let (classes, labels) = (head.classes, test.labels());
    let confusion = Confusion::new(labels, &head.predict(test.rows())?, classes);
    let rows = test.as_rows();
    Ok(MethodSummary {
        name: name.to_owned(),
        added: 0,
        scores: confusion.scores(),
        gap: gap(trained_on.rows, trained_on.labels, rows, labels, classes),
        confusion,
        head_norms: head.weight_norms(),
        head_losses: Vec::new(),
        sample_seconds: 0.0,
        head_seconds: 0.0,
        notes: Vec::new(),
    })
}
