//! Which registries are read, in which order.

use std::path::{Path, PathBuf};

/// What the caller knows about registries.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The command's `--registry`.
    pub explicit: Option<PathBuf>,
    /// The run configuration's.
    pub configured: Option<PathBuf>,
    /// The command's `--locked`: every plugin needs a `sha256` in its registry.
    pub locked: bool,
}

/// What the surroundings say about registries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The variable `EOS_REGISTRY`.
    pub variable: Option<PathBuf>,
    /// The user's configuration folder.
    pub user: Option<PathBuf>,
    /// The running program.
    pub program: Option<PathBuf>,
}

impl Surroundings {
    pub(crate) fn of_process() -> Self {
        let variable = std::env::var_os("EOS_REGISTRY").filter(|v| !v.is_empty());
        let program = std::env::current_exe().ok();
        Self {
            variable: variable.map(PathBuf::from),
            user: user_folder("XDG_CONFIG_HOME", ".config", "APPDATA"),
            // A link in a folder of programs stands for the program in its installation.
            program: program.map(|p| p.canonicalize().unwrap_or(p)),
        }
    }
}

/// A registry to read, and who asks for it; `asked` is empty for one that need not be there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub path: PathBuf,
    pub asked: Option<&'static str>,
}

/// The candidates in order: the first to name a plugin wins.
pub(crate) fn candidates(discovery: &Discovery, around: &Surroundings) -> Vec<Candidate> {
    let asked = [
        (discovery.explicit.as_ref(), "--registry"),
        (discovery.configured.as_ref(), "the run's configuration"),
        (around.variable.as_ref(), "EOS_REGISTRY"),
    ];
    let asked = asked.into_iter().filter_map(|(path, by)| {
        path.map(|path| Candidate {
            path: path.clone(),
            asked: Some(by),
        })
    });
    let user = around
        .user
        .as_deref()
        .map(|folder| folder.join("eos").join("registry.toml"));
    let beside = around.program.as_deref().and_then(Path::parent);
    let installed = beside.map(|folder| folder.join("plugins").join("registry.toml"));
    let found = user
        .into_iter()
        .chain(installed)
        .map(|path| Candidate { path, asked: None });
    asked.chain(found).collect()
}

/// A folder of the user by the system's custom: a variable, or a folder in their home.
pub(crate) fn user_folder(variable: &str, in_home: &str, on_windows: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    if cfg!(windows) {
        return absolute(on_windows);
    }
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_option_configuration_variable_user_installation() {
        let discovery = Discovery {
            explicit: Some("a.toml".into()),
            configured: Some("b.toml".into()),
            locked: false,
        };
        let around = Surroundings {
            variable: Some("/c.toml".into()),
            user: Some("/u/config".into()),
            program: Some("/opt/eos/eos".into()),
        };
        let all = candidates(&discovery, &around);
        let shown: Vec<String> = all
            .iter()
            .map(|c| format!("{} {}", c.path.display(), c.asked.unwrap_or("optional")))
            .collect();
        assert_eq!(
            shown,
            [
                "a.toml --registry",
                "b.toml the run's configuration",
                "/c.toml EOS_REGISTRY",
                "/u/config/eos/registry.toml optional",
                "/opt/eos/plugins/registry.toml optional",
            ]
        );
        assert_eq!(
            candidates(&Discovery::default(), &Surroundings::default()),
            []
        );
    }
}
