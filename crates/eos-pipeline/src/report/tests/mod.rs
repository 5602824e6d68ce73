//! The page of a small made-up run, in whole and with pieces missing.

use super::*;
use crate::config::Select;
use crate::gap::Gap;
use crate::metrics::Confusion;
use crate::summary::EpochRow;
use eos_data::{ImageSet, ImageShape, Labels, Normalization};
use eos_tensor::Recipe;
use std::sync::Arc;

const CLASSES: [&str; 2] = ["cat & kin", "dog"];

fn method(name: &str, predicted: &[u32], losses: &[f32]) -> MethodSummary {
    let confusion = Confusion::new(&[0, 0, 1, 1], predicted, 2);
    MethodSummary {
        name: name.to_owned(),
        added: 0,
        scores: confusion.scores(),
        gap: Gap {
            per_class: vec![0.1, 0.4],
            mean: 0.25,
            sum: 0.5,
        },
        confusion,
        head_norms: vec![1.0, 0.5],
        head_losses: losses.to_vec(),
        sample_seconds: 0.5,
        head_seconds: 1.5,
        notes: Vec::new(),
    }
}

fn summary() -> Summary {
    Summary {
        version: "0".to_owned(),
        classes: CLASSES.map(str::to_owned).to_vec(),
        train_counts: vec![3, 1],
        measured_on: "test".to_owned(),
        test_rows: 4,
        network: "net".to_owned(),
        parameters: 10,
        simd_path: "portable".to_owned(),
        device: "cpu".to_owned(),
        seed: 0,
        kept_epoch: 1,
        train_seconds: 2.0,
        embed_seconds: 0.25,
        peak_memory_bytes: Some(3 << 20),
        epochs: vec![EpochRow {
            epoch: 1,
            loss: 0.5,
            train_accuracy: 0.75,
            validation_bac: None,
            learning_rate: None,
            seconds: 2.0,
        }],
        methods: vec![
            method("as trained", &[0, 0, 0, 0], &[]),
            method("eos", &[0, 0, 0, 1], &[0.7, 0.3]),
        ],
    }
}

fn images(labels: &[u32], channels: usize) -> Arc<ImageSet> {
    let shape = ImageShape {
        channels,
        height: 2,
        width: 2,
    };
    let pixels = vec![7; labels.len() * shape.pixels()];
    let classes = CLASSES.map(str::to_owned).to_vec();
    Arc::new(ImageSet::new(shape, pixels, labels.to_vec(), classes).unwrap())
}

fn run_images(channels: usize) -> Images {
    Images {
        train: images(&[0, 0, 0, 1], channels),
        validation: None,
        test: images(&[0, 0, 1, 1], channels),
        measured_on: "test",
        normalization: Normalization {
            mean: vec![0.5; channels],
            deviation: vec![0.5; channels],
        },
        select: Select::Last,
        warnings: Vec::new(),
    }
}

fn embeddings(rows: &[f32], labels: &[u32], dims: usize) -> Embeddings {
    Embeddings::new(rows.to_vec(), dims, labels.to_vec(), Labels::indices(2)).unwrap()
}

fn material(dims: usize, made: Content) -> Material {
    let rows = |n: usize| -> Vec<f32> { (0..n * dims).map(|v| (v * v % 7) as f32).collect() };
    Material {
        train: embeddings(&rows(4), &[0, 0, 0, 1], dims),
        test: embeddings(&rows(4), &[0, 0, 1, 1], dims),
        predicted: vec![0, 0, 0, 1],
        made,
    }
}

fn recipes() -> Content {
    let recipe = |to, ratio| Recipe {
        label: 1,
        base: 3,
        from: 3,
        to,
        ratio,
    };
    Content::Recipes(vec![recipe(2, 0.25), recipe(3, 0.0)])
}

fn rendered(images: &Images, material: &Material) -> Report {
    let config = Config::from_toml("[data]\nset = \"fashion-mnist-lt\"", "test", &[]).unwrap();
    report(&summary(), &config, images, material).unwrap()
}

fn has(report: &Report, words: &str) {
    assert!(
        report.page.contains(words),
        "no '{words}' in {}",
        report.page
    );
}

#[test]
fn a_whole_run_has_everything() {
    let report = rendered(&run_images(1), &material(3, recipes()));
    has(&report, "Shown are 4 of 4 training rows (dots)");
    has(
        &report,
        "4 of 4 test rows (crosses) and 2 of 2 synthetic rows",
    );
    has(
        &report,
        "<title>Synthetic dog; base 3 (dog); enemy 2 (cat &amp; kin); r = 0.250</title>",
    );
    has(&report, "dog, 2 rows added");
    has(&report, ">r = 0.250<");
    has(&report, "taken for cat &#38; kin: 2 → 1");
    has(&report, "<td>75.00</td>");
    has(&report, "held at most 3 MiB");
    // Two epochs of 4 images and 2 rows, one step each; 2 classes of 3 dimensions and a bias.
    has(&report, "<td>1.50</td><td>8</td><td>2</td>");
    assert!(report.page.starts_with("<!doctype html>"));
    let names: Vec<&str> = report.plots.iter().map(|(name, _)| *name).collect();
    assert!(
        names.contains(&"map") && !names.contains(&"learning-rate"),
        "{names:?}"
    );
}

#[test]
fn what_is_missing_is_said_in_a_line() {
    let rows = Content::Rows {
        labels: vec![1],
        rows: vec![1.0, 2.0, 3.0],
    };
    let report = rendered(&run_images(3), &material(3, rows));
    has(
        &report,
        "eos does not tell what its synthetic rows are made of.",
    );
    has(&report, "eos makes rows itself and does not tell of which.");

    let report = rendered(&run_images(2), &material(1, recipes()));
    has(
        &report,
        "Images of 2 × 2 × 2 are not shown: neither grey nor RGB.",
    );
    has(&report, "Embeddings of one dimension have no map.");
    assert!(!report.page.contains("<img"));

    let none = Content::Recipes(Vec::new());
    has(
        &rendered(&run_images(1), &material(2, none)),
        "No row was added.",
    );
}

#[test]
fn a_map_by_tsne_is_one_more() {
    let config = "[data]\nset = \"fashion-mnist-lt\"\n[report]\ntsne = true";
    let config = Config::from_toml(config, "test", &[]).unwrap();
    let (images, material) = (run_images(1), material(3, recipes()));
    let report = report(&summary(), &config, &images, &material).unwrap();
    let svg = |of: &str| {
        let found = report.plots.iter().find(|(name, _)| *name == of);
        found.map(|(_, svg)| svg.as_str()).unwrap()
    };
    let rings = |svg: &str| svg.matches("data-ends=").count();
    assert_eq!((rings(svg("map")), rings(svg("map-tsne"))), (2, 2));
    has(&report, svg("map-tsne"));
    has(&report, "The same rows by t-SNE");
}

#[test]
fn the_same_run_has_the_same_page() {
    let page = || rendered(&run_images(1), &material(3, recipes())).page;
    assert!(page() == page());
}
