//! Plugins in a process of their own: the same results, and every end of that process is named.
#![cfg(unix)]

mod common;

use common::{Folder, call, manifest};
use eos_registry::{Plugin, Registry};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

const HOST: &str = env!("CARGO_BIN_EXE_eos-plugin-host");

/// A registry of one C plugin, with these keys, whose isolated calls run in this build's program.
fn registry(folder: &Folder, name: &str, keys: &str) -> Registry {
    let listed = format!("[[plugin]]\nid = '{name}'\nlibrary = '{name}'\n{keys}");
    folder.open(&listed).host(HOST.into())
}

fn compiled(name: &str, flags: &[&str]) -> Folder {
    let folder = Folder::new();
    folder.compile(name, &manifest().join(format!("tests/c/{name}.c")), flags);
    folder
}

const APART: &str = "isolate = 'process'\n";

fn villain(folder: &Folder, timeout: &str) -> Plugin {
    registry(folder, "villain", &format!("{APART}timeout = {timeout}\n"))
        .load("villain")
        .unwrap()
}

#[test]
fn an_isolated_plugin_gives_the_same_bytes() {
    let folder = compiled("halfway", &[]);
    let load = |keys: &str| registry(&folder, "halfway", keys).load("halfway").unwrap();
    let (here, apart) = (
        load(""),
        load(&format!("{APART}params = {{ ratio = 0.25 }}")),
    );
    assert!(apart.is_isolated() && !here.is_isolated());
    assert_eq!(
        (here.id(), here.version(), here.summary()),
        (apart.id(), apart.version(), apart.summary())
    );
    assert_eq!(here.parameters(), apart.parameters());
    let usual = call(&[3, 20], "ratio = 0.75");
    let made = usual.run(&here).unwrap();
    assert_eq!(made.notes, ["made 23 rows on cpu"]);
    assert_eq!(usual.run(&apart).unwrap(), made);
    // The registry's parameters reach the child too.
    let preset = call(&[3, 20], "").run(&apart).unwrap();
    assert!(preset.recipe.unwrap().iter().all(|r| r.ratio == 0.25));
    assert_eq!(call(&[0, 0], "").run(&apart).unwrap().labels, [0; 0]);
    // Its refusals read the same as well.
    let mut lonely = call(&[0, 5], "");
    lonely.data.labels = (0..40).map(|i| u32::from(i == 0)).collect();
    assert_eq!(lonely.refusal(&apart), lonely.refusal(&here));
    let bad = call(&[0, 5], "ratio = 2");
    assert_eq!(bad.refusal(&apart), bad.refusal(&here));
}

#[test]
fn an_isolated_plugin_that_makes_rows_gives_the_same_bytes() {
    let folder = compiled("villain", &[]);
    let here = registry(&folder, "villain", "").load("villain").unwrap();
    let usual = call(&[2, 3], "");
    let made = usual.run(&here).unwrap();
    assert_eq!(
        made.rows,
        [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    );
    let apart = villain(&folder, "60");
    assert_eq!(usual.run(&apart).unwrap(), made);
    // What a plugin prints does not get between the two.
    assert_eq!(call(&[2, 3], "how = 'print'").run(&apart).unwrap(), made);
}

#[test]
fn every_end_of_the_process_is_named_and_the_plugin_is_of_use_afterwards() {
    let folder = compiled("villain", &[]);
    let plugin = villain(&folder, "60");
    let good = call(&[2, 3], "").run(&plugin).unwrap();
    for (how, said) in [
        ("segfault", "signal 11 (SIGSEGV)"),
        ("abort", "signal 6 (SIGABRT)"),
        ("abort-in-destroy", "signal 6 (SIGABRT)"),
        ("exit", "exit code 0"),
        ("exit-in-create", "exit code 3"),
        (
            "last-words",
            "exit code 9; its last words: the stars | are wrong",
        ),
    ] {
        assert_eq!(
            call(&[2, 3], &format!("how = '{how}'")).refusal(&plugin),
            format!(
                "plugin 'villain' ended its process while it made rows: {said}; this is a fault of \
                 the plugin, and nothing else is harmed"
            ),
            "{how}"
        );
    }
    assert_eq!(call(&[2, 3], "").run(&plugin).unwrap(), good);
}

#[test]
fn results_are_checked_as_in_process() {
    let folder = compiled("villain", &[]);
    let here = registry(&folder, "villain", "").load("villain").unwrap();
    let apart = villain(&folder, "60");
    for (how, said) in [
        ("nan", "row 2 holds NaN in column 0"),
        ("counts", "it wrote 5 rows of class 0, 2 were wanted"),
        ("too-many", "it says it wrote 6 rows into room for 5"),
        (
            "beyond",
            "it wrote beyond the end of 'rows', which has room for 5 rows",
        ),
        (
            "cancelled",
            "it says it was cancelled, and nobody asked it to stop",
        ),
    ] {
        let call = call(&[2, 3], &format!("how = '{how}'"));
        for plugin in [&here, &apart] {
            let broken = "plugin 'villain' broke its contract: ";
            assert_eq!(call.refusal(plugin), format!("{broken}{said}"), "{how}");
        }
    }
    let junk = call(&[2, 3], "how = 'junk'").refusal(&apart);
    assert_eq!(
        junk,
        "plugin 'villain' broke its contract: its process sent the host what is no message: \
         [104, 111, 119, 32]"
    );
}

#[test]
fn what_never_ends_is_stopped_when_its_time_is_up() {
    let folder = compiled("villain", &[]);
    let plugin = villain(&folder, "0.3");
    let registry = folder.path().join("registry.toml");
    for how in ["spin", "chatter", "patient", "hang-up"] {
        let began = Instant::now();
        assert_eq!(
            call(&[2, 3], &format!("how = '{how}'")).refusal(&plugin),
            format!(
                "plugin 'villain' took more than 0.3 s while it made rows, and was stopped; if it \
                 needs longer, raise timeout in '{}'",
                registry.display()
            ),
            "{how}"
        );
        assert!(began.elapsed() < Duration::from_secs(5), "{how}");
    }
}

#[test]
fn a_wish_to_stop_is_heard_within_a_second_by_what_polls_and_by_what_does_not() {
    let folder = compiled("villain", &[]);
    let plugin = villain(&folder, "60");
    for how in ["patient", "spin", "chatter"] {
        let mut told = None;
        let began = Instant::now();
        let progress = |_, _| {
            let go_on = began.elapsed() < Duration::from_millis(100);
            if !go_on {
                told.get_or_insert_with(Instant::now);
            }
            go_on
        };
        let call = call(&[2, 3], &format!("how = '{how}'"));
        let stopped = call.run_while(&plugin, progress).unwrap_err();
        assert_eq!(stopped.to_string(), "cancelled", "{how}");
        assert!(
            told.expect("it was told").elapsed() < Duration::from_secs(1),
            "{how}"
        );
    }
}

#[test]
fn a_panic_of_the_callers_own_progress_takes_the_process_along() {
    let folder = compiled("villain", &[]);
    let plugin = villain(&folder, "60");
    let call = call(&[2, 3], "how = 'patient'");
    let run = std::panic::AssertUnwindSafe(|| {
        call.run_while(&plugin, |_, _| {
            std::panic::resume_unwind(Box::new("full disk"))
        })
    });
    let payload = std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"full disk"));
}

#[test]
fn a_library_that_misbehaves_while_it_is_loaded_harms_nobody() {
    for (constructor, said) in [
        ("-DCONSTRUCTOR=abort()", "signal 6 (SIGABRT)"),
        ("-DCONSTRUCTOR=_exit(4)", "exit code 4"),
    ] {
        let folder = compiled("villain", &[constructor]);
        let refused = registry(&folder, "villain", APART).load("villain");
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "plugin 'villain' ended its process while it was loaded: {said}; this is a fault \
                 of the plugin, and nothing else is harmed"
            )
        );
    }
    let folder = compiled("villain", &["-DCONSTRUCTOR=for(;;){}"]);
    let refused = registry(&folder, "villain", "isolate = 'process'\ntimeout = 0.2\n");
    let said = folder.text(&refused.load("villain").unwrap_err());
    assert_eq!(
        said,
        "plugin 'villain' took more than 0.2 s while it was loaded, and was stopped; if it needs \
         longer, raise timeout in '<folder>/registry.toml'"
    );
}

#[test]
fn entries_are_refused_by_the_same_words_in_either_place() {
    for flags in [
        &["-DENTRY=something_else"][..],
        &["-DMAGIC=1"],
        &["-DMAJOR=2"],
        &["-DSIZE=16"],
        &["-DSAMPLE=0", "-Wno-unused-function"],
        &["-DPARAMS={0,3}"],
        &["-DPARAMS=EOS_STR(\"[k]\\ntype=\\\"int\\\"\\ndefault=0\\nmin=1\\n\")"],
    ] {
        let folder = compiled("halfway", flags);
        let refuse = |keys: &str| {
            let registry = registry(&folder, "halfway", keys);
            folder.text(&registry.load("halfway").unwrap_err())
        };
        assert_eq!(refuse(APART), refuse(""), "{flags:?}");
    }
    let folder = Folder::new();
    let junk = format!(
        "{}halfway{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    folder.file(&junk, "not a library");
    let refuse = |keys: &str| {
        folder.text(
            &registry(&folder, "halfway", keys)
                .load("halfway")
                .unwrap_err(),
        )
    };
    assert_eq!(refuse(APART), refuse(""));
    assert!(refuse(APART).contains("does not load"));
}

#[test]
fn a_plugin_whose_panics_abort_is_taken_apart_and_refused_here() {
    let folder = compiled("halfway", &["-DFLAGS=EOS_PANIC_ABORTS"]);
    assert!(registry(&folder, "halfway", APART).load("halfway").is_ok());
    assert_eq!(
        registry(&folder, "halfway", "")
            .load("halfway")
            .unwrap_err()
            .to_string(),
        "plugin 'halfway' was built with panic = \"abort\": a panic in it would end this process; \
         rebuild it with panic = \"unwind\", or set isolate = \"process\" for it in the registry"
    );
}

/// A program that is no `eos-plugin-host`, and what is said about it.
fn with_host(folder: &Folder, script: &str) -> String {
    let host = folder.file("host", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&host, std::fs::Permissions::from_mode(0o755)).unwrap();
    refusal_with(folder, &host)
}

fn refusal_with(folder: &Folder, host: &Path) -> String {
    let registry = registry(folder, "halfway", "isolate = 'process'\ntimeout = 5\n");
    folder.text(&registry.host(host.into()).load("halfway").unwrap_err())
}

#[test]
fn a_program_that_is_no_host_is_refused_with_what_it_did() {
    let folder = compiled("halfway", &[]);
    let begin = "plugin 'halfway' is to be isolated, and there is no process for it: ";
    let other = |said: &str| {
        format!(
            "{begin}'<folder>/host' is no eos-plugin-host of this version of eos ({said}); set \
             EOS_PLUGIN_HOST to the one that was built with it"
        )
    };
    assert_eq!(with_host(&folder, "exit 1"), other("exit code 1"));
    assert_eq!(
        with_host(&folder, "echo no such file >&2; exit 127"),
        other("exit code 127; its last words: no such file")
    );
    assert_eq!(
        with_host(&folder, "printf 'Good morning' >&0; sleep 5"),
        other("it sent [71, 111, 111, 100]")
    );
    // A hello of version 2: tag 1 EOS, length 4, the number.
    let hello = r"printf '\001EOS\004\0\0\0\0\0\0\0\002\0\0\0' >&0; sleep 5";
    assert_eq!(
        with_host(&folder, hello),
        other("it speaks version 2 of the pipe, not 1")
    );
    assert_eq!(
        refusal_with(&folder, &folder.path().join("none")),
        format!(
            "{begin}'<folder>/none' is not there; build it (cargo xtask plugins build), put it \
             beside the running program, or set EOS_PLUGIN_HOST to where it is"
        )
    );
}

#[test]
fn the_host_program_says_what_it_is_for_when_nobody_has_started_it_for_that() {
    let done = std::process::Command::new(HOST).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&done.stderr),
        "error: this program is started by eos, for plugins with isolate = \"process\" in their \
         registry; there is nothing to do for it otherwise\n"
    );
}
