//! `eos finetune`.

use crate::inputs::{Rows, read_test};
use crate::show::Show;
use eos_data::{Embeddings, atomic};
use eos_model::{
    ClassWeights, Head, HeadData, HeadKind, HeadTraining, Loss, LossOptions, Schedule, SgdOptions,
};
use eos_pipeline::metrics::Confusion;
use eos_pipeline::{Error, config, head_checkpoint, phases, read_head, table};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// What to train a head on.
#[derive(clap::Args)]
#[command(
    after_help = "Example: eos finetune --x balanced.npz --test-x test.npz --out head.safetensors"
)]
pub struct Arguments {
    #[command(flatten)]
    rows: Rows,
    /// Embeddings to measure on, once, at the end
    #[arg(long, value_name = "FILE")]
    test_x: Option<PathBuf>,
    /// Their labels, where --test-x is no npz
    #[arg(long, value_name = "FILE", requires = "test_x")]
    test_y: Option<PathBuf>,
    /// Passes over the rows
    #[arg(long, default_value_t = HeadTraining::default().epochs)]
    epochs: usize,
    /// Rows in a step
    #[arg(long, default_value_t = HeadTraining::default().batch)]
    batch: usize,
    /// Course of the learning rate: cosine, one-cycle, constant, reference, {kind="steps", at=[5, 8]}
    #[arg(long, default_value = "cosine", value_parser = named::<Schedule>)]
    schedule: Schedule,
    /// Peak of the learning rate
    #[arg(long, default_value_t = HeadTraining::default().learning_rate)]
    learning_rate: f64,
    /// ce, focal, ldam, asl, logit-adjusted; or as in a configuration, {kind="focal", gamma=1}
    #[arg(long, default_value = "ce", value_parser = named::<Loss>)]
    loss: Loss,
    /// Share of a label that goes to all classes alike [default: the loss's own: 0.1 of asl, else 0]
    #[arg(long)]
    label_smoothing: Option<f64>,
    /// How much each class counts, by its rows: none, inverse, effective
    #[arg(long, default_value = "none", value_parser = named::<ClassWeights>)]
    class_weights: ClassWeights,
    /// Of effective class weights
    #[arg(long, default_value_t = ClassWeights::BETA)]
    beta: f64,
    /// Factor of the cosines of ldam's normalised head
    #[arg(long, default_value_t = LossOptions::SCALE)]
    scale: f64,
    /// L2 decay of every parameter
    #[arg(long, default_value_t = SgdOptions::default().weight_decay)]
    weight_decay: f64,
    /// Share of the last step that is kept
    #[arg(long, default_value_t = SgdOptions::default().momentum)]
    momentum: f64,
    /// Look ahead along the velocity
    #[arg(long)]
    nesterov: bool,
    /// Largest norm of a step's gradients [default: none are clipped]
    #[arg(long)]
    clip_norm: Option<f64>,
    /// Of the fresh weights and of the order of rows
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A head (or a network's checkpoint) to start from instead of a fresh one
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    /// Where to write linear.weight and linear.bias
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
}

/// A value as a configuration has it: a name, or a table.
fn named<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let value = config::value(text);
    value.try_into().map_err(|e| e.message().to_owned())
}

impl Arguments {
    fn training(&self) -> Result<HeadTraining, Error> {
        let own = self.loss.label_smoothing();
        Ok(HeadTraining {
            epochs: self.epochs,
            batch: self.batch,
            schedule: self.schedule.clone(),
            learning_rate: self.learning_rate,
            sgd: SgdOptions {
                momentum: self.momentum,
                nesterov: self.nesterov,
                weight_decay: self.weight_decay,
                clip_norm: self.clip_norm,
                ..SgdOptions::default()
            },
            loss: LossOptions {
                loss: self.loss,
                label_smoothing: self.label_smoothing.unwrap_or(own),
                class_weights: self.class_weights,
                beta: self.beta,
                scale: self.scale,
            },
            kind: self.loss.head(),
            seed: self.seed,
            start: match &self.start {
                Some(path) => Some(read_head(path)?.0),
                None => None,
            },
        })
    }
}

/// Writes the head and prints the lines of PyTorch that load it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let rows = arguments.rows.read()?;
    let test = match &arguments.test_x {
        Some(x) => Some(read_test(x, arguments.test_y.as_deref(), &rows)?),
        None => None,
    };
    let options = arguments.training()?;
    let data = HeadData {
        rows: rows.rows(),
        dims: rows.dims(),
        labels: rows.labels(),
        classes: rows.label_values().classes(),
    };
    let mut show = Show::new()?;
    let (head, _) = phases::finetune(&options, data, &mut show)?;
    show.done();
    let bytes = head_checkpoint(&head, rows.label_values().names())?;
    atomic::write(&arguments.out, |out| out.write_all(&bytes))?;
    told(&arguments.out, &rows, &head);
    if let Some(test) = test {
        let predicted = head.predict(test.rows())?;
        let scores = Confusion::new(test.labels(), &predicted, head.classes).scores();
        let names = test.label_values().names();
        print!("\n{}", table::scores(names, &test.class_counts(), &scores));
    }
    Ok(())
}

fn told(out: &Path, rows: &Embeddings, head: &Head) {
    let names = rows.label_values().names();
    println!(
        "head of {} classes on {} rows: {}",
        head.classes,
        rows.len(),
        out.display()
    );
    if names
        .iter()
        .enumerate()
        .any(|(c, name)| *name != c.to_string())
    {
        println!("classes in the order of its rows: {}", names.join(", "));
    }
    let bias = match head.kind {
        HeadKind::Linear => ", \"bias\": head[\"linear.bias\"]",
        HeadKind::Normalised => "",
    };
    println!(
        "in PyTorch:\n  from safetensors.torch import load_file\n  head = load_file({:?})\n  \
         model.linear.load_state_dict({{\"weight\": head[\"linear.weight\"]{bias}}})",
        out.display().to_string()
    );
    if head.kind == HeadKind::Normalised {
        println!(
            "where model.linear gives cosines: \
             F.normalize(x, dim=1) @ F.normalize(weight, dim=0), weight [features, classes]"
        );
    }
}
