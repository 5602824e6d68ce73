//! Which rows of a class lie where other classes begin.

/// Where a row stands, by the enemies among its m nearest rows of any class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Fewer than half are enemies.
    Safe,
    /// Half of them or more, but not all: a base.
    Danger,
    /// All are enemies.
    Noise,
}

/// The standing of a row with `enemies` among its `m` nearest: danger where
/// m / 2 ≤ enemies < m, noise where enemies = m.
///
/// ```
/// use eos_plugin_borderline_smote::Standing::{self, Danger, Noise, Safe};
/// let of = |enemies| eos_plugin_borderline_smote::standing(enemies, 5);
/// assert_eq!([0, 2, 3, 4, 5].map(of), [Safe, Safe, Danger, Danger, Noise]);
/// ```
pub fn standing(enemies: usize, m: usize) -> Standing {
    if enemies >= m {
        Standing::Noise
    } else if 2 * enemies >= m {
        Standing::Danger
    } else {
        Standing::Safe
    }
}

/// Enemies of a row of class `label` among its neighbours `near`.
pub fn enemies(label: u32, near: &[u32], labels: &[u32]) -> usize {
    let other = |row: &&u32| labels[**row as usize] != label;
    near.iter().filter(other).count()
}
