//! The crates without the command: embeddings from npy, three oversamplers compared, a head out.
//!
//! ```sh
//! cargo xtask plugins build
//! cargo run --release -p eos-custom-pipeline -- train_x.npy test_x.npy head.safetensors
//! ```
//!
//! Labels are found beside each file (`train_y.npy`, `test_y.npy`). `eos` and `smote` are linked
//! into this program, `random` is loaded from the registry beside the release `eos`; all are called
//! in the same way, with the same checks.

use anyhow::{Context, Result, bail};
use eos_data::{Embeddings, atomic, read_embeddings};
use eos_model::{Head, HeadData, HeadTraining, train_head};
use eos_pipeline::metrics::Confusion;
use eos_pipeline::wanted::Wanted;
use eos_registry::{Plugin, Registry, Request, Services};
use eos_tensor::CpuBackend;
use std::path::Path;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test, out] = arguments.as_slice() else {
        bail!("wanted three paths: train_x.npy test_x.npy head.safetensors");
    };
    let train = read_embeddings(Path::new(train), None)?;
    let test = read_embeddings(Path::new(test), None)?.relabel(train.label_values())?;

    let mut best: Option<(f64, Head)> = None;
    for plugin in plugins()? {
        let (rows, labels) = balanced(&plugin, &train)?;
        let head = head_of(&rows, &labels, &train)?;
        let named = head.predict(test.rows())?;
        let bac = Confusion::new(test.labels(), &named, head.classes).bac();
        println!("{:8} balanced accuracy {:.2} %", plugin.id(), 100.0 * bac);
        if best.as_ref().is_none_or(|(most, _)| bac > *most) {
            best = Some((bac, head));
        }
    }
    // The best by test rows is fit for showing how, not for reporting: keep rows of your own for it.
    let (_, head) = best.context("no method ran")?;
    let bytes = head.to_safetensors()?;
    atomic::write(Path::new(out), |file| file.write_all(&bytes))?;
    println!("head: {out}");
    Ok(())
}

/// Two plugins that are linked in, and one that is loaded.
fn plugins() -> Result<Vec<Plugin>> {
    let registry =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/plugins/registry.toml");
    // Where the plugins were built elsewhere, EOS_REGISTRY says where.
    let registry = std::env::var_os("EOS_REGISTRY").map_or(registry, Into::into);
    Ok(vec![
        Plugin::from_entry(&eos_plugin_eos::ENTRY)?,
        Plugin::from_entry(&eos_plugin_smote::ENTRY)?,
        Registry::open(&[registry])?.load("random")?,
    ])
}

/// The rows with synthetic ones behind them, every class as large as the largest.
fn balanced(plugin: &Plugin, train: &Embeddings) -> Result<(Vec<f32>, Vec<u32>)> {
    let names = train.label_values().names();
    let wanted = Wanted::default().rows(&train.class_counts(), names)?;
    let request = Request {
        rows: train.as_rows(),
        labels: train.labels(),
        wanted: &wanted,
        seed: 0,
        params: &toml::Table::new(),
    };
    let (backend, mut progress) = (CpuBackend::new(), |_, _| true);
    let mut services = Services {
        backend: &backend,
        threads: 2,
        progress: &mut progress,
    };
    let synthetic = plugin.sample(&request, &mut services)?;
    for note in &synthetic.notes {
        println!("{}: {note}", plugin.id());
    }
    let rows = [train.rows(), &synthetic.rows].concat();
    let labels = [train.labels(), &synthetic.labels].concat();
    Ok((rows, labels))
}

fn head_of(rows: &[f32], labels: &[u32], train: &Embeddings) -> Result<Head> {
    let data = HeadData {
        rows,
        dims: train.dims(),
        labels,
        classes: train.label_values().classes(),
    };
    let options = HeadTraining::default();
    Ok(train_head(data, &options, &mut |_| true)?)
}
