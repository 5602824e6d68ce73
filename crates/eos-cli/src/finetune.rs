//! `eos finetune`.

use crate::inputs::{Rows, read_head, read_test};
use crate::show::Show;
use eos_data::{Embeddings, atomic};
use eos_model::{Head, HeadData, HeadTraining, Schedule, SgdOptions};
use eos_pipeline::metrics::Confusion;
use eos_pipeline::{phases, table};
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
    #[arg(long, default_value_t = 10)]
    epochs: usize,
    /// Rows in a step
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Course of the learning rate: cosine, one-cycle, constant, reference
    #[arg(long, default_value = "cosine", value_parser = schedule)]
    schedule: Schedule,
    /// Peak of the learning rate
    #[arg(long, default_value_t = 0.1)]
    learning_rate: f64,
    /// L2 decay of every parameter
    #[arg(long, default_value_t = SgdOptions::default().weight_decay)]
    weight_decay: f64,
    /// Share of the last step that is kept
    #[arg(long, default_value_t = SgdOptions::default().momentum)]
    momentum: f64,
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

fn schedule(name: &str) -> Result<Schedule, String> {
    match name {
        "cosine" => Ok(Schedule::Cosine { warmup_epochs: 0.0 }),
        "one-cycle" => Ok(Schedule::OneCycle),
        "constant" => Ok(Schedule::Constant),
        "reference" => Ok(Schedule::Reference),
        _ => Err("wanted cosine, one-cycle, constant or reference".to_owned()),
    }
}

/// Writes the head and prints the lines of PyTorch that load it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let rows = arguments.rows.read()?;
    let test = match &arguments.test_x {
        Some(x) => Some(read_test(x, arguments.test_y.as_deref(), &rows)?),
        None => None,
    };
    let start = arguments.start.as_deref().map(read_head).transpose()?;
    let options = HeadTraining {
        epochs: arguments.epochs,
        batch: arguments.batch,
        schedule: arguments.schedule,
        learning_rate: arguments.learning_rate,
        sgd: SgdOptions {
            momentum: arguments.momentum,
            weight_decay: arguments.weight_decay,
        },
        seed: arguments.seed,
        start,
    };
    let data = HeadData {
        rows: rows.rows(),
        dims: rows.dims(),
        labels: rows.labels(),
        classes: rows.label_values().classes(),
    };
    let mut show = Show::new()?;
    let head = phases::finetune(&options, data, &mut show)?;
    show.done();
    let bytes = head.to_safetensors()?;
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
    println!(
        "in PyTorch:\n  from safetensors.torch import load_file\n  head = load_file({:?})\n  \
         model.linear.load_state_dict({{\"weight\": head[\"linear.weight\"], \"bias\": head[\"linear.bias\"]}})",
        out.display().to_string()
    );
}
