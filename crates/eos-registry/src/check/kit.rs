//! Calls of the plugin that is checked.

use crate::call::Services;
use crate::check::scene::Scene;
use crate::error::Error;
use crate::isolate::Wish;
use crate::plan::Synthetic;
use crate::plugin::Plugin;
use crate::request::Request;
use eos_tensor::{CpuBackend, Rows};
use std::time::{Duration, Instant};

/// One call, with everything as usual but what a test changes.
pub(super) struct Ask<'a> {
    pub params: toml::Table,
    /// Lines beside those of the parameters.
    pub lines: &'a str,
    pub seed: u64,
    pub threads: u32,
    pub provoke: bool,
    pub progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl<'a> Ask<'a> {
    pub(super) fn usual(progress: &'a mut dyn FnMut(u64, u64) -> bool) -> Self {
        Self {
            params: toml::Table::new(),
            lines: "",
            seed: 7,
            threads: 2,
            provoke: false,
            progress,
        }
    }
}

/// The plugin, and until when it may be called.
pub(super) struct Kit<'a> {
    pub plugin: &'a Plugin,
    until: Instant,
    backend: CpuBackend,
}

impl<'a> Kit<'a> {
    pub(super) fn new(plugin: &'a Plugin, until: Instant) -> Self {
        let backend = CpuBackend::new();
        Self {
            plugin,
            until,
            backend,
        }
    }

    pub(super) fn has_time(&self) -> bool {
        Instant::now() < self.until
    }

    /// Calls the plugin with one thing changed.
    pub(super) fn call(
        &self,
        scene: &Scene,
        change: impl FnOnce(&mut Ask<'_>),
    ) -> Result<Synthetic, Error> {
        let mut progress = |_, _| true;
        let mut ask = Ask::usual(&mut progress);
        change(&mut ask);
        self.ask(scene, &mut ask)
    }

    pub(super) fn ask(&self, scene: &Scene, ask: &mut Ask<'_>) -> Result<Synthetic, Error> {
        let rows = Rows::new(&scene.rows, scene.dims);
        let request = Request {
            rows: rows.map_err(|error| Error::Request(error.to_string()))?,
            labels: &scene.labels,
            wanted: &scene.wanted,
            seed: ask.seed,
            params: &ask.params,
        };
        let lines = self.plugin.lines(&ask.params)? + ask.lines;
        let services = &mut Services {
            backend: &self.backend,
            threads: ask.threads,
            progress: ask.progress,
        };
        let wish = Wish {
            provoke: ask.provoke,
            // How long it takes to stop is what is measured; nobody helps it.
            grace: Duration::MAX,
            until: Some(self.until),
        };
        request.check()?;
        let apart = self.plugin.apart().expect("the kit loads plugins apart");
        let plan = apart.sample_as(self.plugin, &request, &lines, services, wish)?;
        plan.make(request.rows, &self.backend)
    }
}
