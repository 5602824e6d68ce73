//! The boundary is C: the header says what the Rust tables say, and a plugin in C works.

mod common;

use common::{Folder, call, cc, manifest, run};
use eos_plugin::abi;
use std::fmt::Write;
use std::mem::{align_of, offset_of, size_of};

macro_rules! asserts {
    ($($rust:ident $c:literal { $($field:ident),* })*) => {{
        let mut text = String::new();
        $(
            writeln!(text, "_Static_assert(sizeof({}) == {}, \"\");", $c, size_of::<abi::$rust>()).unwrap();
            writeln!(text, "_Static_assert(_Alignof({}) == {}, \"\");", $c, align_of::<abi::$rust>()).unwrap();
            $(
                let offset = offset_of!(abi::$rust, $field);
                writeln!(text, "_Static_assert(offsetof({}, {}) == {offset}, \"\");", $c, stringify!($field)).unwrap();
            )*
        )*
        text
    }};
}

#[test]
fn the_header_has_the_offsets_and_numbers_of_the_rust_tables() {
    let mut text = String::from("#include \"eos_plugin.h\"\n");
    text += &asserts! {
        Header "eos_header" { magic, major, minor, size }
        Str "eos_str" { ptr, len }
        Recipe "eos_recipe" { label, base, from, to, ratio }
        Dataset "eos_dataset" { header, len, dims, classes, reserved, rows, labels, wanted, seed }
        Output "eos_output" { header, capacity, written, recipes, labels, rows }
        Host "eos_host" { header, ctx, set_error, log, progress, service, threads, reserved }
        Knn "eos_knn" { header, ctx, neighbours, device }
        Rng "eos_rng" { header, ctx, block }
        Cost "eos_cost" { header, ctx, trained }
        Entry "eos_entry" { header, id, version, summary, params, flags, create, sample, destroy }
    };
    for (name, value) in [
        ("EOS_MAGIC", abi::MAGIC),
        ("EOS_MAJOR", abi::MAJOR.into()),
        ("EOS_MINOR", abi::MINOR.into()),
        ("EOS_OK", abi::OK as u64),
        ("EOS_FAILED", abi::FAILED as u64),
        ("EOS_BAD_PARAMS", abi::BAD_PARAMS as u64),
        ("EOS_CANCELLED", abi::CANCELLED as u64),
        ("EOS_PANICKED", abi::PANICKED as u64),
        ("EOS_UNSUPPORTED", abi::UNSUPPORTED as u64),
        ("EOS_HOST_MISMATCH", abi::HOST_MISMATCH as u64),
        ("EOS_PANIC_ABORTS", abi::PANIC_ABORTS),
        ("EOS_MAKES_ROWS", abi::MAKES_ROWS),
        ("EOS_LOG_DEBUG", abi::LOG_DEBUG.into()),
        ("EOS_LOG_NOTE", abi::LOG_NOTE.into()),
        ("EOS_LOG_WARNING", abi::LOG_WARNING.into()),
        ("EOS_ANY_CLASS", abi::ANY_CLASS.into()),
        ("EOS_SAME_CLASS", abi::SAME_CLASS.into()),
        ("EOS_OTHER_CLASS", abi::OTHER_CLASS.into()),
        ("EOS_NO_ROW", abi::NO_ROW.into()),
    ] {
        writeln!(
            text,
            "_Static_assert({name} == UINT64_C({value}), \"{name}\");"
        )
        .unwrap();
    }
    for (name, service) in [
        ("EOS_KNN_SERVICE", abi::KNN_SERVICE),
        ("EOS_RNG_SERVICE", abi::RNG_SERVICE),
        ("EOS_COST_SERVICE", abi::COST_SERVICE),
        ("EOS_PANIC_SERVICE", abi::PANIC_SERVICE),
    ] {
        // A string literal is no constant of C's assertions; its length and first letter apart,
        // the plugins below ask for each by name.
        let size = service.len() + 1;
        writeln!(
            text,
            "_Static_assert(sizeof({name}) == {size}, \"{name}\");"
        )
        .unwrap();
    }
    let folder = Folder::new();
    let source = folder.file("numbers.c", &text);
    run(cc().arg("-fsyntax-only").arg(source));
}

#[test]
fn a_plugin_in_c_makes_rows_with_every_service() {
    let folder = Folder::new();
    folder.compile("halfway", &manifest().join("tests/c/halfway.c"), &[]);
    let plugin =
        folder.open("[[plugin]]\nid = 'halfway'\nlibrary = 'halfway'\nparams = { ratio = 0.25 }\n");
    let plugin = plugin.load("halfway").unwrap();
    assert_eq!((plugin.id(), plugin.version()), ("halfway", "1.0.0"));
    assert_eq!(plugin.summary(), "walks towards the nearest class-mate");

    let usual = call(&[3, 20], "");
    let made = usual.run(&plugin).unwrap();
    let recipe = made.recipe.as_deref().unwrap();
    assert_eq!(made.labels, [vec![0; 3], vec![1; 20]].concat());
    assert_eq!(made.notes, ["made 23 rows on cpu"]);
    assert_eq!((made.trained.parameters, made.trained.steps), (7, 23));
    for (row, r) in made.rows.chunks(2).zip(recipe) {
        let at = |i: u32, d: usize| usual.data.rows[i as usize * 2 + d];
        assert_eq!((usual.data.labels[r.to as usize], r.ratio), (r.label, 0.25));
        for (d, value) in row.iter().enumerate() {
            assert_eq!(*value, at(r.base, d) + 0.25 * (at(r.to, d) - at(r.base, d)));
        }
    }
    assert_eq!(usual.run(&plugin).unwrap(), made);

    let far = call(&[3, 20], "ratio = 1").run(&plugin).unwrap();
    assert!(far.recipe.unwrap().iter().all(|r| r.ratio == 1.0));
    let stopped = usual.run_while(&plugin, |done, _| done < 3).unwrap_err();
    assert_eq!(stopped.to_string(), "cancelled");
    let mut lonely = call(&[0, 5], "");
    lonely.data.labels = (0..40).map(|i| u32::from(i == 0)).collect();
    assert_eq!(
        lonely.refusal(&plugin),
        "plugin 'halfway' failed: a class of one row"
    );
}

#[test]
fn libraries_that_do_not_fit_are_refused_before_any_of_their_functions_runs() {
    let folder = Folder::new();
    let source = manifest().join("tests/c/halfway.c");
    let refuse = |flags: &[&str]| {
        folder.compile("halfway", &source, flags);
        folder.refusal(
            "[[plugin]]\nid = 'halfway'\nlibrary = 'halfway'\n",
            "halfway",
        )
    };
    let library = format!(
        "<folder>/{}halfway{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    assert_eq!(
        refuse(&["-DENTRY=something_else"]),
        format!(
            "plugin 'halfway': '{library}' is no oversampler plugin: it does not export \
             'eos_plugin_entry__halfway'; does 'library' name the right file, and does the crate \
             call export_oversampler!?"
        )
    );
    assert_eq!(
        refuse(&["-DMAGIC=1"]),
        "plugin 'halfway': its library is no oversampler plugin: the entry starts with other \
         bytes than a plugin's; rebuild it against eos-plugin 1"
    );
    assert_eq!(
        refuse(&["-DMAJOR=2"]),
        "plugin 'halfway' was built for plugin ABI 2.0, this host speaks 1.x; rebuild it against \
         eos-plugin 1"
    );
    assert_eq!(
        refuse(&["-DSIZE=16"]),
        "plugin 'halfway': its entry has 16 bytes, version 1.0 has 112; rebuild it against a \
         released eos-plugin 1"
    );
    assert_eq!(
        refuse(&["-DSAMPLE=0", "-Wno-unused-function"]),
        "plugin 'halfway': its entry has no function 'sample'; fill in create, sample and destroy"
    );
    assert_eq!(
        refuse(&["-DPARAMS={0,3}"]),
        "plugin 'halfway': the text 'params' of its entry cannot be read (null, longer than 1 MiB \
         or not UTF-8); mend it in the plugin"
    );
    assert_eq!(
        refuse(&["-DPARAMS=EOS_STR(\"[k]\\ntype=\\\"int\\\"\\ndefault=0\\nmin=1\\n\")"]),
        "plugin 'halfway': its description of its parameters is wrong: parameter 'k' is 0; it is \
         at least 1; mend it in the plugin"
    );
}

#[test]
fn an_entry_of_a_later_minor_version_is_taken_for_what_this_one_knows_of_it() {
    let folder = Folder::new();
    let source = manifest().join("tests/c/halfway.c");
    let rows = |flags: &[&str]| {
        folder.compile("halfway", &source, flags);
        let registry = folder.open("[[plugin]]\nid = 'halfway'\nlibrary = 'halfway'\n");
        let plugin = registry.load("halfway").unwrap();
        call(&[0, 2], "").run(&plugin).unwrap()
    };
    // Its table has grown by two fields at the end.
    assert_eq!(rows(&["-DMINOR=7", "-DLATER"]), rows(&[]));
}

#[test]
fn registry_and_library_must_agree_on_the_name() {
    let folder = Folder::new();
    folder.compile("halfway", &manifest().join("tests/c/halfway.c"), &[]);
    let other = folder.open("[[plugin]]\nid = 'third-way'\nlibrary = 'halfway'\n");
    let said = folder.text(&other.load("third-way").unwrap_err());
    assert_eq!(
        said,
        "the registry '<folder>/registry.toml' lists 'third-way', but its library 'halfway' is \
         plugin 'halfway'; set id = \"halfway\" or name the library of 'third-way'"
    );
}
