//! One call of a plugin: what goes in, what is offered meanwhile, what comes out.

use crate::context::Context;
use crate::error::Error;
use crate::guarded::Guarded;
use crate::plugin::Plugin;
use crate::verify::{self, Written};
use crate::watch::Watch;
use eos_plugin::abi::{self, Header, Instance, Status, Str};
use eos_tensor::{Backend, Recipe, Rows};
use std::ptr;

/// What to oversample.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `[N, D]`.
    pub rows: Rows<'a>,
    /// Class of each row, `[N]`, below the number of classes.
    pub labels: &'a [u32],
    /// Rows to add to each class, `[C]`; it gives the number of classes.
    pub wanted: &'a [u64],
    /// Of everything random.
    pub seed: u64,
    /// The run's parameters, over the registry's and the plugin's defaults.
    pub params: &'a toml::Table,
}

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

/// Synthetic rows, class by class, within a class in the plugin's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// Class of each row, `[M]`, rising.
    pub labels: Vec<u32>,
    /// `[M, D]` row-major, finite.
    pub rows: Vec<f32>,
    /// How each row was made, `[M]`; `None` for a plugin that makes rows itself.
    pub recipe: Option<Vec<Recipe>>,
    /// What the plugin noted for the summary, such as how many rows a fallback made.
    pub notes: Vec<String>,
}

pub(crate) fn sample(
    plugin: &Plugin,
    request: &Request<'_>,
    services: &mut Services<'_>,
) -> Result<Synthetic, Error> {
    let lines = plugin.lines(request.params)?;
    let total = check_request(request)?;
    let (backend, threads) = (services.backend, services.threads.max(1));
    let context = Context::new(plugin.id(), request, backend, &mut *services.progress);
    let written = {
        let _watch = Watch::start(plugin.id(), context.pulse());
        run(plugin, request, &context, threads, &lines, total)
    };
    let notes = context.finish()?;
    let mut done = verify::check(plugin.id(), request, written?, backend)?;
    done.notes = notes;
    Ok(done)
}

/// Refuses what cannot be answered; returns the rows wanted in all.
fn check_request(request: &Request<'_>) -> Result<usize, Error> {
    let (rows, labels, wanted) = (request.rows, request.labels, request.wanted);
    let refuse = |message: String| Err(Error::Request(message));
    if labels.len() != rows.len() {
        return refuse(format!(
            "{} labels for {} rows; give one label a row",
            labels.len(),
            rows.len()
        ));
    }
    // Streams of random numbers from 2³¹ up are not for classes.
    if wanted.len() >= 1 << 31 {
        return refuse(format!(
            "{} classes are too many; at most 2^31 - 1",
            wanted.len()
        ));
    }
    let mut counts = vec![0u64; wanted.len()];
    for (row, &label) in labels.iter().enumerate() {
        let Some(count) = counts.get_mut(label as usize) else {
            let classes = wanted.len();
            return refuse(format!(
                "row {row} has label {label}, but there are {classes} classes (0 to {})",
                classes.saturating_sub(1)
            ));
        };
        *count += 1;
    }
    let empty = counts
        .iter()
        .zip(wanted)
        .position(|(&count, &wanted)| count == 0 && wanted > 0);
    if let Some(class) = empty {
        let wanted = wanted[class];
        return refuse(format!(
            "class {class} has no rows, and {wanted} are wanted: there is nothing to make them from; want 0 of it"
        ));
    }
    let total = wanted.iter().try_fold(0u64, |sum, &w| sum.checked_add(w));
    let bytes = total.and_then(|t| t.checked_mul(rows.dims() as u64)?.checked_mul(4));
    match (total, bytes) {
        (Some(total), Some(bytes)) if bytes <= isize::MAX as u64 => Ok(total as usize),
        _ => {
            let bytes =
                wanted.iter().map(|&w| u128::from(w)).sum::<u128>() * rows.dims() as u128 * 4;
            Err(Error::Memory {
                rows: total.unwrap_or(u64::MAX),
                dims: rows.dims(),
                bytes,
            })
        }
    }
}

/// Creates the method, lets it write, and destroys it.
fn run(
    plugin: &Plugin,
    request: &Request<'_>,
    context: &Context<'_>,
    threads: u32,
    lines: &str,
    total: usize,
) -> Result<Written, Error> {
    let host = context.table(threads);
    let instance = Live::create(plugin, &host, context, lines)?;
    let dims = request.rows.dims();
    let memory = || {
        let bytes = total as u128 * dims as u128 * 4;
        Error::Memory {
            rows: total as u64,
            dims,
            bytes,
        }
    };
    let recipes = plugin.makes_recipes();
    let (some, other) = if recipes { (total, 0) } else { (0, total) };
    let mut columns = Columns {
        recipes: Guarded::new(some).ok_or_else(memory)?,
        labels: Guarded::new(other).ok_or_else(memory)?,
        rows: Guarded::new(other * dims).ok_or_else(memory)?,
    };
    let data = dataset(request);
    let mut out = columns.output(total, recipes);
    let sample = plugin
        .entry
        .0
        .sample
        .expect("an entry without it is refused");
    context.offer_dataset();
    // SAFETY: the tables and their columns outlive the call, and the instance is this plugin's.
    let status = unsafe { sample(&host, instance.at, &data, &mut out) };
    let written = out.written;
    drop(instance);
    outcome(plugin, status, context)?;
    columns.close(plugin, written, total, dims)
}

/// The result's columns while the plugin writes to them.
struct Columns {
    recipes: Guarded<abi::Recipe>,
    labels: Guarded<u32>,
    rows: Guarded<f32>,
}

impl Columns {
    fn output(&mut self, total: usize, recipes: bool) -> abi::Output {
        abi::Output {
            header: Header::of::<abi::Output>(),
            capacity: total as u64,
            written: 0,
            recipes: if recipes {
                self.recipes.as_mut_ptr()
            } else {
                ptr::null_mut()
            },
            labels: if recipes {
                ptr::null_mut()
            } else {
                self.labels.as_mut_ptr()
            },
            rows: if recipes {
                ptr::null_mut()
            } else {
                self.rows.as_mut_ptr()
            },
        }
    }

    /// The columns, once nothing is written beyond them and `written` fits.
    fn close(
        self,
        plugin: &Plugin,
        written: u64,
        total: usize,
        dims: usize,
    ) -> Result<Written, Error> {
        let (id, as_recipes) = (plugin.id(), plugin.makes_recipes());
        let broken = |message: String| Error::Contract {
            id: id.to_owned(),
            message,
        };
        if written > total as u64 {
            return Err(broken(format!(
                "it says it wrote {written} rows into room for {total}"
            )));
        }
        let beyond = |column| {
            broken(format!(
                "it wrote beyond the end of '{column}', which has room for {total} rows"
            ))
        };
        let written = written as usize;
        Ok(Written {
            recipes: self
                .recipes
                .close(written)
                .ok_or_else(|| beyond("recipes"))?,
            labels: self.labels.close(written).ok_or_else(|| beyond("labels"))?,
            rows: self
                .rows
                .close(written * dims)
                .ok_or_else(|| beyond("rows"))?,
            as_recipes,
        })
    }
}

fn dataset(request: &Request<'_>) -> abi::Dataset {
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

/// An instance that the plugin made, and is asked to destroy when this goes.
struct Live {
    at: *mut Instance,
    destroy: abi::DestroyFn,
}

impl Live {
    fn create(
        plugin: &Plugin,
        host: &abi::Host,
        context: &Context<'_>,
        lines: &str,
    ) -> Result<Self, Error> {
        let entry = &plugin.entry.0;
        let create = entry.create.expect("an entry without it is refused");
        let destroy = entry.destroy.expect("an entry without it is refused");
        let mut at = ptr::null_mut();
        // SAFETY: table and text outlive the call, and `at` has room for one pointer.
        let status = unsafe { create(host, Str::new(lines), &mut at) };
        outcome(plugin, status, context)?;
        Ok(Self { at, destroy })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // SAFETY: what `create` made, handed back once.
        unsafe { (self.destroy)(self.at) };
    }
}

/// What a status means, with the plugin's own words.
fn outcome(plugin: &Plugin, status: Status, context: &Context<'_>) -> Result<(), Error> {
    let id = plugin.id().to_owned();
    if status == abi::OK {
        return Ok(());
    }
    let message = context.take_error();
    let message = if message.is_empty() {
        format!("status {status}, without a word")
    } else {
        message
    };
    Err(match status {
        abi::BAD_PARAMS => Error::Params {
            id,
            origin: String::new(),
            message,
        },
        abi::CANCELLED if context.stopped() => Error::Cancelled,
        abi::CANCELLED => {
            let message = "it says it was cancelled, and nobody asked it to stop".to_owned();
            Error::Contract { id, message }
        }
        abi::PANICKED => Error::Panicked { id, message },
        abi::UNSUPPORTED => Error::Unsupported { id, message },
        abi::HOST_MISMATCH => {
            let built = plugin.entry.0.header;
            Error::HostMismatch {
                id,
                built: format!("{}.{}", built.major, built.minor),
                host: format!("{}.{}", abi::MAJOR, abi::MINOR),
            }
        }
        _ => Error::Failed { id, message },
    })
}
