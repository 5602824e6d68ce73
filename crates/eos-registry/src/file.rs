//! A registry as it is written: TOML, read strictly.

use crate::error::Error;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The version of registries that this host reads.
const VERSION: i64 = 1;

/// What an isolated plugin may take for a call, where its registry does not say.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(600);
/// The longest that a registry may say: a year.
const LONGEST_TIMEOUT: f64 = 365.0 * 24.0 * 60.0 * 60.0;

/// A whole registry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(rename = "registry-version")]
    _version: i64,
    #[serde(default)]
    plugin: Vec<Listed>,
}

/// Looked at first, so that a registry of a later version is not refused for a key that it adds.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Version {
    registry_version: Option<i64>,
}

/// One `[[plugin]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Listed {
    pub id: String,
    pub library: String,
    #[serde(default)]
    pub sha256: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub isolate: Isolate,
    #[serde(default)]
    pub timeout: Option<f64>,
    #[serde(default)]
    pub allow_outside: bool,
    #[serde(default)]
    pub params: toml::Table,
}

impl Listed {
    /// How long one call of the plugin may take, where it is isolated.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.map_or(TIMEOUT, Duration::from_secs_f64)
    }
}

fn yes() -> bool {
    true
}

/// Where a plugin's calls run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolate {
    /// In this process.
    #[default]
    None,
    /// In a process of its own, `eos-plugin-host`, which may crash or be stopped alone.
    Process,
}

/// The plugins of the registry at `path`, whose text is `text`.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Vec<Listed>, Error> {
    let refuse = |message: String| Error::Registry {
        path: path.to_owned(),
        message,
    };
    let syntax = |error: toml::de::Error| refuse(error.to_string().trim_end().to_owned());
    let version: Version = toml::from_str(text).map_err(syntax)?;
    match version.registry_version {
        Some(VERSION) => {}
        Some(newer @ 2..) => {
            return Err(refuse(format!(
                "registry-version {newer} is newer than this version of eos reads ({VERSION}); \
                 update eos"
            )));
        }
        Some(other) => {
            return Err(refuse(format!(
                "registry-version is {other}; write registry-version = {VERSION}"
            )));
        }
        None => {
            return Err(refuse(format!(
                "has no registry-version; begin it with registry-version = {VERSION}"
            )));
        }
    }
    let file: File = toml::from_str(text).map_err(syntax)?;
    let mut seen = BTreeSet::new();
    for listed in &file.plugin {
        check(listed).map_err(|why| refuse(format!("plugin '{}': {why}", listed.id)))?;
        if !seen.insert(&listed.id) {
            return Err(refuse(format!(
                "lists plugin '{}' twice; remove one",
                listed.id
            )));
        }
    }
    Ok(file.plugin)
}

fn check(listed: &Listed) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if listed.id.is_empty() || !listed.id.chars().all(plain) {
        return Err("an id is made of a-z, 0-9 and '-', as in \"borderline-smote\"".into());
    }
    if crate::locate::symbol(&listed.library).is_none() {
        let library = &listed.library;
        return Err(format!(
            "library = \"{library}\" names no library; write its name without prefix and \
             suffix, as in \"eos_plugin_eos\""
        ));
    }
    if let Some(timeout) = listed.timeout {
        if !(timeout > 0.0 && timeout <= LONGEST_TIMEOUT) {
            return Err(format!(
                "timeout = {timeout} is no time; give seconds above 0, as in timeout = 600"
            ));
        }
        if listed.isolate == Isolate::None {
            return Err(
                "timeout is for isolated plugins, for nothing in this process can be stopped; \
                 set isolate = \"process\" too, or remove timeout"
                    .into(),
            );
        }
    }
    match &listed.sha256 {
        Some(hash) if hash.len() != 64 || !hash.chars().all(|c| c.is_ascii_hexdigit()) => {
            Err(format!(
                "sha256 = \"{hash}\" is not 64 hexadecimal digits; write it with cargo xtask \
                 plugins lock"
            ))
        }
        _ => Ok(()),
    }
}
