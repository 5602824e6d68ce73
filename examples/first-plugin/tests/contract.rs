//! Retreat through the boundary.

use eos_registry::{Plugin, Request, Services};
use eos_retreat::ENTRY;
use eos_tensor::{CpuBackend, Rows};

// What every plugin must keep, each in a process of its own.
eos_registry::check_oversampler!(ENTRY);

#[test]
fn rows_move_away_from_the_enemy() {
    // One class left of 0, the other right of it.
    let rows = [-1.0, -2.0, 3.0, 4.0];
    let request = Request {
        rows: Rows::new(&rows, 1).unwrap(),
        labels: &[0, 0, 1, 1],
        wanted: &[0, 100],
        seed: 1,
        params: &toml::toml! { reach = 0.5 },
    };
    let (backend, mut progress) = (CpuBackend::new(), |_, _| true);
    let mut services = Services {
        backend: &backend,
        threads: 2,
        progress: &mut progress,
    };
    let plugin = Plugin::from_entry(&ENTRY).unwrap();
    let made = plugin.sample(&request, &mut services).unwrap();
    for (row, recipe) in made.rows.iter().zip(made.recipe.unwrap()) {
        let base = rows[recipe.base as usize];
        // The nearest enemy is the row at -1.
        assert_eq!(recipe.from, 0);
        assert!((base..=base + 0.5 * (base + 1.0)).contains(row), "{row}");
    }
}
