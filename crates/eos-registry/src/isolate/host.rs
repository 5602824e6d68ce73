//! The child's side: what `eos-plugin-host` does.

use crate::call::Call;
use crate::context::{Context, Offer};
use crate::error::Error;
use crate::isolate::ending::{Ending, pack_refusal};
use crate::isolate::message::{Errand, Opening, Question};
use crate::isolate::pack::{Malformed, Pack, Unpack};
use crate::isolate::wire::{self, Frame, Kind};
use crate::library::{self, Facts};
use crate::plan::Trained;
use crate::plugin::{Body, Plugin, Table};
use crate::request::Request;
use crate::verify::Written;
use eos_plugin::abi::{Entry, Header};
use eos_tensor::{Backend, Classes, Neighbours, Rows};
use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Slots of neighbours that are asked for at once.
pub(crate) const SLOTS_AT_ONCE: usize = 1 << 20;

unsafe extern "C" {
    safe fn _exit(status: i32) -> !;
    safe fn dup2(from: i32, to: i32) -> i32;
}

/// Serves one isolated plugin to the host that started this process, and ends the process when the
/// host wants no more. Returns what is wrong where no host has started it.
pub fn serve_isolated() -> String {
    serve(|opening| library::open(&opening.id, &opening.library, &opening.path, &opening.copy))
}

/// The same for a plugin that is linked into this program.
pub(crate) fn linked(entry: &'static Entry) -> String {
    let place = std::ptr::from_ref(entry).cast::<Header>();
    // SAFETY: the static is as long as its type, and whoever wrote its header says no more.
    serve(|opening| unsafe { library::read(place) }.map_err(|fault| fault.of(&opening.id)))
}

/// The values' bytes, in the machine's order.
pub(crate) fn bytes_of(values: &[f32]) -> &[u8] {
    // SAFETY: the same memory for the same time; bytes may have any alignment and any value.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// There is no host, or it does not talk sense.
struct NoHost;

impl From<Malformed> for NoHost {
    fn from(Malformed: Malformed) -> Self {
        Self
    }
}

fn serve(load: impl Fn(&Opening) -> Result<Entry, Error>) -> String {
    let alone = "this program is started by eos, for plugins with isolate = \"process\" in their \
                 registry; there is nothing to do for it otherwise";
    let Ok(pipe) = take_pipe() else {
        return alone.to_owned();
    };
    match Child::greet(pipe).and_then(|child| child.work(&load)) {
        Ok(never) => match never {},
        Err(NoHost) => alone.to_owned(),
    }
}

/// The socket that standard input is. The plugin finds nothing there.
fn take_pipe() -> io::Result<UnixStream> {
    let pipe = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    pipe.peer_addr()?;
    dup2(File::open("/dev/null")?.as_raw_fd(), 0);
    Ok(pipe)
}

/// The pipe, on the child's side.
struct Child {
    pipe: Mutex<UnixStream>,
    frames: Mutex<Receiver<Frame>>,
}

impl Child {
    /// Says hello, and ends this process when the host is gone, whatever the plugin is at then.
    fn greet(pipe: UnixStream) -> Result<Self, NoHost> {
        let mut from_host = pipe.try_clone().map_err(|_| NoHost)?;
        let (give, frames) = mpsc::channel();
        let listen = move || {
            loop {
                let frame =
                    wire::receive(&mut from_host, u64::MAX, &mut || Ok::<_, Infallible>(()));
                // Destructors of a plugin may hang, and nobody needs them.
                let Ok(frame) = frame else { _exit(1) };
                if give.send(frame).is_err() {
                    _exit(1);
                }
            }
        };
        std::thread::Builder::new()
            .name("eos-pipe".into())
            .spawn(listen)
            .map_err(|_| NoHost)?;
        let child = Self {
            pipe: Mutex::new(pipe),
            frames: Mutex::new(frames),
        };
        let hello = Pack::default().number(wire::VERSION);
        child.send(Kind::Hello, &hello.text(env!("CARGO_PKG_VERSION")).0);
        Ok(child)
    }

    fn work(&self, load: &dyn Fn(&Opening) -> Result<Entry, Error>) -> Result<Infallible, NoHost> {
        let opening = Opening::unpack(&self.next(Kind::Open)?.body)?;
        let loaded = load(&opening).and_then(|entry| {
            let facts = Facts::of(&entry).map_err(|fault| fault.of(&opening.id))?;
            Ok((entry, facts))
        });
        match loaded {
            Err(error) => self.send(Kind::Refused, &pack_refusal(&error)),
            Ok((entry, facts)) => {
                self.send(Kind::Described, &facts.pack());
                let errand = Errand::unpack(&self.next(Kind::Call)?.body)?;
                let plugin = Plugin::new(&opening.id, facts, Body::Here(Table(entry)));
                match plugin.and_then(|plugin| self.call(&plugin, &entry, &errand)) {
                    Ok(written) => self.send(Kind::Written, &written.pack()),
                    Err(error) => self.send(Kind::Ended, &Ending::of(error).pack()),
                }
            }
        }
        // The end of the pipe is the end of this process.
        loop {
            std::thread::park();
        }
    }

    fn call(&self, plugin: &Plugin, entry: &Entry, errand: &Errand) -> Result<Written, Error> {
        let refuse = |error: eos_tensor::Error| Error::Request(error.to_string());
        let dims = usize::try_from(errand.dims).unwrap_or(0);
        let request = Request {
            rows: Rows::new(&errand.rows, dims).map_err(refuse)?,
            labels: &errand.labels,
            wanted: &errand.wanted,
            seed: errand.seed,
            params: &toml::Table::new(),
        };
        let far = Far {
            child: self,
            device: &errand.device,
        };
        let mut progress = |done: u64, total: u64| {
            let news = Pack::default().number(done).number(total).0;
            self.ask(Kind::Progress, &news).kind == Kind::GoOn
        };
        let offer = Offer {
            backend: &far,
            progress: &mut progress,
            listener: &|level, line| {
                self.send(Kind::Log, &Pack::default().number(level).text(line).0);
            },
            provoke: errand.provoke,
        };
        let context = Context::new(plugin.id(), &request, offer);
        let call = Call {
            plugin,
            entry,
            request: &request,
            context: &context,
            total: request.check()?,
        };
        let written = call.run(&context.table(errand.threads), &errand.lines);
        let told = context.finish()?;
        let Trained { parameters, steps } = told.trained;
        let trained = Pack::default().number(parameters).number(steps).0;
        self.send(Kind::Trained, &trained);
        written
    }

    /// Sends a frame; without a host to take it the process is over.
    fn send(&self, kind: Kind, body: &[u8]) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if wire::send(&mut *pipe, kind, &[body], &mut || Ok::<_, Infallible>(())).is_err() {
            _exit(1);
        }
    }

    /// Asks the host, which answers every question. Only the thread of the call asks.
    fn ask(&self, kind: Kind, body: &[u8]) -> Frame {
        self.send(kind, body);
        let answer = self.frames().recv();
        answer.unwrap_or_else(|_| _exit(1))
    }

    fn next(&self, kind: Kind) -> Result<Frame, NoHost> {
        let frame = self.frames().recv().map_err(|_| NoHost)?;
        (frame.kind == kind).then_some(frame).ok_or(NoHost)
    }

    fn frames(&self) -> MutexGuard<'_, Receiver<Frame>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host's device, by way of the pipe.
struct Far<'a> {
    child: &'a Child,
    device: &'a str,
}

impl Backend for Far<'_> {
    fn name(&self) -> &str {
        self.device
    }

    fn neighbours(
        &self,
        rows: Rows<'_>,
        _: &[u32],
        queries: &[u32],
        k: usize,
        classes: Classes,
    ) -> Result<Neighbours, eos_tensor::Error> {
        // There are no more than N − 1; what lies beyond stays empty.
        let most = k.min(rows.len().max(1));
        let mut found = Neighbours::empty(queries.len(), k);
        let at_once = (SLOTS_AT_ONCE / most).max(1);
        let mut q = 0;
        for part in queries.chunks(at_once) {
            let question = Question::pack(part, most as u64, classes);
            let answer = self.child.ask(Kind::Neighbours, &question);
            let Some((index, distance)) = answered(&answer, part.len() * most) else {
                // The host knows its device's failure, and tells that one.
                let queries = queries.len();
                return Err(eos_tensor::Error::Slots { queries, k });
            };
            let lists = index.chunks_exact(most).zip(distance.chunks_exact(most));
            for (index, distance) in lists {
                found.index[q * k..][..most].copy_from_slice(index);
                found.distance[q * k..][..most].copy_from_slice(distance);
                q += 1;
            }
        }
        Ok(found)
    }

    /// The host makes the rows of recipes; nothing in a call asks for them here.
    fn interpolate(
        &self,
        _: Rows<'_>,
        recipe: &[eos_tensor::Recipe],
        _: &mut [f32],
    ) -> Result<(), eos_tensor::Error> {
        let (got, wanted) = (0, recipe.len());
        Err(eos_tensor::Error::Output { got, wanted })
    }
}

/// `slots` rows and their distances, if that is the answer.
fn answered(answer: &Frame, slots: usize) -> Option<(Vec<u32>, Vec<f32>)> {
    if answer.kind != Kind::Found {
        return None;
    }
    let mut unpack = Unpack(&answer.body);
    let (index, distance) = (unpack.column().ok()?, unpack.column().ok()?);
    (index.len() == slots && distance.len() == slots).then_some((index, distance))
}
