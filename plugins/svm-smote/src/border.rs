//! Which support vectors are worth walking from, and which way.

/// What a support vector is by the classes of its m nearest rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of them are enemies.
    Noise,
    /// Half of them or more are: the class is outnumbered here, and rows are made inwards,
    /// between class-mates.
    Danger,
    /// Fewer than half are: the class has the ground, and rows are made outwards.
    Safe,
}

/// The kind of a row of class `own` with the nearest rows `near`.
pub fn kind(near: &[u32], labels: &[u32], own: u32) -> Kind {
    let enemies = near.iter().filter(|&&row| labels[row as usize] != own);
    let enemies = enemies.count();
    if enemies == near.len() {
        Kind::Noise
    } else if 2 * enemies >= near.len() {
        Kind::Danger
    } else {
        Kind::Safe
    }
}

/// How many of `wanted` rows are made inwards: ⌊fraction · (wanted + 1)⌋, all where there is no
/// base to walk outwards from, none where there is none to walk inwards from.
pub fn inwards(fraction: f64, wanted: u64, danger: usize, safe: usize) -> u64 {
    match (danger, safe) {
        (0, _) => 0,
        (_, 0) => wanted,
        _ => ((fraction * (wanted as f64 + 1.0)) as u64).min(wanted),
    }
}

/// A draw from Beta(10, 10), of 19 uniform words: their tenth in order has that distribution.
pub fn beta(words: &mut [u32; 19]) -> f64 {
    words.sort_unstable();
    (f64::from(words[9]) + 0.5) / 2f64.powi(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_the_share_of_enemies() {
        let labels = [0, 1, 1, 1, 1, 0, 0, 0, 0];
        let of = |near: &[u32]| kind(near, &labels, 0);
        assert_eq!(of(&[1, 2, 3, 4]), Kind::Noise);
        assert_eq!(of(&[1, 2, 3, 5]), Kind::Danger);
        assert_eq!(of(&[1, 2, 5, 6]), Kind::Danger);
        assert_eq!(of(&[1, 2, 5, 6, 7]), Kind::Safe);
        assert_eq!(of(&[5, 6]), Kind::Safe);
    }

    #[test]
    fn every_wanted_row_is_made_whatever_set_is_empty() {
        assert_eq!(inwards(0.5, 9, 3, 2), 5);
        assert_eq!(inwards(0.999_999, 9, 3, 2), 9);
        assert_eq!((inwards(0.5, 9, 0, 2), inwards(0.5, 9, 3, 0)), (0, 9));
    }

    #[test]
    fn the_tenth_of_nineteen_is_distributed_as_it_should_be() {
        // Mean 1/2 and variance 1/84.
        let (mut state, mut sum, mut squares) = (1u32, 0.0, 0.0);
        let draws = 20_000;
        for _ in 0..draws {
            let mut words = [0; 19];
            for word in &mut words {
                // A xorshift generator, good enough to test with.
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                *word = state;
            }
            let fraction = beta(&mut words);
            sum += fraction;
            squares += (fraction - 0.5).powi(2);
        }
        assert!((sum / f64::from(draws) - 0.5).abs() < 0.003);
        assert!((squares / f64::from(draws) * 84.0 - 1.0).abs() < 0.05);
    }
}
