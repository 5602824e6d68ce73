//! What the host says along the way: a plugin that is silent, one that is shadowed, its own lines.

mod common;

use common::{Folder, call, manifest};
use eos_registry::{Isolate, Registry};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Keeps each line with its level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let level = *event.metadata().level();
        self.0.lock().unwrap().push((level, text.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The lines of `level` that are logged while `work` runs.
fn lines(level: Level, work: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), work);
    let all = lines.0.lock().unwrap();
    let of_level = all.iter().filter(|(l, _)| *l == level);
    of_level.map(|(_, line)| line.clone()).collect()
}

#[test]
fn a_plugin_that_is_silent_for_long_is_named_while_it_is_still_at_it() {
    let folder = Folder::new();
    folder.compile("villain", &manifest().join("tests/c/villain.c"), &[]);
    let registry = folder.open("[[plugin]]\nid = 'villain'\nlibrary = 'villain'\n");
    let plugin = registry.load("villain").unwrap();
    let call = call(&[1, 1], "how = 'nap'");
    let patient = plugin.clone().patience(Duration::from_secs(20));
    let hasty = plugin.patience(Duration::from_millis(50));
    let warned = lines(Level::WARN, || {
        call.run(&hasty).unwrap();
    });
    assert_eq!(
        warned,
        [
            "plugin 'villain' has been silent for 0.05 s: it neither reports progress nor asks the \
             host for anything, and so cannot be stopped; isolate = \"process\" in its registry \
             makes that possible"
        ]
    );
    let warned = lines(Level::WARN, || {
        call.run(&patient).unwrap();
    });
    assert!(warned.is_empty(), "{warned:?}");
}

#[test]
fn a_plugin_that_an_earlier_registry_names_too_is_logged_as_shadowed() {
    let folder = Folder::new();
    let listed = "[[plugin]]\nid = 'x'\nlibrary = 'mine'\n";
    let first = folder.registry("a/registry.toml", listed);
    let second = folder.registry("b/registry.toml", listed);
    let files = [first.clone(), second.clone()];
    let told = lines(Level::INFO, || {
        Registry::open(&files).unwrap();
    });
    let (first, second) = (first.display(), second.display());
    assert_eq!(
        told,
        [format!(
            "plugin 'x' of '{first}' shadows that of '{second}'"
        )]
    );
}

#[test]
fn a_plugins_own_lines_reach_the_log_from_either_place() {
    let folder = Folder::new();
    folder.compile("halfway", &manifest().join("tests/c/halfway.c"), &[]);
    for isolate in [Isolate::None, Isolate::Process] {
        let key = match isolate {
            Isolate::None => "none",
            Isolate::Process if cfg!(unix) => "process",
            Isolate::Process => continue,
        };
        let keys = format!("[[plugin]]\nid = 'halfway'\nlibrary = 'halfway'\nisolate = '{key}'\n");
        let registry = folder
            .open(&keys)
            .host(env!("CARGO_BIN_EXE_eos-plugin-host").into());
        let plugin = registry.load("halfway").unwrap();
        let told = lines(Level::INFO, || {
            call(&[1, 1], "").run(&plugin).unwrap();
        });
        assert_eq!(told, ["plugin 'halfway': made 2 rows on cpu"]);
    }
}

/// The caller hears the same progress from either place, and the steps never go back.
#[cfg(unix)]
#[test]
fn progress_is_told_alike_from_either_place() {
    let folder = Folder::new();
    folder.compile("halfway", &manifest().join("tests/c/halfway.c"), &[]);
    let began = Instant::now();
    let told = |key: &str| {
        let keys = format!("[[plugin]]\nid = 'halfway'\nlibrary = 'halfway'\nisolate = '{key}'\n");
        let registry = folder
            .open(&keys)
            .host(env!("CARGO_BIN_EXE_eos-plugin-host").into());
        let plugin = registry.load("halfway").unwrap();
        let mut steps = Vec::new();
        let progress = |done, total| {
            steps.push((done, total));
            true
        };
        call(&[2, 3], "").run_while(&plugin, progress).unwrap();
        steps.dedup();
        steps.retain(|(_, total)| *total > 0);
        steps
    };
    assert_eq!(told("none"), [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5)]);
    assert_eq!(told("process"), told("none"));
    assert!(began.elapsed() < Duration::from_secs(20));
}
