//! What a synthetic row is made of, in words.

use crate::summary::Summary;
use eos_tensor::Recipe;

/// A training row that a synthetic row is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    /// "base", "neighbour" (of its class) or "enemy" (of another).
    pub role: &'static str,
    /// Training row.
    pub row: u32,
    /// Its class.
    pub class: u32,
}

/// The base, and the rows other than it whose difference is added.
pub(crate) fn sources(recipe: &Recipe, labels: &[u32]) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    for row in [recipe.base, recipe.to, recipe.from] {
        if found.iter().any(|source| source.row == row) {
            continue;
        }
        let class = labels[row as usize];
        let role = match (found.is_empty(), class == labels[recipe.base as usize]) {
            (true, _) => "base",
            (false, true) => "neighbour",
            (false, false) => "enemy",
        };
        found.push(Source { role, row, class });
    }
    found
}

/// A synthetic row's class, its sources and r.
pub(crate) fn words(recipe: &Recipe, labels: &[u32], summary: &Summary) -> String {
    let class = |c: u32| &summary.classes[c as usize];
    let mut text = format!("Synthetic {}", class(recipe.label));
    for source in sources(recipe, labels) {
        text += &format!("; {} {} ({})", source.role, source.row, class(source.class));
    }
    text + &format!("; r = {:.3}", recipe.ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(base: u32, from: u32, to: u32) -> Vec<(&'static str, u32)> {
        let recipe = Recipe {
            label: 0,
            base,
            from,
            to,
            ratio: 0.5,
        };
        let found = sources(&recipe, &[0, 0, 1]);
        found
            .iter()
            .map(|source| (source.role, source.row))
            .collect()
    }

    #[test]
    fn a_row_of_another_class_is_an_enemy() {
        assert_eq!(roles(0, 0, 2), [("base", 0), ("enemy", 2)]);
        assert_eq!(roles(0, 2, 0), [("base", 0), ("enemy", 2)]);
        assert_eq!(
            roles(0, 1, 2),
            [("base", 0), ("enemy", 2), ("neighbour", 1)]
        );
        assert_eq!(roles(1, 1, 1), [("base", 1)]);
    }
}
