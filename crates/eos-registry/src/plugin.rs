//! A plugin that fits, ready to be called.

use crate::call::{self, Services};
use crate::error::Error;
use crate::isolate::Apart;
use crate::library::{self, Facts};
use crate::params::{self, ParameterDescription};
use crate::plan::{Plan, Synthetic};
use crate::request::Request;
use crate::watch::PATIENCE;
use eos_plugin::abi::{self, Entry};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An oversampler behind the plugin boundary. It may be called from any thread, and stays loaded
/// until the process ends.
#[derive(Clone, Debug)]
pub struct Plugin {
    body: Body,
    facts: Facts,
    parameters: Vec<ParameterDescription>,
    /// The registry's parameters, over the plugin's defaults and under the run's.
    preset: toml::Table,
    /// How long it may be silent before it is named.
    pub(crate) patience: Duration,
}

/// Where the plugin's calls run.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// In this process.
    Here(Table),
    /// In a process of its own for each.
    Apart(Arc<Apart>),
}

/// An entry, copied from the plugin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table(pub Entry);

// SAFETY: an entry holds addresses of constant texts and of functions that the boundary allows to
// call from any thread.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Plugin {
    /// A plugin that is linked into this program, such as `eos_plugin_eos::ENTRY`. It is called
    /// through the same boundary, with the same checks, as one that a registry loads.
    ///
    /// # Errors
    /// [`Error::Entry`] where the entry does not fit.
    ///
    /// ```
    /// # use eos_plugin::{Dataset, Error, Host, Oversampler, Sink, entry};
    /// # struct Nothing;
    /// # impl Oversampler for Nothing {
    /// #     const ID: &'static str = "nothing";
    /// #     const SUMMARY: &'static str = "makes nothing";
    /// #     type Params = ();
    /// #     fn new((): ()) -> Result<Self, Error> { Ok(Self) }
    /// #     fn sample(&self, _: &Dataset<'_>, _: &Host<'_>, _: &mut Sink<'_>) -> Result<(), Error> { Ok(()) }
    /// # }
    /// static NOTHING: eos_plugin::abi::Entry = entry::<Nothing>("1.2.3", cfg!(panic = "abort"));
    /// let plugin = eos_registry::Plugin::from_entry(&NOTHING)?;
    /// assert_eq!((plugin.id(), plugin.version()), ("nothing", "1.2.3"));
    /// # Ok::<(), eos_registry::Error>(())
    /// ```
    pub fn from_entry(entry: &'static Entry) -> Result<Self, Error> {
        let id = library::text("id", entry.id).unwrap_or_else(|_| "unnamed".to_owned());
        // SAFETY: the static is as long as its type, and whoever wrote its header says no more.
        let entry = unsafe { library::read(std::ptr::from_ref(entry).cast()) };
        Self::here(&id, entry.map_err(|fault| fault.of(&id))?)
    }

    /// A plugin whose calls run in this process; `id` is for messages until its own is known.
    pub(crate) fn here(id: &str, entry: Entry) -> Result<Self, Error> {
        let facts = Facts::of(&entry).map_err(|fault| fault.of(id))?;
        library::contained(&facts).map_err(|fault| fault.of(id))?;
        Self::new(id, facts, Body::Here(Table(entry)))
    }

    /// A plugin of which these facts are known; `id` is for messages until its own is known.
    pub(crate) fn new(id: &str, facts: Facts, body: Body) -> Result<Self, Error> {
        Ok(Self {
            parameters: params::describe(&facts.params).map_err(|fault| fault.of(id))?,
            body,
            facts,
            preset: toml::Table::new(),
            patience: PATIENCE,
        })
    }

    /// With another time that the plugin may be silent in this process, neither calling the host
    /// nor returning, before a warning names it: 10 s where nobody says.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// With the parameters of its registry.
    pub(crate) fn preset(mut self, given: &toml::Table, registry: &Path) -> Result<Self, Error> {
        self.preset = params::check(&self.parameters, given).map_err(|message| {
            let origin = format!(" in '{}'", registry.display());
            Error::Params {
                id: self.id().to_owned(),
                origin,
                message,
            }
        })?;
        Ok(self)
    }

    /// Name of the method.
    pub fn id(&self) -> &str {
        &self.facts.id
    }

    /// Version of the plugin.
    pub fn version(&self) -> &str {
        &self.facts.version
    }

    /// The method in a sentence.
    pub fn summary(&self) -> &str {
        &self.facts.summary
    }

    /// What the method takes, in its own order.
    pub fn parameters(&self) -> &[ParameterDescription] {
        &self.parameters
    }

    /// Whether the method gives recipes, and with them the provenance of each row.
    pub fn makes_recipes(&self) -> bool {
        self.facts.flags & abi::MAKES_ROWS == 0
    }

    /// Whether its calls run in a process of their own.
    pub fn is_isolated(&self) -> bool {
        matches!(self.body, Body::Apart(_))
    }

    /// Every parameter and what it would be in a run that sets `params`.
    ///
    /// # Errors
    /// [`Error::Params`] for an unknown key, a value of another type or one out of range.
    pub fn resolve(&self, params: &toml::Table) -> Result<toml::Table, Error> {
        let run = self.check(params)?;
        let value = |p: &ParameterDescription| {
            let given = run.get(&p.name).or_else(|| self.preset.get(&p.name));
            (p.name.clone(), given.unwrap_or(&p.default).clone())
        };
        Ok(self.parameters.iter().map(value).collect())
    }

    pub(crate) fn lines(&self, run: &toml::Table) -> Result<String, Error> {
        Ok(params::lines(
            &self.parameters,
            &self.preset,
            &self.check(run)?,
        ))
    }

    fn check(&self, run: &toml::Table) -> Result<toml::Table, Error> {
        params::check(&self.parameters, run).map_err(|message| Error::Params {
            id: self.id().to_owned(),
            origin: String::new(),
            message,
        })
    }

    /// Makes the wanted rows of each class, class by class.
    ///
    /// The same request gives the same bytes, whatever [`Services::threads`] and the backend are.
    /// Nothing that the plugin says is believed: every label, row number, count and value is
    /// checked before it is used.
    ///
    /// # Errors
    /// Everything in [`Error`] from [`Error::Params`] on; the request's data are as they were.
    pub fn sample(
        &self,
        request: &Request<'_>,
        services: &mut Services<'_>,
    ) -> Result<Synthetic, Error> {
        self.plan(request, services)?
            .make(request.rows, services.backend)
    }

    /// The same with the rows of recipes left to be made: what a call of the plugin comes to,
    /// checked, in 20 bytes a row.
    ///
    /// # Errors
    /// As [`sample`](Self::sample); rows that leave f32 are found when they are made.
    pub fn plan(&self, request: &Request<'_>, services: &mut Services<'_>) -> Result<Plan, Error> {
        let lines = self.lines(request.params)?;
        request.check()?;
        match &self.body {
            Body::Here(table) => call::sample(self, &table.0, request, &lines, services),
            Body::Apart(apart) => apart.sample(self, request, &lines, services),
        }
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where its calls run apart, if they do.
    pub(crate) fn apart(&self) -> Option<&Apart> {
        match &self.body {
            Body::Here(_) => None,
            Body::Apart(apart) => Some(apart),
        }
    }

    /// The refusal of this host's tables by the plugin.
    pub(crate) fn host_mismatch(&self) -> Error {
        let (major, minor) = self.facts.built;
        Error::HostMismatch {
            id: self.id().to_owned(),
            built: format!("{major}.{minor}"),
            host: format!("{}.{}", abi::MAJOR, abi::MINOR),
        }
    }
}
