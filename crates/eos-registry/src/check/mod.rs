//! The conformance kit: whether a plugin keeps the contract of the boundary.
//!
//! Every call of the plugin runs in a process of its own with a timeout, so that nothing a plugin
//! does ends the check. `eos plugins check` is this module as a command; a plugin's own tests have
//! it in one line:
//!
//! ```no_run
//! # use eos_plugin::{Dataset, Error, Host, Oversampler, Sink, export_oversampler};
//! # struct Nothing;
//! # impl Oversampler for Nothing {
//! #     const ID: &'static str = "nothing";
//! #     const SUMMARY: &'static str = "makes nothing";
//! #     type Params = ();
//! #     fn new((): ()) -> Result<Self, Error> { Ok(Self) }
//! #     fn sample(&self, _: &Dataset<'_>, _: &Host<'_>, _: &mut Sink<'_>) -> Result<(), Error> { Ok(()) }
//! # }
//! # export_oversampler!(Nothing);
//! eos_registry::check_oversampler!(ENTRY);
//! # fn main() {}
//! ```

mod fuzz;
mod kit;
mod report;
mod rules;
mod scene;

pub use report::{Outcome, Report, Verdict};

use crate::error::Error;
use crate::file::Isolate;
use crate::isolate::{self, Apart, Opening, Start};
use crate::locate;
use crate::plugin::Plugin;
use crate::registry::Registry;
use eos_plugin::abi::Entry;
use kit::Kit;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one call may take.
const CALL: Duration = Duration::from_secs(10);
/// Set in a test program that is started again to be the process of a linked plugin.
const CHILD: &str = "EOS_PLUGIN_CHILD";

/// The plugin that is checked.
#[derive(Clone, Debug)]
pub struct Subject(Plugin);

impl Subject {
    /// The library at `path`, on no registry's list: only check what you trust to run as you. Its
    /// calls run in `host`, else in the `eos-plugin-host` that is found as for registries.
    ///
    /// # Errors
    /// [`Error::Isolation`] without a program for it, [`Error::Load`] and [`Error::Entry`] where
    /// the library is no plugin.
    pub fn library(path: &Path, host: Option<&Path>) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let id = path.file_stem().unwrap_or_default().to_string_lossy();
        let nameless = |reason: &str| Error::Load {
            id: id.clone().into_owned(),
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        // A bare name would be looked for in the system's folders.
        let full = path.canonicalize();
        let copy = full.map_err(|error| nameless(&error.to_string()))?;
        if locate::symbol(&name).is_none() {
            return Err(nameless(
                "its name holds more than letters, digits, '-' and '_'",
            ));
        }
        let opening = Opening {
            id: id.clone().into_owned(),
            library: name.into_owned(),
            path: path.to_owned(),
            copy,
        };
        let start = Start::host(host).map_err(|message| Error::Isolation {
            id: opening.id.clone(),
            message,
        })?;
        Self::apart(start, opening)
    }

    /// The plugin `id` of a registry, with the registry's parameters, and isolated even where the
    /// registry does not say so.
    ///
    /// # Errors
    /// As [`Registry::load`].
    pub fn listed(registry: &Registry, id: &str) -> Result<Self, Error> {
        registry.load_as(id, Isolate::Process, Some(CALL)).map(Self)
    }

    fn apart(start: Start, opening: Opening) -> Result<Self, Error> {
        let apart = Apart {
            start,
            opening,
            _copy: None,
            timeout: CALL,
            registry: None,
        };
        apart.load().map(Self)
    }
}

/// How much is checked.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Random cases, with the seeds 0, 1, …
    pub cases: u64,
    /// Only the random case of this seed.
    pub reproduce: Option<u64>,
    /// What all of it may take; what is not done by then has failed.
    pub budget: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cases: 64,
            reproduce: None,
            budget: Duration::from_secs(60),
        }
    }
}

/// Runs every test of the kit.
pub fn run(subject: &Subject, options: &Options) -> Report {
    let began = Instant::now();
    let kit = Kit::new(&subject.0, began + options.budget);
    let mut outcomes = Vec::new();
    let mut judge = |name: &'static str, test: &dyn Fn() -> Verdict| {
        let began = Instant::now();
        let verdict = match kit.has_time() {
            true => test(),
            false => Verdict::Failed(format!(
                "not begun: {} s are over",
                options.budget.as_secs_f64()
            )),
        };
        let took = began.elapsed();
        outcomes.push(Outcome {
            name,
            verdict,
            took,
        });
    };
    if options.reproduce.is_none() {
        for (name, rule) in rules::RULES {
            judge(name, &|| rule(&kit));
        }
    }
    judge("fuzz", &|| match options.reproduce {
        Some(seed) => fuzz::reproduce(&kit, seed),
        None => fuzz::run(&kit, options.cases),
    });
    let plugin = &subject.0;
    Report {
        id: plugin.id().to_owned(),
        version: plugin.version().to_owned(),
        summary: plugin.summary().to_owned(),
        outcomes,
        took: began.elapsed(),
    }
}

/// Checks a plugin that is linked into a test program; [`check_oversampler!`](crate::check_oversampler)
/// calls it. Each call runs in that program, started again for the test `name` alone.
///
/// # Panics
/// With the report's table, where a test fails.
#[doc(hidden)]
pub fn linked(name: &str, entry: &'static Entry) {
    if std::env::var_os(CHILD).is_some() {
        panic!("{}", isolate::linked(entry));
    }
    let program = std::env::current_exe().expect("a test knows its own program");
    // Test programs name a test by its path within the crate.
    let test = name.split_once("::").map_or(name, |(_, test)| test);
    let start = Start {
        program,
        arguments: [test, "--exact", "--nocapture"].map(Into::into).into(),
        variables: vec![(CHILD, "1")],
    };
    let opening = Opening {
        id: test.to_owned(),
        library: String::new(),
        path: Default::default(),
        copy: Default::default(),
    };
    let subject = Subject::apart(start, opening).unwrap_or_else(|error| panic!("{error}"));
    let report = run(&subject, &Options::default());
    assert!(report.passed(), "{report}");
}

/// A test that checks a plugin which is linked into the test program, such as a plugin's own
/// `ENTRY`, by every test of the [conformance kit](crate::check).
#[macro_export]
macro_rules! check_oversampler {
    ($entry:expr) => {
        #[test]
        fn the_plugin_keeps_the_contract() {
            $crate::check::linked(
                concat!(module_path!(), "::the_plugin_keeps_the_contract"),
                &$entry,
            );
        }
    };
}
