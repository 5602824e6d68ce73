//! `cargo xtask plugins new`, in a small workspace of the crates that a plugin's tests need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CRATES: [&str; 3] = [
    "crates/eos-plugin",
    "crates/eos-registry",
    "crates/eos-tensor",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is writable");
    for entry in fs::read_dir(from).expect("a folder of the workspace") {
        let path = entry.expect("it can be read").path();
        let to = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).expect("the folder is writable");
        }
    }
}

/// The crates, the plugin `smote`, the registry, and this workspace's manifest for them.
fn workspace(folder: &Path) {
    for part in CRATES.into_iter().chain(["plugins/smote"]) {
        copy(&root().join(part), &folder.join(part));
    }
    let registry = "plugins/registry.toml";
    fs::copy(root().join(registry), folder.join(registry)).expect("the folder is writable");
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("it is writable");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has one");
    let (_, rest) = manifest
        .split_once("\n]\n")
        .expect("a list of members ends");
    // Without its profiles: nothing here is worth the time of optimizing it.
    let (rest, _) = rest.split_once("[profile.").unwrap_or((rest, ""));
    let members = CRATES.map(|part| format!("    \"{part}\",\n")).concat();
    let head =
        format!("[workspace]\nresolver = \"3\"\nmembers = [\n{members}    \"plugins/smote\",\n]\n");
    fs::write(folder.join("Cargo.toml"), head + rest).expect("the folder is writable");
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn in_folder(program: &str, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_NET_OFFLINE", "true")
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-plugin"),
        )
        .output()
        .expect("the program starts")
}

#[test]
fn a_new_plugin_passes_its_tests_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    workspace(folder);
    let xtask = env!("CARGO_BIN_EXE_xtask");

    let made = in_folder(xtask, folder, &["plugins", "new", "nearest-mean"]);
    assert!(made.status.success(), "{}", told(&made));
    let registry = fs::read_to_string(folder.join("plugins/registry.toml")).expect("it is there");
    assert!(
        registry.contains("library = \"eos_plugin_nearest_mean\""),
        "{registry}"
    );

    let arguments = ["test", "-p", "eos-plugin-nearest-mean"];
    let tested = in_folder(env!("CARGO"), folder, &arguments);
    let text = told(&tested);
    assert!(tested.status.success(), "{text}");
    assert!(
        text.contains("the_plugin_keeps_the_contract ... ok"),
        "{text}"
    );
    let formatted = in_folder(
        env!("CARGO"),
        folder,
        &["fmt", "-p", "eos-plugin-nearest-mean", "--check"],
    );
    assert!(formatted.status.success(), "{}", told(&formatted));

    let again = in_folder(xtask, folder, &["plugins", "new", "nearest-mean"]);
    assert!(!again.status.success());
    assert!(
        told(&again).contains("is there already, and is left as it is"),
        "{}",
        told(&again)
    );
}
