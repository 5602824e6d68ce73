//! A comparison's folder: one configuration, as many methods, losses and seeds as are asked for one after another.

use super::Source;
use crate::folder::{Existing, Owner, RunFolder};
use crate::{Config, Error, RunOptions};
use serde::Serialize;

const CONFIG: &str = "compare.toml";
/// Folders that hold results of another layout are refused.
const LAYOUT: i64 = 1;
const PARTS: [&str; 5] = ["backbones", "results", "heads", "images", "plots"];

/// compare.toml: what must be the same for results to stand in one table.
#[derive(Serialize)]
struct Identity<'a> {
    /// Of the folder.
    layout: i64,
    /// That wrote it.
    version: &'static str,
    /// Of the embeddings, where they are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    embeddings: Option<String>,
    config: &'a Config,
}

/// Opens or makes the folder of a comparison.
///
/// # Errors
/// [`Error::Folder`] where it holds anything else, results of another configuration, or of another layout.
pub(crate) fn open(config: &Config, source: &Source, run: &RunOptions) -> Result<RunFolder, Error> {
    let identity = Identity {
        layout: LAYOUT,
        version: env!("CARGO_PKG_VERSION"),
        embeddings: match source {
            Source::Images => None,
            Source::Embeddings(given) => Some(given.fingerprint()),
        },
        config,
    };
    let text = toml::to_string(&identity).expect("a configuration is TOML");
    if run.existing != Existing::MoveAside {
        check_layout(run)?;
    }
    let owner = Owner {
        what: "comparison",
        config: (CONFIG, &text),
        finished: None,
        parts: &PARTS,
    };
    RunFolder::claim(&run.folder, &owner, run.existing)
}

/// Refuses the folder of a version that laid its results out otherwise.
fn check_layout(run: &RunOptions) -> Result<(), Error> {
    let Ok(text) = std::fs::read_to_string(run.folder.join(CONFIG)) else {
        return Ok(());
    };
    let table: toml::Table = text.parse().unwrap_or_default();
    let of = |key: &str| table.get(key).and_then(toml::Value::as_integer);
    if of("layout") == Some(LAYOUT) {
        return Ok(());
    }
    let version = table.get("version").and_then(toml::Value::as_str);
    Err(Error::Folder {
        folder: run.folder.clone(),
        message: format!(
            "it holds a comparison of {}, whose results this version ({}) cannot go on with; choose another folder \
             with --out, or move it aside with --fresh",
            version.map_or("another version".to_owned(), |v| format!("version {v}")),
            env!("CARGO_PKG_VERSION")
        ),
    })
}
