//! What the tests share: a small data set, registries in a folder of their own, C compiled.
#![allow(dead_code)]

#[cfg(unix)]
pub mod apart;

use eos_registry::{Error, Plugin, Registry, Request, Services, Synthetic};
use eos_tensor::{CpuBackend, Rows};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Thirty rows of class 0 and ten of class 1, of two values.
pub struct Data {
    pub rows: Vec<f32>,
    pub labels: Vec<u32>,
}

pub fn data() -> Data {
    Data {
        rows: (0..80).map(|i| (i as f32 * 0.37).sin()).collect(),
        labels: (0..40).map(|i| u32::from(i % 4 == 0)).collect(),
    }
}

/// A call with everything as usual, for tests to change one thing of.
pub struct Call {
    pub data: Data,
    pub wanted: Vec<u64>,
    pub params: toml::Table,
    pub threads: u32,
}

pub fn call(wanted: &[u64], params: &str) -> Call {
    let params = params.parse().expect("a test's parameters are TOML");
    Call {
        data: data(),
        wanted: wanted.to_vec(),
        params,
        threads: 2,
    }
}

impl Call {
    pub fn run(&self, plugin: &Plugin) -> Result<Synthetic, Error> {
        self.run_while(plugin, |_, _| true)
    }

    pub fn run_while(
        &self,
        plugin: &Plugin,
        mut progress: impl FnMut(u64, u64) -> bool,
    ) -> Result<Synthetic, Error> {
        let request = Request {
            rows: Rows::new(&self.data.rows, 2).expect("the rows are finite"),
            labels: &self.data.labels,
            wanted: &self.wanted,
            seed: 7,
            params: &self.params,
        };
        let backend = CpuBackend::new();
        let (backend, threads, progress) = (&backend, self.threads, &mut progress);
        plugin.sample(
            &request,
            &mut Services {
                backend,
                threads,
                progress,
            },
        )
    }

    pub fn refusal(&self, plugin: &Plugin) -> String {
        self.run(plugin)
            .expect_err("the call ought to be refused")
            .to_string()
    }
}

/// A folder for a registry and its libraries.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().canonicalize().expect("the folder is there")
    }

    /// Writes a registry of this name, whose text is `registry-version = 1` and `plugins`.
    pub fn registry(&self, name: &str, plugins: &str) -> PathBuf {
        self.file(name, &format!("registry-version = 1\n{plugins}"))
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A registry of these plugins, with its cache in this folder.
    pub fn open(&self, plugins: &str) -> Registry {
        let file = self.registry("registry.toml", plugins);
        let registry = Registry::open(&[file]).expect("the registry is right");
        registry.cache(self.path().join("cache"))
    }

    /// An error's text without the path of this folder.
    pub fn text(&self, error: &Error) -> String {
        error
            .to_string()
            .replace(&*self.path().to_string_lossy(), "<folder>")
    }

    /// The refusal to load `id` of these plugins.
    pub fn refusal(&self, plugins: &str, id: &str) -> String {
        self.text(
            &self
                .open(plugins)
                .load(id)
                .expect_err("the plugin ought to be refused"),
        )
    }

    /// Compiles C into the library `name` of this folder.
    pub fn compile(&self, name: &str, source: &Path, flags: &[&str]) {
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let library = self.path().join(format!("{prefix}{name}{suffix}"));
        let mut cc = cc();
        cc.args(["-shared", "-fPIC", "-o"])
            .arg(library)
            .args(flags)
            .arg(source);
        run(&mut cc);
    }
}

pub fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The C compiler, strict, with the boundary's header.
pub fn cc() -> Command {
    let name = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut cc = Command::new(name);
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]);
    cc.arg(manifest().join("../eos-plugin/include"));
    cc
}

pub fn run(command: &mut Command) {
    let done = command
        .output()
        .expect("the tests need a C compiler called cc, or CC set to one");
    assert!(
        done.status.success(),
        "{command:?}:\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
