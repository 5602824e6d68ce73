//! A folder to run the `eos` command in.

const CONFIG: &str = "[data]\nset = \"fashion-mnist-lt\"\n[model]\narch = \"resnet20\"\n\
    [train]\nepochs = 1\nschedule = \"one-cycle\"\n[head]\nepochs = 1\n\
    [oversample]\nmethod = \"eos\"\nbeside = [\"random\", \"smote\"]\n";

/// A folder with the configuration `c.toml` of a short run.
pub fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), CONFIG).unwrap();
    folder
}
