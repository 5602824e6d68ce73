//! What a word that is not known may have been meant to be.

/// Share of letters that may differ.
const NEAR: f64 = 0.7;

/// `; did you mean 'x'?`, or nothing where no name comes near.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let alike = names.map(|name| (strsim::jaro_winkler(word, name), name));
    let best = alike.max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((alike, name)) if alike >= NEAR => format!("; did you mean '{name}'?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let names = ["smote", "eos", "transfer"];
        assert_eq!(
            nearest("smoet", names.into_iter()),
            "; did you mean 'smote'?"
        );
        assert_eq!(nearest("xyzzy", names.into_iter()), "");
        assert_eq!(nearest("x", std::iter::empty()), "");
    }
}
