//! One call of a plugin: what goes in, what is offered meanwhile, what comes out.

use crate::context::{Context, Offer};
use crate::error::Error;
use crate::guarded::Guarded;
use crate::plan::Plan;
use crate::plugin::Plugin;
use crate::request::Request;
use crate::verify::{self, Written};
use crate::watch::Watch;
use eos_plugin::abi::{self, Entry, Header, Instance, Status, Str};
use eos_tensor::Backend;
use std::ptr;
use std::sync::Arc;

/// What the host offers during a call.
pub struct Services<'a> {
    /// Finds neighbours and makes the rows of recipes.
    pub backend: &'a dyn Backend,
    /// Threads that the plugin may use; 0 is 1.
    pub threads: u32,
    /// Called with steps done and in all, on the thread of the call, about once a second; (0, 0)
    /// while nothing is known. `false` stops the plugin, and the call is [`Error::Cancelled`].
    pub progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

/// Calls a plugin in this process. `lines` are its parameters.
pub(crate) fn sample(
    plugin: &Plugin,
    entry: &Entry,
    request: &Request<'_>,
    lines: &str,
    services: &mut Services<'_>,
) -> Result<Plan, Error> {
    let (backend, threads) = (services.backend, services.threads.max(1));
    let id = plugin.id();
    let offer = Offer {
        backend,
        progress: &mut *services.progress,
        listener: &|level, line| log(id, level, line),
        provoke: false,
    };
    let context = Context::new(id, request, offer);
    let call = Call {
        plugin,
        entry,
        request,
        context: &context,
        total: request.check()?,
    };
    let written = {
        let _watch = Watch::start(id, plugin.patience, Arc::clone(context.pulse()));
        call.run(&context.table(threads), lines)
    };
    let told = context.finish()?;
    verify::check(id, request, written?, told)
}

/// A line that plugin `id` logs, as the host tells it.
pub(crate) fn log(id: &str, level: u32, line: &str) {
    match level {
        abi::LOG_DEBUG => tracing::debug!("plugin '{id}': {line}"),
        abi::LOG_NOTE => tracing::info!("plugin '{id}': {line}"),
        _ => tracing::warn!("plugin '{id}': {line}"),
    }
}

/// One call under way.
pub(crate) struct Call<'a, 'c> {
    pub plugin: &'a Plugin,
    pub entry: &'a Entry,
    pub request: &'a Request<'a>,
    pub context: &'a Context<'c>,
    /// Rows wanted in all.
    pub total: usize,
}

impl Call<'_, '_> {
    /// Creates the method, lets it write, and destroys it.
    pub(crate) fn run(&self, host: &abi::Host, lines: &str) -> Result<Written, Error> {
        let instance = self.create(host, lines)?;
        let too_large = || self.request.too_large(self.total as u128);
        let mut columns = self.columns().ok_or_else(too_large)?;
        let (data, mut out) = (self.dataset(), columns.output(self.total));
        let sample = self.entry.sample.expect("an entry without it is refused");
        self.context.offer_dataset();
        // SAFETY: the tables and their columns outlive the call, and the instance is this
        // plugin's.
        let status = unsafe { sample(host, instance.at, &data, &mut out) };
        drop(instance);
        self.outcome(status)?;
        self.close(columns, out.written)
    }

    fn create(&self, host: &abi::Host, lines: &str) -> Result<Live, Error> {
        let create = self.entry.create.expect("an entry without it is refused");
        let destroy = self.entry.destroy.expect("an entry without it is refused");
        let mut at = ptr::null_mut();
        // SAFETY: table and text outlive the call, and `at` has room for one pointer.
        let status = unsafe { create(host, Str::new(lines), &mut at) };
        self.outcome(status)?;
        Ok(Live { at, destroy })
    }

    fn dataset(&self) -> abi::Dataset {
        let request = self.request;
        abi::Dataset {
            header: Header::of::<abi::Dataset>(),
            len: request.rows.len() as u64,
            dims: request.rows.dims() as u64,
            classes: request.wanted.len() as u32,
            reserved: 0,
            rows: request.rows.data().as_ptr(),
            labels: request.labels.as_ptr(),
            wanted: request.wanted.as_ptr(),
            seed: request.seed,
        }
    }

    /// Room for the result; `None` where memory does not suffice.
    fn columns(&self) -> Option<Columns> {
        let total = self.total;
        if self.plugin.makes_recipes() {
            return Some(Columns::Recipes(Guarded::new(total)?));
        }
        let rows = Guarded::new(total * self.request.rows.dims())?;
        Some(Columns::Rows(Guarded::new(total)?, rows))
    }

    /// What was written, once it is no more than there was room for.
    fn close(&self, columns: Columns, written: u64) -> Result<Written, Error> {
        let total = self.total;
        if written > total as u64 {
            let message = format!("it says it wrote {written} rows into room for {total}");
            return Err(self.broken(message));
        }
        let beyond = |column: &str| {
            self.broken(format!(
                "it wrote beyond the end of '{column}', which has room for {total} rows"
            ))
        };
        let written = written as usize;
        Ok(match columns {
            Columns::Recipes(recipes) => {
                Written::Recipes(recipes.close(written).ok_or_else(|| beyond("recipes"))?)
            }
            Columns::Rows(labels, rows) => {
                let labels = labels.close(written).ok_or_else(|| beyond("labels"))?;
                let values = written * self.request.rows.dims();
                Written::Rows(labels, rows.close(values).ok_or_else(|| beyond("rows"))?)
            }
        })
    }

    /// What a status means, with the plugin's own words.
    fn outcome(&self, status: Status) -> Result<(), Error> {
        if status == abi::OK {
            return Ok(());
        }
        let (id, mut message) = (self.plugin.id().to_owned(), self.context.take_error());
        if message.is_empty() {
            message = format!("status {status}, without a word");
        }
        Err(match status {
            abi::BAD_PARAMS => Error::Params {
                id,
                origin: String::new(),
                message,
            },
            abi::CANCELLED if self.context.stopped() => Error::Cancelled,
            abi::CANCELLED => {
                self.broken("it says it was cancelled, and nobody asked it to stop".to_owned())
            }
            abi::PANICKED => Error::Panicked { id, message },
            abi::UNSUPPORTED => Error::Unsupported { id, message },
            abi::HOST_MISMATCH => self.plugin.host_mismatch(),
            _ => Error::Failed { id, message },
        })
    }

    fn broken(&self, message: String) -> Error {
        Error::Contract {
            id: self.plugin.id().to_owned(),
            message,
        }
    }
}

/// The result's columns while the plugin writes to them.
enum Columns {
    Recipes(Guarded<abi::Recipe>),
    /// Labels and rows.
    Rows(Guarded<u32>, Guarded<f32>),
}

impl Columns {
    fn output(&mut self, capacity: usize) -> abi::Output {
        let mut out = abi::Output {
            header: Header::of::<abi::Output>(),
            capacity: capacity as u64,
            written: 0,
            recipes: ptr::null_mut(),
            labels: ptr::null_mut(),
            rows: ptr::null_mut(),
        };
        match self {
            Self::Recipes(recipes) => out.recipes = recipes.as_mut_ptr(),
            Self::Rows(labels, rows) => {
                (out.labels, out.rows) = (labels.as_mut_ptr(), rows.as_mut_ptr());
            }
        }
        out
    }
}

/// An instance that the plugin made, and is asked to destroy when this goes.
struct Live {
    at: *mut Instance,
    destroy: abi::DestroyFn,
}

impl Drop for Live {
    fn drop(&mut self) {
        // SAFETY: what `create` made, handed back once.
        unsafe { (self.destroy)(self.at) };
    }
}
