//! events.jsonl: what happened in a run, a line an event, as it happens.

use crate::{Error, Event, Observer};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Hands events on and writes them down, but for progress within a phase.
pub(crate) struct Log<'a> {
    observer: &'a mut dyn Observer,
    /// Gone after a failure, which was told once.
    file: Option<File>,
    start: Instant,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Since this part of the run began.
    seconds: f64,
    #[serde(flatten)]
    event: &'a Event,
}

impl<'a> Log<'a> {
    /// Appends to `path`: a run that goes on keeps what is there.
    pub fn open(path: &Path, observer: &'a mut dyn Observer) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            observer,
            file: Some(file.map_err(|e| Error::io("write", path, e))?),
            start: Instant::now(),
        })
    }

    fn write(&mut self, event: &Event) {
        let Some(file) = &mut self.file else { return };
        let line = Line {
            seconds: self.start.elapsed().as_secs_f64(),
            event,
        };
        let mut line = serde_json::to_string(&line).expect("events are JSON");
        line.push('\n');
        // One write, so that no line is half there.
        if let Err(error) = file.write_all(line.as_bytes()) {
            self.file = None;
            let text = format!("events.jsonl ends here: {error}");
            self.observer.event(&Event::Warning { text });
        }
    }
}

impl Observer for Log<'_> {
    fn event(&mut self, event: &Event) {
        if !matches!(event, Event::Progress { .. }) {
            self.write(event);
        }
        self.observer.event(event);
    }

    fn cancelled(&self) -> bool {
        self.observer.cancelled()
    }
}
