//! The rows and heads that a run has left in its folder.

use super::Set;
use crate::folder::SUMMARY;
use crate::phases::Labelled;
use crate::runner::WEIGHTS;
use crate::{Checkpoint, Error, Summary, read_head};
use eos_data::{Embeddings, read_embeddings_npz};
use eos_model::Head;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the files of one method hold.
#[derive(Debug)]
pub struct Method {
    /// Its id, or "logit-adjusted".
    pub name: String,
    /// Its balanced set; `None` where its head goes with the training rows.
    pub balanced: Option<Embeddings>,
    /// Its head; `None` where phase three has not come to it.
    pub head: Option<Head>,
}

/// Everything that the gap of a run is measured with.
#[derive(Debug)]
pub struct RunRows {
    /// Names, `[C]`.
    pub classes: Vec<String>,
    /// Embeddings of the training images.
    pub train: Embeddings,
    /// Embeddings of the images measured on.
    pub test: Embeddings,
    /// The head as trained.
    pub head: Head,
    /// In the run's order, else by name.
    pub methods: Vec<Method>,
}

impl RunRows {
    /// Reads what the folder of a run holds; its second phase must have begun.
    ///
    /// # Errors
    /// [`Error::Folder`] where there is no such run, and what the files refuse.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let refused = |message: &str| Error::Folder {
            folder: folder.to_owned(),
            message: message.to_owned(),
        };
        let parts = ["test", "validation"].map(|part| folder.join(format!("phase2/{part}.npz")));
        let train = folder.join("phase2/train.npz");
        let test = parts.iter().find(|path| path.is_file());
        let Some(test) = test.filter(|_| train.is_file()) else {
            return Err(refused(
                "it holds no run with embeddings (phase2/train.npz, phase2/test.npz); give the \
                 folder of a run, and finish the run first with eos run",
            ));
        };
        let weights = folder.join(WEIGHTS);
        let train = read_embeddings_npz(&train)?;
        let names = train.label_values().names();
        let classes = match Checkpoint::open(&weights)?.classes() {
            Some(classes) if classes.len() == names.len() => classes.to_vec(),
            _ => names.to_vec(),
        };
        Ok(Self {
            classes,
            test: read_embeddings_npz(test)?.relabel(train.label_values())?,
            head: read_head(&weights)?.0,
            methods: methods(folder, &train)?,
            train,
        })
    }

    /// The training rows with the head as trained, then every method with its own head.
    pub fn sets(&self) -> Vec<Set<'_>> {
        let train = Labelled::of(&self.train);
        let as_trained = Set {
            name: "as trained",
            data: train,
            head: Some(&self.head),
        };
        let methods = self.methods.iter().map(|method| Set {
            name: &method.name,
            data: method.balanced.as_ref().map_or(train, Labelled::of),
            head: method.head.as_ref(),
        });
        std::iter::once(as_trained).chain(methods).collect()
    }
}

fn methods(folder: &Path, train: &Embeddings) -> Result<Vec<Method>, Error> {
    let balanced = stems(&folder.join("phase2"), "npz")?;
    let heads = stems(&folder.join("phase3"), "safetensors")?;
    let mut names: Vec<String> = balanced.iter().chain(&heads).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| !["train", "test", "validation", "network"].contains(&name.as_str()));
    let order = order(&folder.join(SUMMARY))?;
    names.sort_by_key(|name| order.iter().position(|other| other == name));
    let of = |name: String| -> Result<Method, Error> {
        let rows = || -> Result<Embeddings, Error> {
            let rows = read_embeddings_npz(&folder.join(format!("phase2/{name}.npz")))?;
            Ok(rows.relabel(train.label_values())?)
        };
        let head = || read_head(&folder.join(format!("phase3/{name}.safetensors")));
        Ok(Method {
            balanced: balanced.contains(&name).then(rows).transpose()?,
            head: heads
                .contains(&name)
                .then(head)
                .transpose()?
                .map(|(head, _)| head),
            name,
        })
    };
    names.into_iter().map(of).collect()
}

/// Names of the methods of a summary; none where the run has not come to it.
fn order(summary: &Path) -> Result<Vec<String>, Error> {
    if !summary.is_file() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::reading(summary, error);
    let bytes = std::fs::read(summary).map_err(failed)?;
    let summary: Summary = serde_json::from_slice(&bytes).map_err(|e| failed(e.into()))?;
    Ok(summary
        .methods
        .into_iter()
        .map(|method| method.name)
        .collect())
}

/// Names of the files with an ending; none where there is no folder.
fn stems(folder: &Path, ending: &str) -> Result<Vec<String>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::reading(folder, error);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let of = |path: &PathBuf| {
        let stem = path.file_stem()?.to_string_lossy().into_owned();
        (path.extension() == Some(OsStr::new(ending))).then_some(stem)
    };
    Ok(paths.iter().filter_map(of).collect())
}
