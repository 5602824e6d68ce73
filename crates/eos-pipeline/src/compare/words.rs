//! Lists of methods and losses as they stand on a command line.

/// The methods of a word: a comma begins a new one unless what follows is one more `key=value`.
pub(crate) fn separated(word: &str) -> Vec<String> {
    let mut methods: Vec<String> = Vec::new();
    for part in outside_brackets(word) {
        let names = part.split([':', '[']).next().unwrap_or_default();
        match methods.last_mut() {
            Some(method) if names.contains('=') => *method += &format!(",{part}"),
            _ if part.is_empty() => {}
            _ => methods.push(part),
        }
    }
    methods
}

/// Splits at commas that stand in no brackets.
pub(crate) fn outside_brackets(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0usize);
    for letter in text.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(part) if letter != ',' || depth > 0 => part.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts
        .into_iter()
        .map(|part| part.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_begins_a_new_one_unless_a_parameter_follows() {
        for (word, wanted) in [
            ("a,b", &["a", "b"][..]),
            ("a:k=1,l=2,b", &["a:k=1,l=2", "b"]),
            ("a:k=[1,2],l=3,b:k=4", &["a:k=[1,2],l=3", "b:k=4"]),
            ("a,,b,", &["a", "b"]),
            ("", &[]),
        ] {
            assert_eq!(separated(word), wanted, "{word}");
        }
    }
}
