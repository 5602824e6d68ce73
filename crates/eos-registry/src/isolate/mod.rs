//! Plugins in a process of their own.
//!
//! A child process loads the library, and makes one call of it. Data go over once, the services
//! that need the host's device are asked for over the pipe, random numbers are made where they are
//! used, for they depend on the seed and the position alone. What comes back is checked as if it
//! had been written in this process: the child is believed nothing. Whatever the plugin does to its
//! process, the host names it and goes on, and the child is always reaped.

mod ending;
mod find;
mod host;
mod message;
mod pack;
mod process;
mod serve;
mod wire;

pub(crate) use host::linked;
pub use host::serve_isolated;
pub(crate) use message::Opening;
pub(crate) use serve::Wish;

use crate::cache::Copy;
use crate::call::Services;
use crate::error::Error;
use crate::library::Facts;
use crate::plan::Plan;
use crate::plugin::{Body, Plugin};
use crate::request::Request;
use ending::unpack_refusal;
use pack::Unpack;
use process::Process;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::{Frame, Kind, Lost};

/// What a plugin is about to do when it is named; these complete "while it …".
const LOADED: &str = "was loaded";
const MADE_ROWS: &str = "made rows";
/// Most bytes of a frame in which a plugin describes itself.
const LONGEST_DESCRIPTION: u64 = 8 << 20;

/// Program and arguments that make a child.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Variables that it finds set, beside this process's.
    pub variables: Vec<(&'static str, &'static str)>,
}

impl Start {
    /// An `eos-plugin-host`: the one given, or the one that is found.
    pub(crate) fn host(given: Option<&Path>) -> Result<Self, String> {
        Ok(Self {
            program: find::find(given)?,
            arguments: Vec::new(),
            variables: Vec::new(),
        })
    }
}

/// How the calls of one plugin get a process.
#[derive(Debug)]
pub(crate) struct Apart {
    pub start: Start,
    pub opening: Opening,
    /// The copy that is opened: where it is a passing one, it is there for as long as this is.
    pub _copy: Option<Copy>,
    /// What one call may take.
    pub timeout: Duration,
    /// The registry that says so.
    pub registry: Option<PathBuf>,
}

impl Apart {
    /// The plugin, described by a child of its own.
    pub(crate) fn load(self) -> Result<Plugin, Error> {
        let mut clock = self.clock();
        let (_, facts) = self.open(&mut clock)?;
        let id = self.opening.id.clone();
        Plugin::new(&id, facts, Body::Apart(Arc::new(self)))
    }

    /// Plans rows as [`call::sample`](crate::call::sample) does, in a child.
    pub(crate) fn sample(
        &self,
        plugin: &Plugin,
        request: &Request<'_>,
        lines: &str,
        services: &mut Services<'_>,
    ) -> Result<Plan, Error> {
        self.sample_as(plugin, request, lines, services, Wish::default())
    }

    /// The same, with wishes that only the conformance kit has.
    pub(crate) fn sample_as(
        &self,
        plugin: &Plugin,
        request: &Request<'_>,
        lines: &str,
        services: &mut Services<'_>,
        wish: Wish,
    ) -> Result<Plan, Error> {
        let mut clock = self.clock();
        clock.deadline = wish.until.map_or(clock.deadline, |u| u.min(clock.deadline));
        let (process, facts) = self.open(&mut clock)?;
        if facts != *plugin.facts() {
            let message = "its library describes itself otherwise than when it was loaded".into();
            let id = plugin.id().to_owned();
            return Err(Error::Contract { id, message });
        }
        clock.stage = MADE_ROWS;
        clock.id = plugin.id().to_owned();
        serve::call(
            plugin,
            request,
            lines,
            services,
            serve::Run {
                process,
                clock,
                wish,
            },
        )
    }

    fn clock(&self) -> Clock {
        Clock {
            id: self.opening.id.clone(),
            stage: LOADED,
            timeout: self.timeout,
            deadline: Instant::now() + self.timeout,
            registry: self.registry.clone(),
        }
    }

    /// A child that has loaded the library, and what the library says.
    fn open(&self, clock: &mut Clock) -> Result<(Process, Facts), Error> {
        let mut process = self.greeted(clock)?;
        let mut wait = || clock.check();
        let opening = self.opening.pack();
        let sent = wire::send(&mut process.pipe, Kind::Open, &[&opening], &mut wait);
        let answer =
            sent.and_then(|()| wire::receive(&mut process.pipe, LONGEST_DESCRIPTION, &mut wait));
        let frame = match answer {
            Ok(frame) => frame,
            Err(lost) => return Err(clock.lost(lost, process)),
        };
        let understood = match frame.kind {
            Kind::Described => Facts::unpack(&frame.body).map(Ok),
            Kind::Refused => unpack_refusal(&frame.body, &self.opening).map(Err),
            _ => Err(pack::Malformed),
        };
        match understood {
            Ok(facts) => Ok((process, facts?)),
            Err(pack::Malformed) => Err(clock.malformed(&frame)),
        }
    }

    /// A child that has said that it speaks this version of the pipe.
    fn greeted(&self, clock: &mut Clock) -> Result<Process, Error> {
        let (id, program) = (&self.opening.id, self.start.program.display());
        let none = |message: String| Error::Isolation {
            id: id.clone(),
            message,
        };
        let mut command = Command::new(&self.start.program);
        command
            .args(&self.start.arguments)
            .envs(self.start.variables.iter().copied());
        let mut process = Process::start(command, id)
            .map_err(|error| none(format!("'{program}' cannot be started: {error}")))?;
        let other = |said: String| {
            none(format!(
                "'{program}' is no eos-plugin-host of this version of eos ({said}); set \
                 EOS_PLUGIN_HOST to the one that was built with it"
            ))
        };
        let mut wait = || clock.check();
        let frame = match wire::receive(&mut process.pipe, 1024, &mut wait) {
            Ok(frame) => frame,
            Err(Lost::Stopped(error)) => return Err(error),
            Err(Lost::Garbage(said)) => return Err(other(format!("it sent {said}"))),
            Err(Lost::Closed) => return Err(other(process.last_words())),
        };
        match (frame.kind, Unpack(&frame.body).number::<u32>()) {
            (Kind::Hello, Ok(wire::VERSION)) => Ok(process),
            (Kind::Hello, Ok(version)) => Err(other(format!(
                "it speaks version {version} of the pipe, not {}",
                wire::VERSION
            ))),
            (kind, _) => Err(other(format!("it began with {kind:?}"))),
        }
    }
}

/// How long a call has left, and whom to name when it has nothing left.
pub(crate) struct Clock {
    id: String,
    stage: &'static str,
    timeout: Duration,
    deadline: Instant,
    registry: Option<PathBuf>,
}

impl Clock {
    fn check(&self) -> Result<(), Error> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(Error::TimedOut {
            id: self.id.clone(),
            stage: self.stage,
            timeout: self.timeout,
            registry: self.registry.clone(),
        })
    }

    /// Gives the plugin back the time that the host took for itself.
    fn give(&mut self, time: Duration) {
        self.deadline += time;
    }

    /// What it means that no frame comes from `process`.
    fn lost(&self, lost: Lost<Error>, process: Process) -> Error {
        let (id, stage) = (self.id.clone(), self.stage);
        match lost {
            Lost::Stopped(error) => error,
            Lost::Closed => Error::Died {
                id,
                stage,
                how: process.last_words(),
            },
            Lost::Garbage(said) => {
                let message = format!("its process sent the host what is no message: {said}");
                Error::Contract { id, message }
            }
        }
    }

    fn malformed(&self, frame: &Frame) -> Error {
        let (kind, len) = (frame.kind, frame.body.len());
        Error::Contract {
            id: self.id.clone(),
            message: format!(
                "its process sent the host a malformed or unexpected message ({kind:?}, {len} \
                 bytes)"
            ),
        }
    }
}
