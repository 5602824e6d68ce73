//! The host's side of one call in a child: it serves what the plugin asks for, and checks what it
//! is given.

use crate::call::{Services, log};
use crate::callbacks::LONGEST_MESSAGE;
use crate::context::MOST_NOTES;
use crate::error::Error;
use crate::isolate::ending::Ending;
use crate::isolate::message::Question;
use crate::isolate::pack::{Malformed, Pack, Unpack};
use crate::isolate::process::Process;
use crate::isolate::wire::{self, Frame, Kind};
use crate::isolate::{Clock, host};
use crate::plan::{Plan, Told, Trained};
use crate::plugin::Plugin;
use crate::request::Request;
use crate::verify::{self, Written};
use eos_plugin::abi;
use std::time::{Duration, Instant};

/// How often the caller is asked whether to stop while the plugin says nothing.
const LOOK: Duration = Duration::from_millis(200);
/// How long a plugin that was told to stop may take before its process is ended.
const GRACE: Duration = Duration::from_millis(500);
/// Bytes of a frame that any call may need; the result may need more.
const LONGEST: u64 = 16 << 20;
/// Bytes of the longest line that the child passes on; it cuts them off where they are longer, and
/// what is not UTF-8 grows threefold.
const LONGEST_LINE: usize = 3 * LONGEST_MESSAGE;

/// What the conformance kit wants otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Ask the plugin to panic.
    pub provoke: bool,
    /// How long it may take to stop.
    pub grace: Duration,
    /// When all time is up, whatever the plugin's own timeout says.
    pub until: Option<Instant>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            provoke: false,
            grace: GRACE,
            until: None,
        }
    }
}

/// A child that has loaded its plugin.
pub(crate) struct Run {
    pub process: Process,
    pub clock: Clock,
    pub wish: Wish,
}

/// Has the child make one call.
pub(crate) fn call(
    plugin: &Plugin,
    request: &Request<'_>,
    lines: &str,
    services: &mut Services<'_>,
    run: Run,
) -> Result<Plan, Error> {
    let Run {
        mut process,
        clock,
        wish,
    } = run;
    let mut serving = Serving {
        plugin,
        request,
        services,
        clock,
        grace: wish.grace,
        asked: Instant::now(),
        stopped: None,
        steps: (0, 0),
        told: Told::default(),
        failure: None,
    };
    let longest = serving.longest()?;
    let errand = serving.errand(lines, wish.provoke);
    let rows = host::bytes_of(request.rows.data());
    let mut wait = || serving.wait();
    let sent = wire::send(&mut process.pipe, Kind::Call, &[&errand, rows], &mut wait);
    if let Err(lost) = sent {
        return Err(serving.clock.lost(lost, process));
    }
    loop {
        let frame = wire::receive(&mut process.pipe, longest, &mut || serving.wait());
        let frame = match frame {
            Ok(frame) => frame,
            Err(lost) => return Err(serving.clock.lost(lost, process)),
        };
        // One that never ceases to talk is on the clock as well.
        serving.wait()?;
        let step = serving.take(&frame);
        let step = step.unwrap_or_else(|Malformed| Err(serving.clock.malformed(&frame)))?;
        let sent = match step {
            Step::Over(written) => return serving.finish(written),
            Step::None => Ok(()),
            Step::Answer(kind, body) => {
                wire::send(&mut process.pipe, kind, &[&body], &mut || serving.wait())
            }
        };
        if let Err(lost) = sent {
            return Err(serving.clock.lost(lost, process));
        }
    }
}

/// What a frame comes to.
enum Step {
    None,
    Answer(Kind, Vec<u8>),
    Over(Result<Written, Ending>),
}

struct Serving<'a, 's> {
    plugin: &'a Plugin,
    request: &'a Request<'a>,
    services: &'a mut Services<'s>,
    clock: Clock,
    grace: Duration,
    /// When the caller was last asked whether to stop.
    asked: Instant,
    /// When the caller wanted to stop.
    stopped: Option<Instant>,
    /// The last news of progress.
    steps: (u64, u64),
    told: Told,
    /// The backend's failure, which is not the plugin's.
    failure: Option<eos_tensor::Error>,
}

impl Serving<'_, '_> {
    /// Bytes of the longest frame that the child may send.
    fn longest(&self) -> Result<u64, Error> {
        let (total, dims) = (
            self.request.check()? as u64,
            self.request.rows.dims() as u64,
        );
        let row = match self.plugin.makes_recipes() {
            true => size_of::<abi::Recipe>() as u64,
            false => 4 + 4 * dims,
        };
        Ok(total.saturating_mul(row).saturating_add(1024).max(LONGEST))
    }

    /// Everything of the call but the rows' values, which follow.
    fn errand(&self, lines: &str, provoke: bool) -> Vec<u8> {
        let (request, backend) = (self.request, self.services.backend);
        let pack = Pack::default().text(lines).text(backend.name());
        let pack = pack.number(self.services.threads.max(1));
        let pack = pack.number(u8::from(provoke)).number(request.seed);
        let pack = pack.number(request.rows.dims() as u64);
        let pack = pack.column(request.labels).column(request.wanted);
        pack.number(request.rows.data().len() as u64).0
    }

    /// While nothing comes or goes.
    fn wait(&mut self) -> Result<(), Error> {
        self.clock.check()?;
        match self.stopped {
            Some(at) if at.elapsed() > self.grace => return Err(Error::Cancelled),
            None if self.asked.elapsed() > LOOK => drop(self.go_on(0, 0)),
            _ => {}
        }
        Ok(())
    }

    /// Tells the caller about progress; `false` where the plugin has to stop.
    fn go_on(&mut self, done: u64, total: u64) -> bool {
        if total > 0 {
            self.steps = (done, total);
        }
        self.asked = Instant::now();
        let (done, total) = self.steps;
        if !(self.services.progress)(done, total) {
            self.stopped.get_or_insert(self.asked);
        }
        self.stopped.is_none()
    }

    fn take(&mut self, frame: &Frame) -> Result<Result<Step, Error>, Malformed> {
        let mut unpack = Unpack(&frame.body);
        Ok(Ok(match frame.kind {
            Kind::Log => {
                let (level, line) = (unpack.number()?, unpack.text()?);
                unpack.end()?;
                if line.len() > LONGEST_LINE {
                    return Err(Malformed);
                }
                self.log(level, line);
                Step::None
            }
            Kind::Trained => {
                let (parameters, steps) = (unpack.number()?, unpack.number()?);
                unpack.end()?;
                self.told.trained += Trained { parameters, steps };
                Step::None
            }
            Kind::Progress => {
                let (done, total) = (unpack.number()?, unpack.number()?);
                unpack.end()?;
                let go_on = self.go_on(done, total);
                Step::Answer(if go_on { Kind::GoOn } else { Kind::Stop }, Vec::new())
            }
            Kind::Neighbours => return Ok(self.neighbours(&Question::unpack(&frame.body)?)),
            Kind::Written => {
                let (recipes, dims) = (self.plugin.makes_recipes(), self.request.rows.dims());
                Step::Over(Ok(Written::unpack(&frame.body, recipes, dims)?))
            }
            Kind::Ended => Step::Over(Err(Ending::unpack(&frame.body)?)),
            _ => return Err(Malformed),
        }))
    }

    fn log(&mut self, level: u32, line: String) {
        log(self.plugin.id(), level, &line);
        let notes = &mut self.told.notes;
        if level != abi::LOG_DEBUG && notes.len() < MOST_NOTES {
            notes.push(line);
        }
    }

    fn neighbours(&mut self, question: &Question) -> Result<Step, Error> {
        let (request, rows) = (self.request, self.request.rows.len());
        let k = usize::try_from(question.k).unwrap_or(usize::MAX);
        let most = host::SLOTS_AT_ONCE.max(rows);
        let slots = question.queries.len().saturating_mul(k);
        let known = question.queries.iter().all(|&row| (row as usize) < rows);
        if k == 0 || slots > most || !known {
            return Err(self.broken("its process asked for neighbours that there cannot be"));
        }
        let began = Instant::now();
        let Question {
            queries, classes, ..
        } = question;
        let backend = self.services.backend;
        let found = backend.neighbours(request.rows, request.labels, queries, k, *classes);
        self.clock.give(began.elapsed());
        Ok(match found {
            Ok(found) => {
                let pack = Pack::default().column(&found.index);
                Step::Answer(Kind::Found, pack.column(&found.distance).0)
            }
            Err(error) => {
                self.failure.get_or_insert(error);
                Step::Answer(Kind::Failed, Vec::new())
            }
        })
    }

    /// The result, unless something has happened that outranks whatever came back: a breach of
    /// contract, a wish to stop, a failure of the backend.
    fn finish(mut self, written: Result<Written, Ending>) -> Result<Plan, Error> {
        let id = self.plugin.id().to_owned();
        if let Err(Ending::Contract(message)) = written {
            return Err(Error::Contract { id, message });
        }
        if self.stopped.is_some() {
            return Err(Error::Cancelled);
        }
        if let Some(source) = self.failure.take() {
            let backend = self.services.backend.name().to_owned();
            return Err(Error::Backend {
                id,
                backend,
                source,
            });
        }
        let origin = String::new();
        let written = written.map_err(|ending| match ending {
            Ending::Params(message) => Error::Params {
                id,
                origin,
                message,
            },
            Ending::Failed(message) => Error::Failed { id, message },
            Ending::Unsupported(message) => Error::Unsupported { id, message },
            Ending::HostMismatch => self.plugin.host_mismatch(),
            Ending::Panicked(message) => Error::Panicked { id, message },
            Ending::Contract(message) => Error::Contract { id, message },
            Ending::Cancelled => {
                self.broken("it says it was cancelled, and nobody asked it to stop")
            }
            Ending::Memory => {
                let total = self.request.wanted.iter().map(|&w| u128::from(w)).sum();
                self.request.too_large(total)
            }
        })?;
        verify::check(self.plugin.id(), self.request, written, self.told)
    }

    fn broken(&self, message: &str) -> Error {
        Error::Contract {
            id: self.plugin.id().to_owned(),
            message: message.to_owned(),
        }
    }
}
