//! Shows a run's events: a progress bar on a terminal, plain lines elsewhere.

use eos_pipeline::{Event, Observer};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Interrupts asked for so far.
static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// Shows events and listens for Ctrl-C: the first asks the run to stop, the second ends it at once.
pub struct Show {
    bar: Option<ProgressBar>,
}

impl Show {
    /// Begins to show events.
    pub fn new() -> anyhow::Result<Self> {
        ctrlc::set_handler(|| {
            if INTERRUPTS.fetch_add(1, Ordering::SeqCst) > 0 {
                std::process::exit(i32::from(crate::INTERRUPTED));
            }
            eprintln!("\nstopping; once more to stop at once");
        })?;
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
            let bar = ProgressBar::new(0);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Ok(Self { bar })
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// One line beside the bar.
    pub fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}

impl Observer for Show {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Phase { name, about } => {
                if let Some(bar) = &self.bar {
                    bar.set_prefix(name.clone());
                    bar.set_message("");
                }
                self.line(&format!("{name}: {about}"));
            }
            Event::Epoch { .. } => {
                let text = epoch_line(event);
                match &self.bar {
                    Some(bar) => bar.set_message(text),
                    None => self.line(&text),
                }
            }
            Event::Progress { done, total } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(*total);
                    bar.set_position(*done);
                }
            }
            Event::Note { text } => self.line(text),
            Event::Warning { text } => self.line(&format!("warning: {text}")),
        }
    }

    fn cancelled(&self) -> bool {
        INTERRUPTS.load(Ordering::SeqCst) > 0
    }
}

fn epoch_line(event: &Event) -> String {
    let Event::Epoch {
        epoch,
        epochs,
        loss,
        train_accuracy,
        validation_bac,
        images_per_second,
        seconds_left,
        ..
    } = event
    else {
        return String::new();
    };
    let bac = validation_bac.map_or(String::new(), |b| {
        format!("  validation BAC {:.2} %", 100.0 * b)
    });
    format!(
        "epoch {epoch} of {epochs}  loss {loss:.4}  training {:.2} %{bac}  {images_per_second:.0} images/s  {seconds_left:.0} s left",
        100.0 * train_accuracy
    )
}
