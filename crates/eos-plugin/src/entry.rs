//! Turns an [`Oversampler`] into the table of functions that crosses the boundary.

use crate::Oversampler;
use crate::abi::{self, Instance, Status, Str};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::host::Host;
use crate::params::Parameters;
use crate::shield;
use crate::sink::{Mode, Sink};

/// The entry of method `P`, for [`export_oversampler!`](crate::export_oversampler) and for
/// methods that a program composes without a library of their own.
///
/// `version` is the plugin's, `panic_aborts` its `cfg!(panic = "abort")`.
pub const fn entry<P: Oversampler>(version: &'static str, panic_aborts: bool) -> abi::Entry {
    let rows = match P::MODE {
        Mode::Rows => abi::MAKES_ROWS,
        Mode::Recipes => 0,
    };
    abi::Entry {
        header: abi::Header::of::<abi::Entry>(),
        id: Str::new(P::ID),
        version: Str::new(version),
        summary: Str::new(P::SUMMARY),
        params: Str::new(<P::Params as Parameters>::DESCRIPTION),
        flags: rows | if panic_aborts { abi::PANIC_ABORTS } else { 0 },
        create: Some(if panic_aborts {
            create::<P, true>
        } else {
            create::<P, false>
        }),
        sample: Some(if panic_aborts {
            sample::<P, true>
        } else {
            sample::<P, false>
        }),
        destroy: Some(destroy::<P>),
    }
}

/// Exports the crate's plugin: the static that hosts look for, as `ENTRY`.
///
/// Its symbol carries the crate's name, so that several plugins can be linked into one program.
///
/// ```
/// use eos_plugin::{Dataset, Error, Host, Oversampler, Recipe, Sink, export_oversampler};
///
/// /// Repeats the first row of each class.
/// struct First;
///
/// impl Oversampler for First {
///     const ID: &'static str = "first";
///     const SUMMARY: &'static str = "repeats the first row of each class";
///     type Params = ();
///     fn new((): ()) -> Result<Self, Error> {
///         Ok(Self)
///     }
///     fn sample(&self, data: &Dataset<'_>, host: &Host<'_>, out: &mut Sink<'_>) -> Result<(), Error> {
///         let members = data.members();
///         for (label, wanted) in data.wanting() {
///             let base = members.of(label)[0];
///             let recipe = Recipe { label, base, from: base, to: base, ratio: 0.0 };
///             out.draw(host, label, wanted, |_| recipe)?;
///         }
///         Ok(())
///     }
/// }
///
/// export_oversampler!(First);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_oversampler {
    ($method:ty) => {
        /// What a host reads of this plugin; also the way to compose it without a library.
        #[unsafe(export_name = concat!("eos_plugin_entry__", env!("CARGO_CRATE_NAME")))]
        pub static ENTRY: $crate::abi::Entry =
            $crate::entry::<$method>(env!("CARGO_PKG_VERSION"), cfg!(panic = "abort"));
    };
}

unsafe extern "C" fn create<P: Oversampler, const ABORTS: bool>(
    host: *const abi::Host,
    params: Str,
    out: *mut *mut Instance,
) -> Status {
    // SAFETY: the host's table stays for this call.
    let Some(host) = (unsafe { Host::read(host) }) else {
        return abi::HOST_MISMATCH;
    };
    report::<ABORTS>(&host, || {
        // SAFETY: the host's text stays for this call.
        let text = unsafe { params.as_str() };
        let text = text.ok_or_else(|| Error::params("the parameters are not UTF-8"))?;
        let instance = Box::new(P::new(Parameters::parse(text)?)?);
        if out.is_null() {
            return Err(Error::failed("the host gave no place for the instance"));
        }
        // SAFETY: not null, and the host's place for one pointer.
        unsafe { out.write(Box::into_raw(instance).cast()) };
        Ok(())
    })
}

unsafe extern "C" fn sample<P: Oversampler, const ABORTS: bool>(
    host: *const abi::Host,
    instance: *const Instance,
    data: *const abi::Dataset,
    out: *mut abi::Output,
) -> Status {
    // SAFETY: the host's table stays for this call.
    let Some(host) = (unsafe { Host::read(host) }) else {
        return abi::HOST_MISMATCH;
    };
    report::<ABORTS>(&host, || {
        // SAFETY: the host hands back what `create` gave it, and has not called `destroy` yet.
        let method = unsafe { instance.cast::<P>().as_ref() };
        let method = method.ok_or_else(|| Error::failed("the host gave no instance"))?;
        // SAFETY: the host's tables and their columns stay for this call.
        let data = unsafe { Dataset::read(data) }?;
        // SAFETY: as above; nothing else refers to the output meanwhile.
        let mut out = unsafe { Sink::open(out, P::MODE, data.dims()) }?;
        host.provoked();
        method.sample(&data, &host.over(data.len()), &mut out)
    })
}

unsafe extern "C" fn destroy<P: Oversampler>(instance: *mut Instance) {
    if !instance.is_null() {
        // SAFETY: the host hands back what `create` made, once.
        let method = unsafe { Box::from_raw(instance.cast::<P>()) };
        // A panic of a destructor has nobody to hear of it: the call returns nothing.
        let _ = shield::run(|| drop(method));
    }
}

/// Runs `work` in the shield and tells the host how it ended. Where a panic `ABORTS`, nothing can
/// be told afterwards, so it is printed as it happens.
fn report<const ABORTS: bool>(host: &Host<'_>, work: impl FnOnce() -> Result<(), Error>) -> Status {
    if ABORTS {
        shield::speak();
    }
    let error = match shield::run(work) {
        Ok(Ok(())) => return abi::OK,
        Ok(Err(error)) => error,
        Err(message) => Error::Panicked(message),
    };
    host.set_error(&error.to_string());
    match error {
        Error::Cancelled => abi::CANCELLED,
        Error::Params(_) => abi::BAD_PARAMS,
        Error::Unsupported(_) => abi::UNSUPPORTED,
        Error::Failed(_) => abi::FAILED,
        Error::Panicked(_) => abi::PANICKED,
    }
}
