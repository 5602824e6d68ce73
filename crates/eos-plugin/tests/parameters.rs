//! The declaration of parameters: what the flat lines may hold.

use eos_plugin::params::Parameters;
use eos_plugin::{choice, params};
use proptest::prelude::*;

choice! {
    /// Two words.
    #[derive(PartialEq)]
    pub enum Side {
        /// One.
        Left = "left",
        /// The other.
        Right = "right",
    }
}

params! {
    /// One of each type.
    pub struct Params {
        count: int = -1, "a number";
        share: float = 0.5, min 0.0, max 1.0, "a share";
        on: bool = true, "a switch";
        name: text = "", "a name";
        side: choice(Side) = "right", "a side";
    }
}

#[test]
fn what_is_not_given_has_its_default() {
    let Params {
        count,
        share,
        on,
        name,
        side,
    } = Params::default();
    assert_eq!(
        (count, share, on, name.as_str(), side),
        (-1, 0.5, true, "", Side::Right)
    );
    let some = Params::parse("\n  on = false \n\nside=\"left\"\n").unwrap();
    assert_eq!((some.count, some.on, some.side), (-1, false, Side::Left));
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    for (lines, said) in [
        ("count", "'count' is not 'key = value'"),
        ("count = ", "parameter 'count' has no value in ''"),
        (
            "count = 1 # many",
            "parameter 'count' has no value in '1 # many'",
        ),
        (
            "count = 1.5",
            "parameter 'count' is 1.5; it is a whole number",
        ),
        (
            "count = 9223372036854775808",
            "parameter 'count' is 9.223372036854776e18; it is a whole number",
        ),
        ("share = inf", "parameter 'share' has no value in 'inf'"),
        ("share = 1.5", "parameter 'share' is 1.5; it is at most 1.0"),
        (
            "share = -1",
            "parameter 'share' is -1.0; it is at least 0.0",
        ),
        ("on = yes", "parameter 'on' has no value in 'yes'"),
        ("on = 1", "parameter 'on' is 1; it is true or false"),
        ("name = open", "parameter 'name' has no value in 'open'"),
        ("name = \"open", "parameter 'name' has no value in '\"open'"),
        (
            "name = \"a\" b",
            "parameter 'name' has no value in '\"a\" b'",
        ),
        (
            "name = \"\\x\"",
            "parameter 'name' has no value in '\"\\x\"'",
        ),
        (
            "name = \"\\uD800\"",
            "parameter 'name' has no value in '\"\\uD800\"'",
        ),
        (
            "side = \"up\"",
            "parameter 'side' is \"up\"; it is one of: left, right",
        ),
        (
            "size = 1",
            "unknown parameter 'size'; it takes: count, share, on, name, side",
        ),
        ("on = true\non = true", "parameter 'on' is given twice"),
    ] {
        let refused = Params::parse(lines).unwrap_err().to_string();
        assert_eq!(refused, said, "{lines}");
    }
    assert_eq!(
        <() as Parameters>::parse("k = 1").unwrap_err().to_string(),
        "unknown parameter 'k'; it takes: nothing"
    );
}

proptest! {
    #[test]
    fn every_value_survives_its_line(count: i64, share in 0.0..=1.0, on: bool, name: String) {
        let mut quoted = String::new();
        for c in name.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                c if c.is_control() => quoted += &format!("\\u{:04x}", c as u32),
                c => quoted.push(c),
            }
        }
        let lines = format!("count = {count}\nshare = {share:?}\non = {on}\nname = \"{quoted}\"\n");
        let read = Params::parse(&lines).unwrap();
        prop_assert_eq!((read.count, read.share, read.on, read.name), (count, share, on, name));
    }

    #[test]
    fn no_text_makes_it_panic(lines: String) {
        let _ = Params::parse(&lines);
    }
}
