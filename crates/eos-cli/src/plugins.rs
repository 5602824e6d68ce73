//! `eos plugins list|show`.

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
    },
    /// A plugin and its parameters
    Show {
        /// Its id
        id: String,
        /// Registry to look in first
        #[arg(long, value_name = "FILE")]
        registry: Option<PathBuf>,
    },
}

/// Finds the registries in the order of the documentation.
pub fn discover(registry: &Option<PathBuf>) -> Result<Registry, eos_pipeline::Error> {
    let explicit = registry.clone();
    Ok(Registry::discover(&Discovery {
        explicit,
        configured: None,
    })?)
}

/// Lists or shows.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments {
        Arguments::List { registry } => {
            let registry = discover(registry)?;
            for listing in registry.list() {
                let about = if listing.enabled {
                    match registry.load(&listing.id) {
                        Ok(plugin) => format!("{}  {}", plugin.version(), plugin.summary()),
                        Err(error) => format!("refused: {error}"),
                    }
                } else {
                    "disabled".to_owned()
                };
                println!("{:18} {about}", listing.id);
            }
        }
        Arguments::Show { id, registry } => {
            let registry = discover(registry)?;
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
    }
    Ok(())
}
