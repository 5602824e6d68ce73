//! The `eos` command: makes image classifiers learn their rare classes.

mod check;
mod compare;
mod doctor;
mod embed;
mod eval;
mod finetune;
mod gap;
mod info;
mod init;
mod inputs;
mod plugins;
mod run;
mod sample;
mod show;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Learning from imbalanced data with deep networks.
#[derive(Parser)]
#[command(name = "eos", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented configuration for a folder of images
    Init(init::Arguments),
    /// Train, oversample the embeddings, fine-tune the head; write a run folder with a report
    Run(run::Arguments),
    /// Losses and methods beside each other, over seeds: one table with intervals and costs, and a page
    Compare(compare::Arguments),
    /// Phase one alone: train the network end to end; `run` goes on from it
    Train(run::Arguments),
    /// Embeddings of images by a trained network
    Embed(embed::Arguments),
    /// Phase two alone: balance embeddings from any source with an oversampler
    Sample(sample::Arguments),
    /// Phase three alone: train a classifier head on embeddings
    Finetune(finetune::Arguments),
    /// Score a checkpoint, also one trained elsewhere, on test images
    Eval(eval::Arguments),
    /// The generalization gap of embeddings: by class, dimension and outcome, before and after balancing
    Gap(gap::Arguments),
    /// The oversampler plugins of the registries
    #[command(subcommand)]
    Plugins(plugins::Arguments),
    /// Data sets
    #[command(subcommand)]
    Data(info::Arguments),
    /// What this machine offers, and whether everything needed is in place
    Doctor(doctor::Arguments),
}

/// Exit codes of the command.
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // A reader that goes away, such as `head`, is no fault of the program.
        if !panic.to_string().contains("Broken pipe") {
            eprintln!("error: this is a bug in eos: {panic}");
        }
    }));
    let arguments = Arguments::parse();
    if let Err(error) = log() {
        eprintln!("error: {}", chain(&error));
        return ExitCode::from(USAGE);
    }
    let result = std::panic::catch_unwind(|| match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Train(arguments) => run::train(&arguments),
        Command::Embed(arguments) => embed::run(&arguments),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Finetune(arguments) => finetune::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Gap(arguments) => gap::run(&arguments),
        Command::Plugins(arguments) => plugins::run(&arguments),
        Command::Data(arguments) => info::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
    });
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {}", chain(&error));
            ExitCode::from(code(&error))
        }
        Err(_) => ExitCode::from(FAILED),
    }
}

/// Shows what the crates below log, on standard error: warnings, and what `auto` has chosen. `EOS_LOG` asks for other
/// lines, such as `debug`.
fn log() -> anyhow::Result<()> {
    let wanted = match std::env::var_os("EOS_LOG") {
        Some(wanted) => wanted.to_string_lossy().into_owned(),
        None => "warn,eos_pipeline::device=info,eos_cuda=info".to_owned(),
    };
    let filter = EnvFilter::try_new(&wanted).with_context(|| {
        format!(
            "EOS_LOG is '{wanted}'; wanted: error, warn, info, debug or trace, or CRATE=LEVEL, several joined by commas"
        )
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    Ok(())
}

fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<eos_pipeline::Error>() {
        Some(error) if error.is_interrupted() => INTERRUPTED,
        Some(error) if error.is_usage() => USAGE,
        _ => FAILED,
    }
}

/// The error and its causes, without those whose text the one above already holds.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
