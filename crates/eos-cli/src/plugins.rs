//! `eos plugins list|show|check`.

use crate::check;
use eos_registry::{Discovery, Registry};
use std::path::PathBuf;

/// Looks into the registries.
#[derive(clap::Subcommand)]
pub enum Arguments {
    /// Every plugin that a registry lists
    List {
        /// Registry to look in first
        #[arg(long, value_name = "FILE")]
        registry: Option<PathBuf>,
        /// Load only plugins whose SHA-256 their registry holds
        #[arg(long)]
        locked: bool,
    },
    /// A plugin and its parameters
    Show {
        /// Its id
        id: String,
        /// Registry to look in first
        #[arg(long, value_name = "FILE")]
        registry: Option<PathBuf>,
        /// Load only plugins whose SHA-256 their registry holds
        #[arg(long)]
        locked: bool,
    },
    /// Whether a plugin keeps the contract: the conformance kit, each test in a process of its own
    Check(check::Arguments),
}

/// Finds the registries in the order of the documentation.
pub fn discover(registry: &Option<PathBuf>, locked: bool) -> Result<Registry, eos_pipeline::Error> {
    let explicit = registry.clone();
    Ok(Registry::discover(&Discovery {
        explicit,
        configured: None,
        locked,
    })?)
}

/// Lists or shows.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments {
        Arguments::List { registry, locked } => {
            let registry = discover(registry, *locked)?;
            for listing in registry.list() {
                let about = if listing.enabled {
                    match registry.load(&listing.id) {
                        Ok(plugin) => {
                            let apart = if plugin.is_isolated() {
                                " (isolated)"
                            } else {
                                ""
                            };
                            format!("{}  {}{apart}", plugin.version(), plugin.summary())
                        }
                        Err(error) => format!("refused: {error}"),
                    }
                } else {
                    "disabled".to_owned()
                };
                println!("{:18} {about}", listing.id);
            }
        }
        Arguments::Show {
            id,
            registry,
            locked,
        } => {
            let registry = discover(registry, *locked)?;
            let plugin = registry.load(id).map_err(eos_pipeline::Error::from)?;
            println!("{} {}: {}", plugin.id(), plugin.version(), plugin.summary());
            for p in plugin.parameters() {
                let bound = |word: &str, v: &Option<toml::Value>| {
                    v.as_ref()
                        .map_or(String::new(), |v| format!(", {word} {v}"))
                };
                let choices = match p.choices.is_empty() {
                    true => String::new(),
                    false => format!(", one of {}", p.choices.join(" | ")),
                };
                let range = bound("min", &p.min) + &bound("max", &p.max) + &choices;
                println!("  {} = {}{range}: {}", p.name, p.default, p.doc);
            }
        }
        Arguments::Check(arguments) => check::run(arguments)?,
    }
    Ok(())
}
