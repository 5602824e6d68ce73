//! The program that isolated plugins run in: what is taken for it, and how long it lives.
#![cfg(unix)]

mod common;

use common::apart::{HOST, compiled, registry, villain};
use common::{Folder, call};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

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
    // A hello of version 1: tag 1 EOS, length 4, the number.
    let hello = r"printf '\001EOS\004\0\0\0\0\0\0\0\001\0\0\0' >&0; sleep 5";
    assert_eq!(
        with_host(&folder, hello),
        other("it speaks version 1 of the pipe, not 2")
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

/// The host is killed without a word while its plugin works for ever: the plugin goes as well.
#[cfg(target_os = "linux")]
#[test]
fn a_child_does_not_outlive_its_host() {
    use std::process::{Command, Stdio};
    const HOSTING: &str = "EOS_TEST_HOSTING";
    if std::env::var_os(HOSTING).is_some() {
        let folder = compiled("villain", &[]);
        let plugin = villain(&folder, "50");
        let _ = call(&[2, 3], "how = 'spin'").run(&plugin);
        return;
    }
    let until = Instant::now() + Duration::from_secs(20);
    let wait_for = |what: &dyn Fn() -> bool| {
        while !what() {
            assert!(Instant::now() < until, "it does not come to that");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let mut hosting = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_child_does_not_outlive_its_host",
            "--test-threads=1",
        ])
        .env(HOSTING, "1")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The child that loads is followed by the one that works: its time grows.
    let of = |id: &str, file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}"));
    let children = || -> Vec<String> {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let ids = all.map(|e| e.file_name().to_string_lossy().into_owned());
        let parent = format!(" {} ", hosting.id());
        let ours = |id: &String| {
            let stat = of(id, "stat").unwrap_or_default();
            let after = stat.rsplit(')').next().unwrap_or_default();
            stat.contains("eos-plugin-host") && after[..after.len().min(40)].contains(&parent)
        };
        ids.filter(ours).collect()
    };
    let ticks = |id: &str| -> u64 {
        let stat = of(id, "stat").unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        after
            .split_whitespace()
            .nth(11)
            .and_then(|t| t.parse().ok())
            .unwrap_or(0)
    };
    wait_for(&|| children().iter().any(|id| ticks(id) > 20));
    let working = children();
    hosting.kill().unwrap();
    hosting.wait().unwrap();
    let gone = |id: &String| {
        let stat = of(id, "stat").unwrap_or_default();
        !stat.contains("eos-plugin-host") || stat.contains(") Z ")
    };
    wait_for(&|| working.iter().all(gone));
}
