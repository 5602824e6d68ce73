//! The allow-list: what a registry may say, and how each refusal reads.

mod common;

use common::Folder;
use eos_registry::{Discovery, Isolate, Registry};

/// What opening a registry of this text says, without the folder's path.
fn refusal(text: &str) -> String {
    let folder = Folder::new();
    let file = folder.file("registry.toml", text);
    folder.text(&Registry::open(&[file]).expect_err("the registry ought to be refused"))
}

#[test]
fn a_mistake_is_shown_with_line_column_and_caret() {
    assert_eq!(
        refusal("registry-version = 1\n[[plugin]]\nid = 'smote'\nlibary = 'x'\n"),
        "registry '<folder>/registry.toml': TOML parse error at line 4, column 1
  |
4 | libary = 'x'
  | ^^^^^^
unknown field `libary`, expected one of `id`, `library`, `sha256`, `enabled`, `isolate`, `timeout`, `allow-outside`, `params`"
    );
    assert_eq!(
        refusal("registry-version = 1\n[[plugin]]\nid = 'smote'\nlibrary = 'x'\nisolate = 'yes'\n"),
        "registry '<folder>/registry.toml': TOML parse error at line 5, column 11
  |
5 | isolate = 'yes'
  |           ^^^^^
unknown variant `yes`, expected `none` or `process`"
    );
    assert_eq!(
        refusal("registry-version = 1\n[[plugin]\n"),
        "registry '<folder>/registry.toml': TOML parse error at line 2, column 10
  |
2 | [[plugin]
  |          ^
unclosed array table, expected `]`"
    );
}

#[test]
fn what_is_toml_and_still_no_registry_is_refused() {
    let listed = |plugins: &str| refusal(&format!("registry-version = 1\n{plugins}"));
    let begin = "registry '<folder>/registry.toml': ";
    for (said, rest) in [
        (
            refusal(""),
            "has no registry-version; begin it with registry-version = 1",
        ),
        (
            refusal("registry-version = 0"),
            "registry-version is 0; write registry-version = 1",
        ),
        (
            refusal("registry-version = 2\nnew-key = 1"),
            "registry-version 2 is newer than this version of eos reads (1); update eos",
        ),
        (
            listed("[[plugin]]\nid = 'a'\nlibrary = 'x'\n[[plugin]]\nid = 'a'\nlibrary = 'y'\n"),
            "lists plugin 'a' twice; remove one",
        ),
        (
            listed("[[plugin]]\nid = 'SMOTE!'\nlibrary = 'x'\n"),
            "plugin 'SMOTE!': an id is made of a-z, 0-9 and '-', as in \"borderline-smote\"",
        ),
        (
            listed("[[plugin]]\nid = 'a'\nlibrary = '..'\n"),
            "plugin 'a': library = \"..\" names no library; write its name without prefix and \
             suffix, as in \"eos_plugin_eos\"",
        ),
        (
            listed("[[plugin]]\nid = 'a'\nlibrary = 'x'\nisolate = 'process'\ntimeout = 0\n"),
            "plugin 'a': timeout = 0 is no time; give seconds above 0, as in timeout = 600",
        ),
        (
            listed("[[plugin]]\nid = 'a'\nlibrary = 'x'\ntimeout = 60\n"),
            "plugin 'a': timeout is for isolated plugins, for nothing in this process can be \
             stopped; set isolate = \"process\" too, or remove timeout",
        ),
        (
            listed("[[plugin]]\nid = 'a'\nlibrary = 'x'\nsha256 = '00'\n"),
            "plugin 'a': sha256 = \"00\" is not 64 hexadecimal digits; write it with cargo xtask \
             plugins lock",
        ),
    ] {
        assert_eq!(said, format!("{begin}{rest}"));
    }
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let path = || "/no/such/registry.toml".into();
    let explicit = Discovery {
        explicit: Some(path()),
        ..Discovery::default()
    };
    let configured = Discovery {
        configured: Some(path()),
        ..Discovery::default()
    };
    for (opened, asked) in [
        (Registry::open(&[path()]), "given"),
        (Registry::discover(&explicit), "--registry"),
        (Registry::discover(&configured), "the run's configuration"),
    ] {
        let said = opened.unwrap_err().to_string();
        let begin = format!("registry '/no/such/registry.toml' ({asked}) cannot be read: ");
        assert!(said.starts_with(&begin), "{said}");
        assert!(
            said.ends_with("; give the path of a registry.toml"),
            "{said}"
        );
    }
}

#[test]
fn the_first_registry_to_name_an_id_wins() {
    let folder = Folder::new();
    let first = folder.registry(
        "a/registry.toml",
        "[[plugin]]\nid = 'x'\nlibrary = 'mine'\n",
    );
    let second = folder.registry(
        "b/registry.toml",
        "[[plugin]]\nid = 'x'\nlibrary = 'theirs'\n[[plugin]]\nid = 'y'\nlibrary = 'why'\n\
         isolate = 'process'\nenabled = false\n[[plugin]]\nid = 'z'\nlibrary = 'zed'\n\
         isolate = 'process'\ntimeout = 1.5\n",
    );
    let listed = Registry::open(&[first.clone(), second.clone()])
        .unwrap()
        .list();
    let shown: Vec<_> = listed
        .iter()
        .map(|l| (l.id.as_str(), l.registry.as_path(), l.enabled, l.isolate))
        .collect();
    assert_eq!(
        shown,
        [
            ("x", first.as_path(), true, Isolate::None),
            ("y", second.as_path(), false, Isolate::Process),
            ("z", second.as_path(), true, Isolate::Process),
        ]
    );
    let timeouts: Vec<f64> = listed.iter().map(|l| l.timeout.as_secs_f64()).collect();
    assert_eq!(timeouts, [600.0, 600.0, 1.5]);
    assert_eq!(listed[0].library.parent(), first.parent());
}

#[test]
fn what_must_not_load_does_not() {
    let folder = Folder::new();
    let refuse = |plugins: &str| folder.refusal(plugins, "smote");
    assert_eq!(
        refuse("[[plugin]]\nid = 'smote'\nlibrary = 'x'\nenabled = false\n"),
        "plugin 'smote' is disabled in '<folder>/registry.toml'; set enabled = true there to use it"
    );
    assert_eq!(
        refuse("[[plugin]]\nid = 'smote'\nlibrary = '../x'\n"),
        "plugin 'smote': library path '../x' leaves the registry's folder; set 'allow-outside = \
         true' to permit it"
    );
    assert_eq!(
        refuse("[[plugin]]\nid = 'smote'\nlibrary = '/usr/lib/x'\n"),
        "plugin 'smote': library path '/usr/lib/x' leaves the registry's folder; set \
         'allow-outside = true' to permit it"
    );
    assert_eq!(
        refuse("[[plugin]]\nid = 'adasyn'\nlibrary = 'x'\n[[plugin]]\nid = 'eos'\nlibrary = 'y'\n"),
        "no plugin 'smote'; known: adasyn, eos"
    );
    assert_eq!(
        refuse(""),
        "no plugin 'smote'; no registry lists any (looked at: '<folder>/registry.toml'); build \
         the plugins with cargo xtask plugins build"
    );
    let gone = refuse("[[plugin]]\nid = 'smote'\nlibrary = 'x'\n");
    let name = format!(
        "{}x{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    assert!(
        gone.starts_with(&format!(
            "plugin 'smote': library '<folder>/{name}' cannot be read: "
        )) && gone.ends_with(
            "; build it (cargo xtask plugins build) or mend 'library' in '<folder>/registry.toml'"
        ),
        "{gone}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leaves_the_folder_is_refused_like_a_path() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let target = outside.file("lib.so", "not a library");
    let name = format!(
        "{}x{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    std::os::unix::fs::symlink(&target, folder.path().join(name)).unwrap();
    let plugins = "[[plugin]]\nid = 'smote'\nlibrary = 'x'\n";
    assert_eq!(
        folder.refusal(plugins, "smote"),
        format!(
            "plugin 'smote': library path 'x' leaves the registry's folder (it is a link to \
             '{}'); set 'allow-outside = true' to permit it",
            target.display()
        )
    );
    let permitted = folder.refusal(&format!("{plugins}allow-outside = true\n"), "smote");
    assert!(permitted.contains("does not load"), "{permitted}");
}

#[test]
fn a_file_that_is_no_library_is_refused_with_the_systems_reason() {
    let folder = Folder::new();
    let name = format!(
        "{}junk{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    folder.file(&name, "not a library");
    let said = folder.refusal("[[plugin]]\nid = 'junk'\nlibrary = 'junk'\n", "junk");
    assert!(
        said.starts_with(&format!("plugin 'junk': '<folder>/{name}' does not load: ")),
        "{said}"
    );
    // The outermost error says only that loading failed; what the system says comes after it.
    assert!(said.matches(": ").count() > 2, "{said}");
}

#[test]
fn hashes_are_checked_and_may_be_required() {
    let folder = Folder::new();
    let name = format!(
        "{}junk{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    folder.file(&name, "abc");
    let plugins = "[[plugin]]\nid = 'junk'\nlibrary = 'junk'\n";
    // FIPS 180-2, appendix B.1.
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let wrong = "0".repeat(64);
    assert_eq!(
        folder.refusal(&format!("{plugins}sha256 = '{wrong}'\n"), "junk"),
        format!(
            "plugin 'junk': '<folder>/{name}' has SHA-256 {right}, '<folder>/registry.toml' says \
             {wrong}; if you changed the library yourself, write its hash anew (cargo xtask \
             plugins lock)"
        )
    );
    let passed = folder.refusal(
        &format!("{plugins}sha256 = '{}'\n", right.to_uppercase()),
        "junk",
    );
    assert!(passed.contains("does not load"), "{passed}");
    let locked = folder.open(plugins).locked(true).load("junk").unwrap_err();
    assert_eq!(
        folder.text(&locked),
        "plugin 'junk': '<folder>/registry.toml' has no sha256 for it, and locked plugins were \
         asked for; write the hashes with cargo xtask plugins lock"
    );
}
