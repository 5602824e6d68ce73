//! What stands for isolation on systems that have no Unix sockets: a refusal.

use crate::cache::Copy;
use crate::call::Services;
use crate::error::Error;
use crate::plan::Plan;
use crate::plugin::Plugin;
use crate::request::Request;
use eos_plugin::abi::Entry;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ABSENT: &str = "this system has no Unix sockets, which isolation needs; set isolate = \
                      \"none\" if you trust the plugin with this process";

/// There is no host to serve on this system.
pub fn serve_isolated() -> String {
    ABSENT.to_owned()
}

pub(crate) fn linked(_: &'static Entry) -> String {
    ABSENT.to_owned()
}

/// What the conformance kit wants otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    pub provoke: bool,
    pub grace: Duration,
    pub until: Option<std::time::Instant>,
}

/// Which library a child would load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub id: String,
    pub library: String,
    pub path: PathBuf,
    pub copy: PathBuf,
}

/// What would make a child.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub variables: Vec<(&'static str, &'static str)>,
}

impl Start {
    pub(crate) fn host(_: Option<&Path>) -> Result<Self, String> {
        Err(ABSENT.to_owned())
    }
}

/// How the calls of one plugin would get a process.
#[derive(Debug)]
pub(crate) struct Apart {
    pub start: Start,
    pub opening: Opening,
    pub _copy: Option<Copy>,
    pub timeout: Duration,
    pub registry: Option<PathBuf>,
}

impl Apart {
    fn absent(&self) -> Error {
        Error::Isolation {
            id: self.opening.id.clone(),
            message: ABSENT.to_owned(),
        }
    }

    pub(crate) fn load(self) -> Result<Plugin, Error> {
        Err(self.absent())
    }

    pub(crate) fn sample(
        &self,
        plugin: &Plugin,
        request: &Request<'_>,
        lines: &str,
        services: &mut Services<'_>,
    ) -> Result<Plan, Error> {
        self.sample_as(plugin, request, lines, services, Wish::default())
    }

    pub(crate) fn sample_as(
        &self,
        _: &Plugin,
        _: &Request<'_>,
        _: &str,
        _: &mut Services<'_>,
        _: Wish,
    ) -> Result<Plan, Error> {
        Err(self.absent())
    }
}
