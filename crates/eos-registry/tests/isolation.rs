//! Plugins in a process of their own: the same results, and every end of that process is named.
#![cfg(unix)]

mod common;

use common::apart::{APART, compiled, registry, villain};
use common::{Folder, call};
use std::time::{Duration, Instant};

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
    assert_eq!((made.trained.parameters, made.trained.steps), (7, 23));
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
